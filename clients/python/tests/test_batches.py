"""What a consumer gives besides one frame after another: from an id on, columns, numbers, tensors, compact rings."""

import asyncio
import ctypes
import mmap
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from collider import COMPACT_FRAME, FRAME, NUMBERS, Frame, PhysicsConsumer, native, semantic_of
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
    make_ring(8).write(2)
    with PhysicsConsumer(ring_path) as consumer:
        values = consumer.column("velocity").values
    assert values.tolist() == [3, 3]


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
        for wrong in (np.empty(3, FRAME), np.empty(8, FRAME)[::2], np.empty(4, COMPACT_FRAME)):
            with pytest.raises(ValueError, match="out must be"):
                consumer.read_batch(4, out=wrong)


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


def test_following_goes_on_over_a_restart_of_the_writer_and_a_new_ring(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(8)
    writer.write(2)
    seen: list[int] = []
    with PhysicsConsumer(ring_path) as consumer:
        for frame in consumer.follow(idle_timeout=60):
            seen.append(frame.frame_id)
            if len(seen) == 2:
                # Another process opens the same file, with a number of its own, and goes on.
                os.pwrite(writer.descriptor, (2).to_bytes(8, "little"), 40)
                writer.write(1)
            if len(seen) == 3:
                assert consumer.writer_epoch == 2
                make_ring(16).write(2)
            if len(seen) == 5:
                break
    assert seen == [0, 1, 2, 0, 1]


def test_following_asynchronously_yields_what_comes_and_lets_others_run(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(64)
    writer.write(3)

    async def run() -> list[int]:
        async def write() -> None:
            writer.write(2)

        seen = []
        with PhysicsConsumer(ring_path) as consumer:
            task = asyncio.create_task(write())
            async for frame in consumer.follow_async():
                seen.append(frame.frame_id)
                if len(seen) == 5:
                    break
            await task
            assert [frame async for frame in consumer.follow_async(idle_timeout=0.01)] == []
        return seen

    assert asyncio.run(run()) == [0, 1, 2, 3, 4]


def test_waiting_ends_with_the_next_frame_or_the_time(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(8)
    with PhysicsConsumer(ring_path) as consumer:
        assert consumer.wait(0.01) is False
        thread = threading.Thread(target=writer.write)
        thread.start()
        assert consumer.wait() is True
        thread.join()
        assert consumer.lag == 1


def test_a_writer_wakes_who_sleeps(make_ring: MakeRing, ring_path: Path, library: native.Library) -> None:
    writer = make_ring(8)
    memory = mmap.mmap(writer.descriptor, 0)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    ring = library.attach(memory)
    assert ring is not None
    woken: list[bool] = []
    # An hour: who isn't woken makes the test run out of time.
    thread = threading.Thread(target=lambda: woken.append(library.wait(ring, 0, 3600)), daemon=True)
    thread.start()
    writer.write(1)
    while thread.is_alive():
        ctypes.CDLL(library.path).cfl_wake(ctypes.c_void_p(address))
        thread.join(0.001)
    assert woken == [True]


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


@pytest.mark.parametrize("compact", [False, True])
def test_tensors_are_the_batch_on_the_device(make_ring: MakeRing, ring_path: Path, compact: bool) -> None:
    torch = pytest.importorskip("torch")
    make_ring(8, compact=compact).write(3, fill=0.25)
    with PhysicsConsumer(ring_path) as consumer:
        with pytest.raises(ValueError, match="no field 'mood'"):
            consumer.read_tensors(10, fields=["mood"])
        tensors = consumer.read_tensors(10)
        assert len(consumer.read_tensors(10)["semantic"]) == 0
    batch = PhysicsConsumer(ring_path).read_batch(10)
    assert tensors["semantic"].shape == (3, 1024) and tensors["semantic"].dtype == torch.float32
    assert (tensors["semantic"].numpy() == semantic_of(batch)).all()
    for name in ("delta_time", "timestamp_us", "actor_type", "spin", "event_id", "semantic_dimensions", "fill_rate"):
        assert tensors[name].numpy().tolist() == batch[name].tolist(), name
    assert tensors["organization_hash"].tolist() == [0x0123456789ABCDEF] * 3
    assert tensors["semantic_dimensions"].dtype == torch.int32
    assert {"sequence", "reserved", "scale"}.isdisjoint(tensors)


def test_tensors_on_a_gpu_are_those_of_the_processor(make_ring: MakeRing, ring_path: Path) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    writer = make_ring(64)
    writer.write(40)
    with PhysicsConsumer(ring_path) as consumer, PhysicsConsumer(ring_path) as other:
        for count in (10, 25, 10):
            on_gpu, on_cpu = consumer.read_tensors(count, "cuda"), other.read_tensors(count)
            for name, tensor in on_cpu.items():
                assert on_gpu[name].is_cuda and torch.equal(on_gpu[name].cpu(), tensor), name


@pytest.mark.parametrize("workers", [0, 2])
def test_a_data_set_gives_each_frame_once(make_ring: MakeRing, ring_path: Path, workers: int) -> None:
    torch = pytest.importorskip("torch")
    from collider import FrameDataset

    make_ring(64).write(50)
    data = FrameDataset(str(ring_path), batch_size=7, fields=["frame_id", "semantic"], idle_timeout=0.2)
    loader: Any = torch.utils.data.DataLoader(data, batch_size=None, num_workers=workers)
    batches = list(loader)
    assert sorted(number for batch in batches for number in batch["frame_id"].tolist()) == list(range(50))
    assert all(set(batch) == {"frame_id", "semantic"} for batch in batches)
