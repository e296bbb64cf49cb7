"""Batches: from an id on, without embeddings, into the caller's memory, and of compact rings."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from collider import COMPACT_FRAME, FRAME, NUMBERS, Frame, PhysicsConsumer, semantic_of
from collider.ring import Ring
from ring_writer import RingWriter

MakeRing = Callable[..., RingWriter]

pytestmark = pytest.mark.usefixtures("reader")


def test_since_an_id_come_the_frames_after_it(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(8).write(6)
    with PhysicsConsumer(ring_path) as consumer:
        assert consumer.read_since(2)["frame_id"].tolist() == [3, 4, 5]
        assert consumer.lag == 0 and consumer.lost == 0
        assert consumer.read_since(-1, 2)["frame_id"].tolist() == [0, 1]
        assert consumer.read_batch(9)["frame_id"].tolist() == [2, 3, 4, 5]
        assert len(consumer.read_since(5)) == 0
        with pytest.raises(ValueError, match="-1"):
            consumer.read_since(-2)


def test_since_an_id_that_is_overwritten_the_loss_is_counted(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(8).write(20)
    with PhysicsConsumer(ring_path) as consumer:
        assert consumer.read_since(4)["frame_id"].tolist() == list(range(12, 20))
        assert consumer.lost == 7


def test_since_an_id_of_an_earlier_ring_all_of_this_one_come(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(8).write(3)
    with PhysicsConsumer(ring_path) as consumer:
        assert consumer.read_since(1_000)["frame_id"].tolist() == [0, 1, 2]


def test_numbers_come_without_the_embedding(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(8)
    writer.write(12, fill=0.25)
    with PhysicsConsumer(ring_path) as consumer, writer.writing():
        consumer.position = 2
        ids, numbers = consumer.read_numbers(100)
        assert ids.tolist() == list(range(5, 12)) and consumer.lost == 3
        assert numbers.dtype == NUMBERS and numbers["fill_rate"].tolist() == [0.25] * 7
        assert numbers["timestamp_us"].tolist() == [1_700_000_000_000_000 + number for number in range(5, 12)]
        assert [bytes(event)[-1] for event in numbers["event_id"]] == list(range(5, 12))
        assert len(consumer.read_numbers(100)[0]) == 0


def test_memory_of_the_caller_is_used_again(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(8)
    writer.write(6)
    out = np.empty(4, FRAME)
    with PhysicsConsumer(ring_path) as consumer:
        batch = consumer.read_batch(4, out=out)
        assert batch["frame_id"].tolist() == [0, 1, 2, 3] and np.shares_memory(batch, out)
        assert consumer.read_batch(4, out=out)["frame_id"].tolist() == [4, 5]
        locked = np.empty(4, FRAME)
        locked.flags.writeable = False
        flat = [np.empty(3, FRAME), np.empty(8, FRAME)[::2], np.empty(4, COMPACT_FRAME), locked]
        for wrong in (*flat, np.empty((4, 1), FRAME)):
            with pytest.raises(ValueError, match="out must be"):
                consumer.read_batch(4, out=wrong)


def test_a_position_is_any_integer_from_0_on(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(8).write(6)
    with PhysicsConsumer(ring_path) as consumer:
        ids = consumer.read_batch(3)["frame_id"]
        consumer.position = ids[1]
        assert type(consumer.position) is int and consumer.read_batch(1)["frame_id"].tolist() == [1]
        assert consumer.read_since(ids[2], 1)["frame_id"].tolist() == [3]
        with pytest.raises(ValueError, match="negative"):
            consumer.position = -1
        for read in (consumer.read_batch, consumer.read_numbers):
            with pytest.raises(ValueError, match="negative"):
                read(-1)
        consumer.position = 9
        assert len(consumer.read_batch(3)) == 0 and consumer.position == 9 and consumer.lost == 0


def test_a_long_batch_keeps_what_was_whole_around_what_was_not(make_ring: MakeRing, ring_path: Path) -> None:
    """More than NumPy copies at once, with holes in the first piece and in the second."""
    writer = make_ring(300)
    writer.write(300)
    for frame_id in (0, 17, 200):
        os.pwrite(writer.descriptor, b"\x01", writer.slot(frame_id))
    with PhysicsConsumer(ring_path) as consumer:
        batch = consumer.read_batch(1000)
        kept = [number for number in range(300) if number not in (0, 17, 200)]
        assert batch["frame_id"].tolist() == kept and batch["semantic"][:, 1023].tolist() == kept
        assert consumer.lost == 3


@pytest.mark.parametrize(("timeout", "tries", "found"), [(0, 8, 0), (60, 21, 1), (None, 21, 1)])
def test_who_is_lapped_tries_a_few_times_or_for_as_long_as_it_waits(
    make_ring: MakeRing, ring_path: Path, monkeypatch: pytest.MonkeyPatch, timeout: float | None, tries: int, found: int
) -> None:
    """The writer laps the first twenty copies."""
    writer = make_ring(8)
    writer.write(1)
    copy, copies = Ring.copy, 0

    def lap_and_copy(ring: Ring, position: int, *rest: Any) -> Any:
        nonlocal copies
        copies += 1
        if copies <= 20:
            writer.write(8)
            return np.empty(0, FRAME), writer.head, 8
        writer.write(1)
        return copy(ring, position, *rest)

    monkeypatch.setattr(Ring, "copy", lap_and_copy)
    with PhysicsConsumer(ring_path) as consumer:
        assert len(consumer.read_batch(8, timeout=timeout)) == found and copies == tries
        assert consumer.lost + found == consumer.position == writer.head


def test_a_compact_ring_is_read_by_the_same_calls(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(8, compact=True)
    writer.write(11, fill=0.25)
    with PhysicsConsumer(ring_path) as consumer:
        assert consumer.dtype == COMPACT_FRAME
        batch = consumer.read_batch(10)
        assert batch["frame_id"].tolist() == list(range(3, 11)) and batch["fill_rate"].tolist() == [0.25] * 8
        assert semantic_of(batch).dtype == np.float32
        assert semantic_of(batch)[:, 5].tolist() == [number / 2 for number in range(3, 11)]
        latest = consumer.read_latest()
        assert isinstance(latest, Frame) and latest.semantic.dtype == np.float32 and latest.semantic[0] == 5
        assert latest.as_dict()["semantic"] == [5.0] * 1024
        writer.write(1, fill=0.5)
        assert consumer.read_numbers(9)[1]["fill_rate"].tolist() == [0.5]


def test_a_compact_ring_may_take_the_place_of_a_full_one(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(8).write(2)
    with PhysicsConsumer(ring_path) as consumer:
        out = np.empty(4, FRAME)
        assert len(consumer.read_batch(4, out=out)) == 2
        make_ring(8, compact=True).write(3)
        assert consumer.read_batch(4, out=out).dtype == COMPACT_FRAME
