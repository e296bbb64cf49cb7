"""Frames one after another: in order, once, whole, and the lost ones counted."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from collider import Frame, FrameConsumer, FrameFlags, PhysicsConsumer, native
from collider.ring import Ring
from ring_writer import RingWriter

MakeRing = Callable[..., RingWriter]

pytestmark = pytest.mark.usefixtures("reader")


def test_frames_come_in_order_and_once(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(8)
    writer.write(5)
    with PhysicsConsumer(path=ring_path) as consumer:
        assert consumer.lag == 5
        assert consumer.read_batch(3)["frame_id"].tolist() == [0, 1, 2]
        assert consumer.read_batch(10)["frame_id"].tolist() == [3, 4]
        assert len(consumer.read_batch(10)) == 0
        assert (consumer.lost, consumer.torn, consumer.lag) == (0, 0, 0)


def test_a_frame_has_the_values_of_its_bytes(make_ring: MakeRing, ring_path: Path) -> None:
    event = uuid.uuid4()
    make_ring(4).write(event_id=event, fill=0.5)
    with FrameConsumer(path=str(ring_path)) as consumer:
        frame = consumer.read_latest()
    assert isinstance(frame, Frame)
    assert frame.event_id == event
    assert frame.semantic.shape == (1024,) and frame.semantic.dtype == np.float32
    assert (frame.sentiment, frame.confidence, frame.fill_rate, frame.interrupt) == (0.5, 0.75, 0.5, 0.25)
    assert (frame.workflow_node, frame.case_status, frame.lead_status, frame.intent_id) == (-1, 4, 5, 7)
    assert frame.spin.tolist() == [1, 0, 0, 0]
    assert (frame.conversation_hash, frame.organization_hash) == (0xFEDCBA9876543210, 0x0123456789ABCDEF)
    assert frame.time is not None and frame.time.isoformat() == "2023-11-14T22:13:20+00:00"
    assert frame.actor == "human"
    assert frame.as_dict()["conversation_hash"] == "fedcba9876543210"


def test_the_flags_of_a_frame_have_names(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(4)
    writer.write(flags=1 | 4 | 16 | 1 << 15)
    with PhysicsConsumer(path=ring_path) as consumer:
        frame = consumer.read_latest()
    assert frame is not None and frame.flags & FrameFlags.SENTIMENT_GIVEN
    assert FrameFlags.EMBEDDING_LEXICAL | FrameFlags.EMBEDDING_STAND_IN in frame.flags
    assert not frame.flags & FrameFlags.EMBEDDING_MODEL
    assert frame.as_dict()["flags"] == 1 | 4 | 16 | 1 << 15


def test_the_usage_of_the_first_release_works_as_it_was_written(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(64).write(10)
    with PhysicsConsumer(path=str(ring_path)) as consumer:
        for frame in consumer.follow():
            assert frame.semantic[:3].tolist() == [0, 0, 0] and frame.sentiment == 0.5 and frame.event_id
            break
        latest = consumer.read_latest()
        assert latest is not None and latest.frame_id == 9
        assert (consumer.lost, consumer.lag) == (0, 0)
    with PhysicsConsumer(path=str(ring_path)) as consumer:
        assert len(consumer.read_batch(1000)) == 10
    assert FrameConsumer is PhysicsConsumer


def test_a_batch_passes_the_end_of_the_ring(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(8)
    writer.write(6)
    with PhysicsConsumer(path=ring_path) as consumer:
        consumer.read_batch(6)
        writer.write(6)
        batch = consumer.read_batch(100)
        assert batch["frame_id"].tolist() == list(range(6, 12))
        assert batch["semantic"][:, 1023].tolist() == list(range(6, 12))
        assert consumer.lost == 0


def test_a_lapped_consumer_counts_what_it_lost(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(8)
    writer.write(1)
    with PhysicsConsumer(path=ring_path) as consumer:
        writer.write(30)
        assert consumer.read_batch(100)["frame_id"].tolist() == list(range(23, 31))
        assert consumer.lost == 23


def test_a_slot_that_is_being_overwritten_is_not_returned(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(4)
    writer.write(4)
    with PhysicsConsumer(path=ring_path) as consumer, writer.writing():
        consumer.position = 0
        assert consumer.read_batch(10)["frame_id"].tolist() == [1, 2, 3]
        assert consumer.lost == 1


def test_a_frame_overwritten_during_the_copy_is_torn_and_lost(
    make_ring: MakeRing, ring_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "LIBRARY", None)
    writer = make_ring(4)
    writer.write(4)
    fences = 0

    def overwrite_between_look_and_copy() -> None:
        nonlocal fences
        fences += 1
        if fences == 3:  # after two looks at the head comes the first at the sequences
            writer.write(2)

    with PhysicsConsumer(path=ring_path) as consumer:
        monkeypatch.setattr("collider.ring._fence", overwrite_between_look_and_copy)
        assert consumer.read_batch(10)["frame_id"].tolist() == [2, 3]
        assert (consumer.lost, consumer.torn) == (2, 2)


def test_a_writer_that_died_in_a_frame_leaves_it_unseen(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(4)
    writer.write(2)
    with writer.writing(), PhysicsConsumer(path=ring_path) as consumer:
        assert consumer.read_batch(10)["frame_id"].tolist() == [0, 1]
        latest = consumer.read_latest()
        assert latest is not None and latest.frame_id == 1


def test_the_latest_frame_does_not_move_the_consumer(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(8)
    with PhysicsConsumer(path=ring_path) as consumer:
        assert consumer.read_latest() is None
        writer.write(20)
        latest = consumer.read_latest()
        assert latest is not None and latest.frame_id == 19
        assert consumer.position == 0 and consumer.lag == 20


def test_start_newest_skips_what_is_there(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(8)
    writer.write(3)
    with PhysicsConsumer(path=ring_path, start="newest") as consumer:
        assert len(consumer.read_batch(10)) == 0
        writer.write(1)
        assert consumer.read_batch(10)["frame_id"].tolist() == [3]


_HAMMER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from ring_writer import RingWriter
writer = RingWriter(Path(sys.argv[2]), 4)
print("ready", flush=True)
writer.write(int(sys.argv[3]))
"""


def test_no_frame_is_ever_a_mixture_of_two(ring_path: Path) -> None:
    """A process writes four slots as fast as it can; a frame's 1024 values and its id must be one number."""
    count = 20_000
    command = [sys.executable, "-c", _HAMMER, str(Path(__file__).parent), str(ring_path), str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        seen = 0
        with PhysicsConsumer(path=ring_path) as consumer:
            first = consumer.position
            while process.poll() is None or consumer.lag:
                batch = consumer.read_batch(4)
                seen += len(batch)
                assert (batch["semantic"] == batch["frame_id"][:, None].astype(np.float32)).all()
            assert first + seen + consumer.lost == consumer.head == count
    assert process.returncode == 0


def test_processors_that_reorder_loads_get_a_fence(
    make_ring: MakeRing, ring_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collider.ring._LOADS_STAY_IN_ORDER", False)
    make_ring(8).write(2)
    ring = Ring(os.fspath(ring_path))
    assert len(ring.copy(0, 2)[0]) == 2
    ring.close()
