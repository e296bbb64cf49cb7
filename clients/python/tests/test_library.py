"""libcolliderring by itself: what another language finds in its header, called as it is declared there."""

import ctypes
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from collider import COMPACT_FRAME, FRAME, NUMBERS, native
from collider.native import BatchStruct, Library, RingStruct
from ring_writer import COMPACT_SIZE, FRAME_SIZE, HEADER_SIZE, RingWriter

MakeRing = Callable[..., RingWriter]
OK, MISSING, SYSTEM, NO_RING, VERSION, DAMAGED = range(6)


@pytest.fixture
def c(library: Library) -> Any:
    functions = ctypes.CDLL(library.path)
    for name in ("head", "tail", "writer_epoch", "heartbeat_us"):
        getattr(functions, f"cr_{name}").restype = ctypes.c_uint64
    functions.cr_copy.restype = functions.cr_copy_part.restype = BatchStruct
    functions.cr_next.restype = ctypes.c_uint64
    functions.cr_wait.restype = functions.cr_is_replaced.restype = ctypes.c_bool
    return functions


def opened(c: Any, path: Path) -> tuple[int, RingStruct]:
    ring = RingStruct()
    return c.cr_open(os.fsencode(path), ctypes.byref(ring)), ring


@pytest.mark.parametrize("compact", [False, True])
def test_a_ring_is_opened_read_and_closed(c: Any, make_ring: MakeRing, ring_path: Path, compact: bool) -> None:
    writer = make_ring(8, epoch=3, compact=compact)
    writer.write(11, fill=0.25)
    status, ring = opened(c, ring_path)
    place = ctypes.byref(ring)
    assert status == OK and ring.capacity == 8 and ring.frame_size == (COMPACT_SIZE if compact else FRAME_SIZE)
    assert (c.cr_head(place), c.cr_tail(place), c.cr_writer_epoch(place)) == (11, 3, 3)
    assert c.cr_heartbeat_us(place) > 1_600_000_000_000_000
    frames = np.empty(8, COMPACT_FRAME if compact else FRAME)
    batch = c.cr_copy(place, ctypes.c_uint64(1), ctypes.c_uint64(8), ctypes.c_void_p(frames.ctypes.data))
    assert (batch.count, batch.lost, batch.torn, batch.next) == (8, 2, 0, 11)
    assert frames["frame_id"].tolist() == list(range(3, 11))
    numbers, ids = np.empty(2, NUMBERS), np.empty(2, np.uint64)
    where = ctypes.c_uint32(1040 if compact else 4112), ctypes.c_uint32(NUMBERS.itemsize)
    into = ctypes.c_void_p(numbers.ctypes.data), ctypes.c_void_p(ids.ctypes.data)
    batch = c.cr_copy_part(place, ctypes.c_uint64(5), ctypes.c_uint64(2), *where, *into)
    assert batch.count == 2 and ids.tolist() == [5, 6] and numbers["fill_rate"].tolist() == [0.25, 0.25]
    c.cr_close(place)
    assert not ring.memory


