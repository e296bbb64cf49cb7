"""libcolliderring: the C reader of the ring, where it was built. `Sources/C/ColliderRing` is its source.

It has the fences that Python lacks, waits for a batch and copies it in one call, and sleeps until the writer wakes it.
Without it the package does the same with NumPy.
"""

import ctypes
import mmap
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_INTERFACE = 2


class RingStruct(ctypes.Structure):
    """`cr_ring`."""

    _fields_ = (
        ("memory", ctypes.c_void_p),
        ("length", ctypes.c_uint64),
        ("capacity", ctypes.c_uint64),
        ("frame_size", ctypes.c_uint64),
        ("device", ctypes.c_uint64),
        ("inode", ctypes.c_uint64),
    )


class BatchStruct(ctypes.Structure):
    """`cr_batch`."""

    count: int
    lost: int
    torn: int
    next: int
    _fields_ = (
        ("count", ctypes.c_uint64),
        ("lost", ctypes.c_uint64),
        ("torn", ctypes.c_uint64),
        ("next", ctypes.c_uint64),
    )


class Library:
    """The functions of one libcolliderring, with the types of its header."""

    def __init__(self, path: str) -> None:
        """Loads it; raises OSError when it can't be, or is one of another release."""
        self.path = path
        library = ctypes.CDLL(path)
        try:
            library.cr_interface.restype = ctypes.c_uint32
            found = library.cr_interface()
        except AttributeError:
            raise OSError(f"{path} is no libcolliderring") from None
        if found != _INTERFACE:
            raise OSError(f"{path} has interface {found}, and this package needs {_INTERFACE}: install it again")
        # Structures go by their addresses, which are made once: to make a pointer takes as long as a short call.
        pointer, number, half = ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint32
        self.attach = library.cr_attach
        self.attach.argtypes, self.attach.restype = [pointer, number, pointer], ctypes.c_int
        self.head = library.cr_head
        self.head.argtypes, self.head.restype = [pointer], number
        self.next = library.cr_next
        self.next.argtypes = [pointer, number, number, pointer, number, pointer]
        self.next.restype = number
        self.copy_part = library.cr_copy_part
        self.copy_part.argtypes = [pointer, number, number, half, half, pointer, pointer]
        self.copy_part.restype = BatchStruct
        self.wait = library.cr_wait
        self.wait.argtypes, self.wait.restype = [pointer, number, number], ctypes.c_bool


class NativeRing:
    """The ring in a mapping, as the library reads it; keeps the mapping for as long as it lives."""

    def __init__(self, library: Library, memory: mmap.mmap) -> None:
        """Raises ValueError when the mapping is of no ring."""
        self._library = library
        # While it is there, the mapping can't be given back under a call that is under way in another thread.
        self._memory = np.frombuffer(memory, np.uint8)
        self._struct = RingStruct()
        self._ring = ctypes.addressof(self._struct)
        if library.attach(self._memory.ctypes.data, len(memory), self._ring) != 0:
            raise ValueError("no ring")
        self.batch = BatchStruct()
        """What came of the last `next`."""
        self._result = ctypes.addressof(self.batch)

    def head(self) -> int:
        """How many frames were published, by an acquire load."""
        head: int = self._library.head(self._ring)
        return head

    def next(self, position: int, limit: int, frames: int, seconds: float = 0) -> int:
        """Waits so long for a frame, then copies at most `limit` to an address with room for them; says how many."""
        timeout = int(seconds * 1_000_000)
        count: int = self._library.next(self._ring, position, limit, frames, timeout, self._result)
        return count

    def copy_part(
        self, position: int, limit: int, offset: int, parts: npt.NDArray[Any], frame_ids: npt.NDArray[np.uint64]
    ) -> BatchStruct:
        """Copies of each frame what lies from `offset` on, as much as an element of `parts` has room for."""
        size, into, ids = parts.dtype.itemsize, parts.ctypes.data, frame_ids.ctypes.data
        batch: BatchStruct = self._library.copy_part(self._ring, position, limit, offset, size, into, ids)
        return batch

    def wait(self, position: int, seconds: float) -> bool:
        """Sleeps until there is a frame at `position`, the time is over, or for no reason; says whether there is."""
        # For the next frame, whichever is sought: nobody can sleep who waits for one beyond that.
        head = self.head()
        if head > position:
            return True
        is_there = bool(self._library.wait(self._ring, head, int(seconds * 1_000_000)))
        return is_there if head == position else self.head() > position


def load() -> Library | None:
    """The library beside this file, or the one that COLLIDER_RING_LIBRARY names; None without, or if that is empty."""
    named = os.environ.get("COLLIDER_RING_LIBRARY")
    if named is not None:
        return Library(named) if named else None
    beside = Path(__file__).with_name("libcolliderring.so")
    if not beside.exists():
        return None
    try:
        return Library(os.fspath(beside))
    except OSError as error:
        # Of another release, say, or of another processor, in a folder that machines share. A library that was asked
        # for by name must load.
        warnings.warn(f"reading by NumPy, which is slower: {error}", RuntimeWarning, stacklevel=2)
        return None


LIBRARY = load()
"""What rings are read with, unless another is given."""
