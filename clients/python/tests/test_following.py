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
    ring = native.NativeRing(library, memory)
    frames = np.empty(2, FRAME)
    woken: list[int] = []
    # An hour: who isn't woken makes the test run out of time.
    for wait in (
        lambda: woken.append(ring.wait(0, 3600)),
        lambda: woken.append(ring.next(1, 2, frames.ctypes.data, 3600).count),
    ):
        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        writer.write(1)
        while thread.is_alive():
            ctypes.CDLL(library.path).cfl_wake(ctypes.c_void_p(address))
            thread.join(0.001)
    assert woken == [True, 1] and frames["frame_id"][0] == 1
