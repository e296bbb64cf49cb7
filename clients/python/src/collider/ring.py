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
import stat
import threading
import time
from typing import Any

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


def are_whole(sequences: npt.NDArray[np.uint64], first: int) -> npt.NDArray[np.bool_]:
    """Which of the frames from `first` on are still in these slots, which lie in a row; all had been published."""
    _fence()
    ids = np.arange(first, first + len(sequences), dtype=np.uint64)
    whole: npt.NDArray[np.bool_] = sequences == ids * np.uint64(2) + np.uint64(2)
    return whole


def _opened(path: str) -> int:
    try:
        # Without waiting, as one does at a pipe that nobody writes.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise RingNotFoundError(path) from None
    except PermissionError:
        raise RingError(
            f"{path} may not be read by this user: its mode is 0640, so join the group of the writer"
        ) from None
    except OSError as error:
        raise RingError(f"{path} can't be opened: {error.strerror}") from error


# What a copy gave: what was whole, in order, in memory of its own; the position to go on from; and how many frames were
# overwritten during the copy. What lies between the two positions and was not copied is lost.
Copied = tuple[npt.NDArray[Any], int, int]


class Ring:
    """A read-only mapping of one ring file, which outlives the file's name."""

    def __init__(self, path: str) -> None:
        self.path = path
        descriptor = _opened(path)
        try:
            status = os.fstat(descriptor)
            self.identity = (status.st_dev, status.st_ino)
            if not stat.S_ISREG(status.st_mode):
                raise RingError(f"{path} is no ring: it is no file")
            if status.st_size < HEADER.itemsize:
                raise RingError(f"{path} is no ring: it has {status.st_size} bytes")
            self._memory = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise RingError(f"{path} can't be mapped: {error.strerror}") from error
        finally:
            os.close(descriptor)
        try:
            self._header = np.frombuffer(self._memory, HEADER, count=1)
            self.layout, self.capacity = self._check(status.st_size)
            self._native = native.NativeRing(native.LIBRARY, self._memory) if native.LIBRARY else None
        except BaseException:
            self.close()
            raise
        self._slots = np.frombuffer(self._memory, self.layout.frame, count=self.capacity, offset=HEADER.itemsize)
        self._sequences = self._slots["sequence"]
        # The last memory that the caller lent, and its address: to ask for that takes longer than a short copy.
        self._lent: tuple[npt.NDArray[Any] | None, int] = (None, 0)

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
        if self._native is not None:
            return self._native.head()
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
        return self._native is not None

    def wait(self, position: int, seconds: float) -> bool:
        """Sleeps until there is a frame at `position`, or so long at most; says whether there is one."""
        if self._native is not None:
            return self._native.wait(position, seconds)
        time.sleep(seconds)
        return self.head > position

    def copy(self, position: int, limit: int, out: npt.NDArray[Any] | None = None, seconds: float = 0) -> Copied:
        """Copies the published frames from `position` on, at most `limit`.

        - out: an array of the layout's `frame` that has room for `limit`, to be used instead of new memory.
        - seconds: how long to wait at most for the first frame. With the library and `out` that is the same call.
        """
        reader = self._native
        if reader is not None and out is not None:
            lent = self._lent
            if lent[0] is not out:
                lent = self._lent = (out, out.ctypes.data)
            count = reader.next(position, limit, lent[1], seconds)
            return out[:count], reader.batch.next, reader.batch.torn
        if seconds > 0 and self.head <= position:
            self.wait(position, seconds)
        first, end = self._range(position, limit)
        frames = np.empty(end - first, self.layout.frame) if out is None else out[: end - first]
        if reader is None:
            return self._copy(frames, self._slots, first, end)[1:]
        count = reader.next(first, end - first, frames.ctypes.data)
        return frames[:count], reader.batch.next, reader.batch.torn

    def copy_numbers(self, position: int, limit: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[Any], int, int]:
        """The same without the embeddings, as `NUMBERS`, after the frames' ids; reads a tenth of the memory."""
        first, end = self._range(position, limit)
        values = np.empty(end - first, NUMBERS)
        if self._native is None:
            return self._copy(values, self._parts(self.layout.numbers_at, NUMBERS), first, end)
        ids = np.empty(end - first, np.uint64)
        done = self._native.copy_part(first, end - first, self.layout.numbers_at, values, ids)
        return ids[: done.count], values[: done.count], done.next, done.torn

    def _range(self, position: int, limit: int) -> tuple[int, int]:
        """The first frame that can be there, and the end."""
        head = self.head
        first = max(position, head - self.capacity)
        return first, min(max(head, first), first + min(limit, self.capacity))

    def _parts(self, offset: int, part: np.dtype[Any]) -> npt.NDArray[Any]:
        """One part of every slot, in place."""
        size = self.layout.frame.itemsize
        return np.ndarray((self.capacity,), part, self._memory, HEADER.itemsize + offset, (size,))

    def _copy(
        self, into: npt.NDArray[Any], slots: npt.NDArray[Any], first: int, end: int
    ) -> tuple[npt.NDArray[np.uint64], npt.NDArray[Any], int, int]:
        """By NumPy: a chunk at a time, whose whole frames lie behind those of the chunk before."""
        ids = np.arange(first, end, dtype=np.uint64)
        complete = ids * np.uint64(2) + np.uint64(2)
        # As bytes without fields, which NumPy moves as they are.
        plain = np.dtype(("V", into.dtype.itemsize))
        target, source = into.view(plain), slots.view(plain)
        copied_ids = into["frame_id"] if into.dtype == self.layout.frame else None
        chunk = max(1, _CHUNK_BYTES // self.layout.frame.itemsize)
        kept = torn = done = 0
        while done < end - first:
            slot = (first + done) % self.capacity
            # Where the range passes the end of the ring it goes on at its beginning.
            length = min(chunk, end - first - done, self.capacity - slot)
            sequences, wanted = self._sequences[slot : slot + length], complete[done : done + length]
            place = slice(kept, kept + length)
            found = sequences == wanted
            _fence()
            target[place] = source[slot : slot + length]
            _fence()
            whole = found & (sequences == wanted)
            if copied_ids is not None:
                whole &= copied_ids[place] == ids[done : done + length]
            count = int(np.count_nonzero(whole))
            if count < length:
                torn += int(np.count_nonzero(found)) - count
                target[kept : kept + count] = target[place][whole]
            if kept < done or count < length:
                ids[kept : kept + count] = ids[done : done + length][whole]
            kept += count
            done += length
        return ids[:kept], into[:kept], end, torn

    def column(self, field: str, position: int, limit: int) -> tuple[int, npt.NDArray[Any], npt.NDArray[np.uint64]]:
        """A field in place, the id of its first frame, and the sequences: views that end where the ring starts over."""
        first, end = self._range(position, limit)
        slot = first % self.capacity
        places = slice(slot, slot + min(end - first, self.capacity - slot))
        return first, self._slots[field][places], self._sequences[places]

    def is_replaced(self) -> bool:
        """Whether another file has taken the path; a missing one doesn't count, because its writer may return."""
        try:
            status = os.stat(self.path)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) != self.identity

    def close(self) -> None:
        """Gives the mapping back, when the last column that lies in it is gone."""
        for view in ("_native", "_sequences", "_slots", "_header"):
            if hasattr(self, view):
                delattr(self, view)
        with contextlib.suppress(BufferError):
            self._memory.close()
