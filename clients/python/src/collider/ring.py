"""One mapped ring: validated copies of its frames.

The writer marks a slot with an odd sequence, writes the frame, marks it with an even one, and then moves the head. The
sequence is a ticket: `2 * frame_id + 2` when that frame is complete. So a reader knows before the copy whether the slot
holds the frame it seeks, and after the copy whether it still does. A frame that fails either check has been overtaken:
it will never come back, is never returned, and is counted.

Copies are made by libcolliderring where it was built, and by NumPy elsewhere, with the same results.

**Memory order.** The copy must lie between the two looks at the sequence. In C, fences see to that. Python has none,
but each step here is a call of its own into NumPy, which no compiler moves across another, and x86-64 never reorders
loads with loads. On other processors `_fence` takes a lock twice: nothing before the first release can sink below the
second acquire.
"""

import contextlib
import mmap
import os
import platform
import threading
import time
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import native
from .layout import HEADER, LAYOUTS, NUMBERS, Layout

_LOADS_STAY_IN_ORDER = platform.machine().lower() in ("x86_64", "amd64")
_LOCK = threading.Lock()


def _fence() -> None:
    if _LOADS_STAY_IN_ORDER:
        return
    for _ in range(2):
        with _LOCK:
            pass


class RingError(Exception):
    """The ring can't be read; the message says why and what to do."""