def test_the_next_frames_are_waited_for_no_longer_than_is_said(c: Any, make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(8)
    writer.write(11)
    _, ring = opened(c, ring_path)
    frames, batch = np.empty(5, FRAME), BatchStruct()
    into = ctypes.c_void_p(frames.ctypes.data)

    def following(position: int, timeout: int) -> tuple[int, ...]:
        bounds = ctypes.c_uint64(position), ctypes.c_uint64(5), into, ctypes.c_uint64(timeout)
        count = c.cr_next(ctypes.byref(ring), *bounds, ctypes.byref(batch))
        assert count == batch.count
        return count, batch.lost, batch.torn, batch.next

    assert following(1, 1) == (5, 2, 0, 8) and frames["frame_id"].tolist() == [3, 4, 5, 6, 7]
    assert following(8, 0) == (3, 0, 0, 11)
    for timeout in (0, 1000):
        assert following(11, timeout) == (0, 0, 0, 11)
    with writer.writing():
        # The slot of frame 3 is being written, and counts as lost.
        assert following(3, 0) == (4, 1, 0, 8)
    assert following(40, 1000) == (0, 0, 0, 40)
    assert c.cr_wait(ctypes.byref(ring), ctypes.c_uint64(11), ctypes.c_uint64(0)) is True
    assert c.cr_wait(ctypes.byref(ring), ctypes.c_uint64(12), ctypes.c_uint64(1000)) is False
    c.cr_close(ctypes.byref(ring))


def test_what_is_no_ring_has_a_status(c: Any, ring_path: Path) -> None:
    assert opened(c, ring_path)[0] == MISSING
    assert opened(c, ring_path / "below")[0] == MISSING
    ring_path.write_bytes(b"")
    assert opened(c, ring_path)[0] == NO_RING
    assert opened(c, ring_path / "below")[0] == SYSTEM
    header = struct.Struct("<QIIQ")
    for magic, version, size, capacity, length, status in [
        (0, 1, FRAME_SIZE, 1, 1, NO_RING),
        (0x5048595349435300, 2, FRAME_SIZE, 1, 1, VERSION),
        (0x5048595349435300, 1, COMPACT_SIZE, 1, 1, VERSION),
        (0x5048595349433800, 1, FRAME_SIZE, 1, 1, VERSION),
        (0x5048595349435300, 1, FRAME_SIZE, 2, 1, DAMAGED),
        (0x5048595349435300, 1, FRAME_SIZE, 0, 0, DAMAGED),
        (0x5048595349435300, 1, FRAME_SIZE, 2**63, 1, DAMAGED),
        # So many slots that their size, in 64 bits, is that of one.
        (0x5048595349435300, 1, FRAME_SIZE, 2**57 + 1, 1, DAMAGED),
        (0x5048595349435300, 1, FRAME_SIZE, 1, 1, OK),
    ]:
        ring_path.write_bytes(
            header.pack(magic, version, size, capacity).ljust(HEADER_SIZE + length * FRAME_SIZE, b"\0")
        )
        found, ring = opened(c, ring_path)
        assert found == status, (magic, version, size, capacity)
        if found == OK:
            c.cr_close(ctypes.byref(ring))


def test_another_file_at_the_path_is_noticed_and_a_missing_one_is_none(
    c: Any, make_ring: MakeRing, ring_path: Path
) -> None:
    make_ring(8)
    _, ring = opened(c, ring_path)
    place, path = ctypes.byref(ring), os.fsencode(ring_path)
    assert c.cr_is_replaced(place, path) is False
    ring_path.unlink()
    assert c.cr_is_replaced(place, path) is False
    make_ring(8)
    assert c.cr_is_replaced(place, path) is True
    c.cr_close(place)


def test_a_library_of_another_release_is_refused(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_INTERFACE", 99)
    with pytest.raises(OSError, match="install it again"):
        Library(library.path)
    with pytest.raises(OSError, match="no libcolliderring"):
        Library("libc.so.6")
    monkeypatch.setenv("COLLIDER_RING_LIBRARY", library.path)
    with pytest.raises(OSError, match="install it again"):
        native.load()
    monkeypatch.setenv("COLLIDER_RING_LIBRARY", "")
    assert native.load() is None


def test_a_library_beside_the_package_that_does_not_fit_is_told_of_and_done_without(
    library: Library, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("COLLIDER_RING_LIBRARY", raising=False)
    monkeypatch.setattr(native, "__file__", os.fspath(tmp_path / "native.py"))
    assert native.load() is None
    beside = tmp_path / "libcolliderring.so"
    shutil.copy(library.path, beside)
    found = native.load()
    assert found is not None and found.path == os.fspath(beside)
    # Elsewhere, because the loader knows files by their inodes.
    monkeypatch.setattr(native, "__file__", os.fspath(tmp_path / "other" / "native.py"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "libcolliderring.so").write_bytes(b"of another processor")
    with pytest.warns(RuntimeWarning, match="reading by NumPy"):
        assert native.load() is None
