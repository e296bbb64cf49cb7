"""One field of many frames, where it lies in the ring."""

from collections.abc import Callable
from pathlib import Path

import pytest
from collider import PhysicsConsumer
from ring_writer import RingWriter

MakeRing = Callable[..., RingWriter]

pytestmark = pytest.mark.usefixtures("reader")


def test_a_column_is_the_ring_itself_and_says_what_was_overwritten(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(8)
    writer.write(6, fill=0.25)
    with PhysicsConsumer(ring_path) as consumer:
        column = consumer.column("fill_rate")
        assert column.values.tolist() == [0.25] * 6 and column.values.strides == (4224,)
        assert not column.values.flags.owndata and not column.values.flags.writeable
        assert column.valid().all() and column.frame_ids.tolist() == list(range(6))
        assert consumer.lag == 6, "a look moves nothing"
        writer.write(4, fill=0.5)
        assert column.values.tolist() == [0.5] * 2 + [0.25] * 4
        assert column.valid().tolist() == [False] * 2 + [True] * 4
        assert column.copy().tolist() == [0.25] * 4
        with writer.writing():
            assert column.valid().tolist() == [False] * 3 + [True] * 3


def test_a_column_ends_where_the_ring_starts_over(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(8).write(11)
    with PhysicsConsumer(ring_path) as consumer:
        first = consumer.column("semantic")
        assert first.values.shape == (5, 1024) and first.values[:, 7].tolist() == [3, 4, 5, 6, 7]
        consumer.position = first.first + len(first)
        rest = consumer.column("spin", 2)
        assert rest.values.shape == (2, 4) and rest.frame_ids.tolist() == [8, 9]
        with pytest.raises(ValueError, match="no field 'mood'"):
            consumer.column("mood")


def test_a_column_outlives_its_consumer(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(2)
    writer.write(2)
    with PhysicsConsumer(ring_path) as consumer:
        column = consumer.column("velocity")
    assert column.values.tolist() == [3, 3]
    writer.write(1)
    assert column.valid().tolist() == [False, True] and column.copy().tolist() == [3]


def test_a_column_outlives_the_ring_that_its_consumer_reads(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(2).write(2)
    with PhysicsConsumer(ring_path) as consumer:
        column = consumer.column("velocity")
        consumer.read_batch(2)
        make_ring(4).write(1)
        assert len(consumer.read_batch(2)) == 1 and consumer.capacity == 4
        assert column.valid().all() and len(column.copy()) == 2