class RingNotFoundError(RingError, FileNotFoundError):
    """There is no ring at the path."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"no ring at {path}: start collider-writer (`make up` does), or say with path= or RING_PATH where it is"
        )


# So many frames are looked at, copied and looked at again before the next: half a megabyte, which the second look finds
# in the cache.
_CHUNK_BYTES = 512 << 10


class Copied(NamedTuple):
    """What a copy gave."""

    values: npt.NDArray[Any]
    """Of the whole frames, in order, in memory of their own: the frames, or the part that was asked for."""
    frame_ids: npt.NDArray[np.uint64]
    """Their ids, one for each."""
    lost: int
    """How many frames had been overwritten."""
    torn: int
    """How many of those were overwritten while they were being copied."""
    next: int
    """The position to go on from."""


class Ring:
    """A read-only mapping of one ring file, which outlives the file's name."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise RingNotFoundError(path) from None
        except PermissionError:
            raise RingError(
                f"{path} may not be read by this user: its mode is 0640, so join the group of the writer"
            ) from None
        try:
            status = os.fstat(descriptor)
            self.identity = (status.st_dev, status.st_ino)
            if status.st_size < HEADER.itemsize:
                raise RingError(f"{path} is no ring: it has {status.st_size} bytes")
            self._memory = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
        finally:
            os.close(descriptor)
        try:
            self._header = np.frombuffer(self._memory, HEADER, count=1)
            self.layout, self.capacity = self._check(status.st_size)
            self._library = native.LIBRARY
            self._native = self._library.attach(self._memory) if self._library else None
        except BaseException:
            self.close()
            raise
        self._slots = np.frombuffer(self._memory, self.layout.frame, count=self.capacity, offset=HEADER.itemsize)
        self._sequences = self._slots["sequence"]

    def _check(self, size: int) -> tuple[Layout, int]:
        # A copy, because a view would keep the mapping open for as long as the error below lives.
        header = self._header[0].copy()
        layout = next((layout for layout in LAYOUTS if layout.magic == header["magic"]), None)
        if layout is None:
            raise RingError(f"{self.path} is no ring: its first bytes are not those of one")
        frame_size = layout.frame.itemsize
        if header["version"] != layout.version or header["frame_size"] != frame_size:
            raise RingError(
                f"{self.path} has layout version {header['version']} with frames of {header['frame_size']} bytes; this "
                f"package reads version {layout.version} with {frame_size}: use the package of the writer's release"
            )
        capacity = int(header["capacity"])
        if capacity < 1 or size != HEADER.itemsize + capacity * frame_size:
            raise RingError(f"{self.path} is damaged: {size} bytes don't fit {capacity} frames")
        return layout, capacity

    @property
    def head(self) -> int:
        """How many frames were published so far: the id of the next one."""
        if self._library and self._native:
            return self._library.head(self._native)
        head = int(self._header["head"][0])
        _fence()
        return head

    @property
    def tail(self) -> int:
        """The id of the oldest frame that can still be read."""
        return int(self._header["tail"][0])

    @property
    def writer_epoch(self) -> int:
        """The number of the writer: 1 for the ring's first, one more at each start."""
        return int(self._header["writer_epoch"][0])

    @property
    def heartbeat_us(self) -> int:
        """When the writer last said that it lives, in microseconds since 1970."""
        return int(self._header["heartbeat_us"][0])

    @property
    def can_sleep(self) -> bool:
        """Whether `wait` sleeps until the writer wakes it; else it only waits for the time to pass."""
        return self._library is not None

    def wait(self, position: int, seconds: float) -> bool:
        """Sleeps until there is a frame at `position`, or so long at most; says whether there is one."""
        if self._library and self._native:
            return self._library.wait(self._native, position, seconds)
        time.sleep(seconds)
        return self.head > position

    def copy(self, position: int, limit: int, out: npt.NDArray[Any] | None = None) -> Copied:
        """Copies the published frames from `position` on, at most `limit`.

        - out: an array of the layout's `frame` that has room for `limit`, to be used instead of new memory.
        """
        if out is not None and self._library and self._native:
            batch = self._library.copy(self._native, position, limit, out)
            frames = out[: batch.count]
            return Copied(frames, frames["frame_id"], batch.lost, batch.torn, batch.next)
        first, end, lapped = self._range(position, limit)
        frames = np.empty(end - first, self.layout.frame) if out is None else out[: end - first]
        if self._library and self._native:
            batch = self._library.copy(self._native, first, end - first, frames)
            frames = frames[: batch.count]
            return Copied(frames, frames["frame_id"], lapped + batch.lost, batch.torn, batch.next)
        return self._copy(frames, self._slots, first, end, lapped)

    def copy_numbers(self, position: int, limit: int) -> Copied:
        """The same without the embeddings, as `NUMBERS`; reads a tenth of the memory."""
        first, end, lapped = self._range(position, limit)
        values = np.empty(end - first, NUMBERS)
        if self._library and self._native:
            ids = np.empty(end - first, np.uint64)
            batch = self._library.copy_part(self._native, first, end - first, self.layout.numbers_at, values, ids)
            return Copied(values[: batch.count], ids[: batch.count], lapped + batch.lost, batch.torn, batch.next)
        return self._copy(values, self._parts(self.layout.numbers_at, NUMBERS), first, end, lapped)

    def _range(self, position: int, limit: int) -> tuple[int, int, int]:
        """The first frame that can be there, the end, and how many were overwritten before the first."""
        head = self.head
        first = max(position, head - self.capacity, 0)
        return first, min(max(head, first), first + min(limit, self.capacity)), first - position

    def _parts(self, offset: int, part: np.dtype[Any]) -> npt.NDArray[Any]:
        """One part of every slot, in place."""
        size = self.layout.frame.itemsize
        return np.ndarray((self.capacity,), part, self._memory, HEADER.itemsize + offset, (size,))

    def _copy(self, into: npt.NDArray[Any], slots: npt.NDArray[Any], first: int, end: int, lapped: int) -> Copied:
        """By NumPy: a chunk at a time, whose whole frames lie behind those of the chunk before."""
        ids = np.empty(end - first, np.uint64)
        # As bytes without fields, which NumPy moves as they are.
        plain = np.dtype(("V", into.dtype.itemsize))
        target, source = into.view(plain), slots.view(plain)
        chunk = max(1, _CHUNK_BYTES // self.layout.frame.itemsize)
        count = torn = 0
        position = first
        while position < end:
            slot = position % self.capacity
            # Where the range passes the end of the ring it goes on at its beginning.
            length = min(chunk, end - position, self.capacity - slot)
            places = slice(slot, slot + length)
            wanted = np.arange(position, position + length, dtype=np.uint64)
            complete = wanted * np.uint64(2) + np.uint64(2)
            found = self._sequences[places] == complete
            _fence()
            target[count : count + length] = source[places]
            _fence()
            whole = found & (self._sequences[places] == complete)
            if into.dtype == self.layout.frame:
                whole &= into["frame_id"][count : count + length] == wanted
            kept = int(np.count_nonzero(whole))
            torn += int(np.count_nonzero(found)) - kept
            if kept < length:
                target[count : count + kept] = target[count : count + length][whole]
                wanted = wanted[whole]
            ids[count : count + kept] = wanted
            count += kept
            position += length
        return Copied(into[:count], ids[:count], lapped + end - first - count, torn, end)

    def column(self, field: str, position: int, limit: int) -> tuple[int, npt.NDArray[Any]]:
        """A field in place, and the id of its first frame: a view that ends where the ring starts over."""
        first, end, _ = self._range(position, limit)
        slot = first % self.capacity
        return first, self._slots[field][slot : slot + min(end - first, self.capacity - slot)]

    def are_whole(self, first: int, count: int) -> npt.NDArray[np.bool_]:
        """Which of the frames from `first` on are still there; they lie in a row, and had been published."""
        _fence()
        slot = first % self.capacity
        complete = np.arange(first, first + count, dtype=np.uint64) * np.uint64(2) + np.uint64(2)
        whole: npt.NDArray[np.bool_] = self._sequences[slot : slot + count] == complete
        return whole

    def is_replaced(self) -> bool:
        """Whether another file has taken the path; a missing one doesn't count, because its writer may return."""
        try:
            status = os.stat(self.path)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) != self.identity

    def close(self) -> None:
        """Gives the mapping back, when the last column that lies in it is gone."""
        self._native = None
        for view in ("_sequences", "_slots", "_header"):
            if hasattr(self, view):
                delattr(self, view)
        with contextlib.suppress(BufferError):
            self._memory.close()
