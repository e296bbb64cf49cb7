"""Waiting for frames, and following them."""

import asyncio
import ctypes
import mmap
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from collider import FRAME, PhysicsConsumer, native
from collider.ring import Ring
from ring_writer import RingWriter

MakeRing = Callable[..., RingWriter]

pytestmark = pytest.mark.usefixtures("reader")


def test_follow_yields_what_is_written_and_stops_when_told(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(64)
    writer.write(3)
    stop = threading.Event()
    seen: list[int] = []
    with PhysicsConsumer(path=ring_path) as consumer:
        for frame in consumer.follow(stop=stop.is_set):
            seen.append(frame.frame_id)
            if len(seen) == 3:
                writer.write(2)
            if len(seen) == 5:
                stop.set()
    assert seen == [0, 1, 2, 3, 4]


def test_follow_ends_when_nothing_comes(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(8).write(1)
    with PhysicsConsumer(path=ring_path) as consumer:
        assert [frame.frame_id for frame in consumer.follow(idle_timeout=0.01)] == [0]


@pytest.mark.parametrize("compact", [False, True])
def test_following_goes_on_over_a_restart_of_the_writer_and_a_new_ring(
    make_ring: MakeRing, ring_path: Path, compact: bool
) -> None:
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
                make_ring(16, compact=compact).write(2)
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


@pytest.mark.parametrize("with_memory", [False, True])
def test_a_batch_waits_for_its_first_frame_or_the_time(make_ring: MakeRing, ring_path: Path, with_memory: bool) -> None:
    writer = make_ring(8)
    out = np.empty(4, FRAME) if with_memory else None
    with PhysicsConsumer(ring_path) as consumer:
        assert len(consumer.read_batch(4, out=out, timeout=0.01)) == 0
        for timeout in (None, 60):
            thread = threading.Thread(target=writer.write)
            thread.start()
            assert len(consumer.read_batch(4, out=out, timeout=timeout)) == 1
            thread.join()
        assert len(consumer.read_batch(0, timeout=None)) == 0
        assert consumer.position == 2 and consumer.lost == 0


@pytest.mark.parametrize("ahead", [0, 5])
def test_who_waits_looks_a_few_times_and_sleeps_in_between(
    make_ring: MakeRing, ring_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    make_ring(8)
    looks = 0
    head = Ring.head

    def counted(ring: Ring) -> int:
        nonlocal looks
        looks += 1
        return head.fget(ring)  # type: ignore[attr-defined, no-any-return]

    async def follow() -> None:
        async for _ in consumer.follow_async(idle_timeout=0.15):
            pass

    monkeypatch.setattr(Ring, "head", property(counted))
    with PhysicsConsumer(ring_path) as consumer:
        consumer.position = ahead
        waits: list[Callable[[], object]] = [
            lambda: consumer.wait(0.15),
            lambda: len(consumer.read_batch(1, timeout=0.15)),
            lambda: len(consumer.read_batch(1, out=np.empty(1, FRAME), timeout=0.15)),
            lambda: list(consumer.follow(idle_timeout=0.15)),
            lambda: asyncio.run(follow()),
        ]
        for wait in waits:
            looks = 0
            assert not wait()
            # Some looks each 20 milliseconds at least, or each 100 where the writer wakes it.
            assert 0 < looks < 120


def test_a_follower_that_is_cancelled_leaves_a_consumer_that_can_be_closed(
    make_ring: MakeRing, ring_path: Path
) -> None:
    make_ring(8)

    async def run() -> None:
        for _ in range(20):
            consumer = PhysicsConsumer(ring_path)
            followers = [asyncio.create_task(anext(consumer.follow_async())) for _ in range(2)]
            # So that their threads sleep when they are cancelled, or are just about to.
            await asyncio.sleep(0.002)
            for follower in followers:
                follower.cancel()
            consumer.close()
            for follower in followers:
                with pytest.raises(asyncio.CancelledError):
                    await follower

    asyncio.run(run())


@pytest.mark.parametrize("size", [0, -1])
def test_batches_of_nothing_are_refused(make_ring: MakeRing, ring_path: Path, size: int) -> None:
    make_ring(8)
    with PhysicsConsumer(ring_path) as consumer, pytest.raises(ValueError, match="batch_size"):
        next(consumer.follow(batch_size=size))


def test_a_writer_wakes_who_sleeps(make_ring: MakeRing, ring_path: Path, library: native.Library) -> None:
    writer = make_ring(8)
    memory = mmap.mmap(writer.descriptor, 0)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    ring = native.NativeRing(library, memory)
    frames = np.empty(2, FRAME)
    woken: list[int] = []
    # An hour: who isn't woken makes the test run out of time.
    for wait in (
        lambda: woken.append(ring.wait(0, 3600)),
        lambda: woken.append(ring.next(1, 2, frames.ctypes.data, 3600)),
    ):
        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        writer.write(1)
        while thread.is_alive():
            ctypes.CDLL(library.path).cfl_wake(ctypes.c_void_p(address))
            thread.join(0.001)
    assert woken == [True, 1] and frames["frame_id"][0] == 1
