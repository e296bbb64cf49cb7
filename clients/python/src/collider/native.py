"""libcolliderring: the C reader of the ring, where it was built. `Sources/C/ColliderRing` is its source.

It has the fences that Python lacks, copies a batch in one call, and can sleep until the writer wakes it. Without it the
package does the same with NumPy.
"""

import ctypes
import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_INTERFACE = 1


class RingStruct(ctypes.Structure):
    """`cr_ring`."""

    capacity: int
    frame_size: int
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


# A pointer to a `cr_ring`, which keeps it alive; made once, because making one takes as long as a short call.
RingPointer = Any


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
        pointer, number, ring = ctypes.c_void_p, ctypes.c_uint64, ctypes.POINTER(RingStruct)
        self._attach = library.cr_attach
        self._attach.argtypes, self._attach.restype = [pointer, number, ring], ctypes.c_int
        self._head = library.cr_head
        self._head.argtypes, self._head.restype = [ring], number
        self._copy = library.cr_copy
        self._copy.argtypes, self._copy.restype = [ring, number, number, pointer], BatchStruct
        self._copy_part = library.cr_copy_part
        self._copy_part.argtypes = [ring, number, number, ctypes.c_uint32, ctypes.c_uint32, pointer, pointer]
        self._copy_part.restype = BatchStruct
        self._wait = library.cr_wait
        self._wait.argtypes, self._wait.restype = [ring, number, number], ctypes.c_bool

    def attach(self, memory: mmap.mmap) -> RingPointer | None:
        """The ring in a mapping, or None when it is none; the mapping has to live as long."""
        ring = ctypes.pointer(RingStruct())
        address = np.frombuffer(memory, np.uint8).ctypes.data
        return ring if self._attach(address, len(memory), ring) == 0 else None

    def head(self, ring: RingPointer) -> int:
        """How many frames were published, by an acquire load."""
        head: int = self._head(ring)
        return head

    def copy(self, ring: RingPointer, position: int, limit: int, frames: npt.NDArray[Any]) -> BatchStruct:
        """Copies at most `limit` frames into an array that has room for them."""
        batch: BatchStruct = self._copy(ring, position, limit, frames.ctypes.data)
        return batch

    def copy_part(
        self,
        ring: RingPointer,
        position: int,
        limit: int,
        offset: int,
        parts: npt.NDArray[Any],
        frame_ids: npt.NDArray[np.uint64],
    ) -> BatchStruct:
        """Copies of each frame what lies from `offset` on, as much as an element of `parts` has room for."""
        size, into, ids = parts.dtype.itemsize, parts.ctypes.data, frame_ids.ctypes.data
        batch: BatchStruct = self._copy_part(ring, position, limit, offset, size, into, ids)
        return batch

    def wait(self, ring: RingPointer, position: int, seconds: float) -> bool:
        """Sleeps until there is a frame at `position`, the time is over, or for no reason; says whether there is."""
        return bool(self._wait(ring, position, int(seconds * 1_000_000)))


def load() -> Library | None:
    """The library beside this file, or the one that COLLIDER_RING_LIBRARY names; None without, or if that is empty."""
    named = os.environ.get("COLLIDER_RING_LIBRARY")
    if named is not None:
        return Library(named) if named else None
    beside = Path(__file__).with_name("libcolliderring.so")
    try:
        return Library(os.fspath(beside)) if beside.exists() else None
    except OSError:
        # Of another processor, say, in a folder that machines share. A library that was asked for by name must load.
        return None


LIBRARY = load()
"""What rings are read with, unless another is given."""
