"""One mapped ring: validated copies of its frames.

The writer marks a slot with an odd sequence, writes the frame, marks it with an even one, and then moves the head. The
sequence is a ticket: `2 * frame_id + 2` when that frame is complete. So a reader knows before the copy whether the slot
holds the frame it seeks, and after the copy whether it still does. A frame that fails either check has been overtaken:
it will never come back, is never returned, and is counted.

**Memory order.** The copy must lie between the two looks at the sequence. Python has no fences, but each step here is a
call of its own into NumPy, which no compiler moves across another, and x86-64 never reorders loads with loads. On other
processors `_fence` takes a lock twice: nothing before the first release can sink below the second acquire.
"""

import mmap
import os
import platform
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .layout import FRAME, HEADER, MAGIC, VERSION

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


@dataclass(frozen=True, slots=True)
class CopiedFrames:
    """What a copy of a range of frames gave."""

    frames: npt.NDArray[Any]
    """The whole frames, in order, in memory of their own."""
    lost: int
    """How many of the range had been overwritten."""
    torn: int
    """How many of those were overwritten while they were being copied."""


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
            self._check(status.st_size)
        except BaseException:
            self.close()
            raise
        self._slots = np.frombuffer(self._memory, FRAME, count=self.capacity, offset=HEADER.itemsize)
        self._sequences = self._slots["sequence"]

    def _check(self, size: int) -> None:
        # A copy, because a view would keep the mapping open for as long as the error below lives.
        header = self._header[0].copy()
        if header["magic"] != MAGIC:
            raise RingError(f"{self.path} is no ring: its first bytes are not those of one")
        if header["version"] != VERSION or header["frame_size"] != FRAME.itemsize:
            raise RingError(
                f"{self.path} has layout version {header['version']} with frames of {header['frame_size']} bytes; this "
                f"package reads version {VERSION} with {FRAME.itemsize}: use the package of the writer's release"
            )
        self.capacity = int(header["capacity"])
        if self.capacity < 1 or size != HEADER.itemsize + self.capacity * FRAME.itemsize:
            raise RingError(f"{self.path} is damaged: {size} bytes don't fit {self.capacity} frames")

    @property
    def head(self) -> int:
        """How many frames were published so far: the id of the next one."""
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

    def copy(self, first: int, end: int) -> CopiedFrames:
        """Copies the frames with ids from `first` up to `end`; all must have been published, and fit the ring."""
        count = end - first
        frames = np.empty(count, FRAME)
        before = np.empty(count, np.uint64)
        after = np.empty(count, np.uint64)
        start = first % self.capacity
        straight = min(count, self.capacity - start)
        # Where the range passes the end of the ring it goes on at its beginning.
        pieces = [
            (slice(0, straight), slice(start, start + straight)),
            (slice(straight, count), slice(0, count - straight)),
        ]
        for into, slots in pieces:
            before[into] = self._sequences[slots]
        _fence()
        for into, slots in pieces:
            frames[into] = self._slots[slots]
        _fence()
        for into, slots in pieces:
            after[into] = self._sequences[slots]
        ids = np.arange(first, end, dtype=np.uint64)
        complete = ids * np.uint64(2) + np.uint64(2)
        found = before == complete
        whole = found & (after == complete) & (frames["frame_id"] == ids)
        kept = int(np.count_nonzero(whole))
        torn = int(np.count_nonzero(found)) - kept
        return CopiedFrames(frames if kept == count else frames[whole], lost=count - kept, torn=torn)

    def is_replaced(self) -> bool:
        """Whether another file has taken the path; a missing one doesn't count, because its writer may return."""
        try:
            status = os.stat(self.path)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) != self.identity

    def close(self) -> None:
        """Gives the mapping back."""
        for view in ("_sequences", "_slots", "_header"):
            if hasattr(self, view):
                delattr(self, view)
        self._memory.close()
