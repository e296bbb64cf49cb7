"""Which file is a ring, and what becomes of a consumer when that is closed, deleted, replaced or falls silent."""

import errno
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from collider import PhysicsConsumer, RingError, RingNotFoundError
from collider.ring import Ring
from ring_writer import FRAME_SIZE, HEADER_SIZE, RingWriter

MakeRing = Callable[..., RingWriter]

pytestmark = pytest.mark.usefixtures("reader")


def test_a_missing_ring_says_what_to_start(ring_path: Path) -> None:
    with pytest.raises(RingNotFoundError, match="start collider-writer") as caught:
        PhysicsConsumer(path=ring_path)
    assert isinstance(caught.value, FileNotFoundError)


def test_the_path_comes_from_the_environment(
    make_ring: MakeRing, ring_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_ring(8)
    monkeypatch.setenv("RING_PATH", str(ring_path))
    with PhysicsConsumer() as consumer:
        assert consumer.path == str(ring_path)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "0 bytes"),
        (bytes(HEADER_SIZE + FRAME_SIZE), "no ring"),
        (
            struct.pack("<QIIQ", 0x5048595349435300, 2, FRAME_SIZE, 1).ljust(HEADER_SIZE + FRAME_SIZE, b"\0"),
            "version 2",
        ),
        (struct.pack("<QIIQ", 0x5048595349435300, 1, FRAME_SIZE, 9).ljust(HEADER_SIZE + FRAME_SIZE, b"\0"), "damaged"),
    ],
)
def test_what_is_no_ring_is_refused_with_the_reason(ring_path: Path, contents: bytes, message: str) -> None:
    ring_path.write_bytes(contents)
    with pytest.raises(RingError, match=message):
        PhysicsConsumer(path=ring_path)


def test_what_is_no_file_is_refused_with_the_reason(ring_path: Path) -> None:
    pipe = ring_path.with_name("pipe")
    os.mkfifo(pipe)
    for path in (ring_path.parent, pipe):
        with pytest.raises(RingError, match="it is no file"):
            PhysicsConsumer(path)
    ring_path.touch()
    with pytest.raises(RingError, match="can't be opened: Not a directory"):
        PhysicsConsumer(ring_path / "ring")


def test_what_cannot_be_mapped_is_refused_with_the_reason(
    make_ring: MakeRing, ring_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    make_ring(8)
    monkeypatch.setattr("collider.ring.mmap.mmap", refuse)
    with pytest.raises(RingError, match="can't be mapped: Cannot allocate memory"):
        PhysicsConsumer(ring_path)


def test_a_closed_consumer_says_so_and_its_batches_live_on(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(8).write(2)
    consumer = PhysicsConsumer(path=ring_path)
    batch = consumer.read_batch(2)
    consumer.close()
    consumer.close()
    assert batch["frame_id"].tolist() == [0, 1]
    assert "closed" in repr(consumer)
    with pytest.raises(RingError, match="closed"):
        consumer.read_batch(1)


def test_a_new_ring_at_the_path_is_taken_once_the_old_is_read(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(8).write(3)
    with PhysicsConsumer(path=ring_path) as consumer:
        make_ring(16, epoch=1).write(2, fill=1.0)
        assert consumer.read_batch(10)["fill_rate"].tolist() == [0, 0, 0]
        batch = consumer.read_batch(10)
        assert batch["frame_id"].tolist() == [0, 1] and batch["fill_rate"].tolist() == [1, 1]
        assert consumer.capacity == 16 and consumer.lost == 0


def test_what_a_new_ring_has_overwritten_already_is_lost(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(8).write(3)
    with PhysicsConsumer(path=ring_path) as consumer:
        consumer.read_batch(8)
        make_ring(4).write(10)
        assert consumer.read_batch(8)["frame_id"].tolist() == [6, 7, 8, 9] and consumer.lost == 6


def test_what_a_ring_got_until_it_was_replaced_is_read(
    make_ring: MakeRing, ring_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer goes on after the reader has looked for frames, and ends before it looks for another ring."""
    writer = make_ring(8)
    is_replaced = Ring.is_replaced

    def go_on_and_replace(ring: Ring) -> bool:
        if writer.head == 1:
            writer.write(2, fill=0.5)
            make_ring(8).write(1, fill=1.0)
        return is_replaced(ring)

    writer.write(1)
    with PhysicsConsumer(ring_path) as consumer:
        assert len(consumer.read_batch(8)) == 1
        monkeypatch.setattr(Ring, "is_replaced", go_on_and_replace)
        seen = np.concatenate([consumer.read_batch(8, timeout=60)["fill_rate"] for _ in range(2)])
        assert seen.tolist() == [0.5, 0.5, 1.0] and consumer.lost == 0


def test_a_consumer_outlives_the_deletion_of_the_file(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(8)
    with PhysicsConsumer(path=ring_path) as consumer:
        ring_path.unlink()
        writer.write(1)
        assert len(consumer.read_batch(10)) == 1
        assert len(consumer.read_batch(10)) == 0


def test_a_silent_writer_is_stale(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(8)
    with PhysicsConsumer(ring_path) as consumer:
        assert not consumer.stale
        os.pwrite(writer.descriptor, int((time.time() - 6) * 1e6).to_bytes(8, "little"), 48)
        assert consumer.stale


def test_a_ring_that_was_replaced_is_stale_once_it_is_read(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(8).write(1)
    with PhysicsConsumer(ring_path) as consumer:
        make_ring(8)
        assert not consumer.stale
        consumer.read_batch(1)
        assert consumer.stale
