"""Copying out: the Python package with and without libcolliderring beside C, struct.unpack, and iceoryx2."""

import ctypes
import mmap
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from collider import FRAME, PhysicsConsumer, native
from harness.report import Report
from harness.rounds import Sample, in_turn
from harness.settings import Settings

from suites.ring.programs import Programs, sample

BATCH = 1000
FRAME_SIZE = 4224
# Sequence, id, embedding, and what follows it: one tuple of 1,059 values a frame.
WHOLE = struct.Struct("<QQ 1024f 4f q Q 3i f 2i 2f 4f 16s Q H H I")


def measure(programs: Programs, settings: Settings, report: Report) -> None:
    path, seconds = programs.ring("full"), max(1.0, settings.seconds / 4)
    library = native.LIBRARY
    variants: dict[str, Callable[[], Sample]] = {
        "C": lambda: sample(programs.run("copy", path, BATCH, int(1_500_000 * seconds))),
        "numpy": lambda: batches(path, seconds, None),
        "unpack": lambda: unpacked(path, seconds),
        "numbers": lambda: numbers(path, seconds, None),
    }
    if library is not None:
        variants |= {
            "library": lambda: batches(path, seconds, library),
            "library's numbers": lambda: numbers(path, seconds, library),
        }
    try:
        peer = Iceoryx()
    except ImportError as error:
        report.note(f"without iceoryx2: {error}")
    else:
        variants["iceoryx2"] = lambda: peer.receive(seconds)
    report.section(f"Copying out of a ring that nobody writes, {BATCH:,} frames at once")
    samples = in_turn(variants, settings.rounds)
    report.rate("C: libcolliderring's cr_copy", samples["C"])
    report.rate("Python: struct.unpack of each frame, sequence checked", samples["unpack"])
    report.rate("Python: read_batch by NumPy", samples["numpy"])
    report.ratio("to struct.unpack", samples["numpy"], samples["unpack"], at_least=10)
    report.ratio("to C", samples["numpy"], samples["C"], at_least=0.6)
    if library is None:
        report.note("without libcolliderring: it was not built")
    else:
        report.rate("Python: read_batch by libcolliderring", samples["library"])
        report.ratio("to C", samples["library"], samples["C"], at_least=0.9)
    if "iceoryx2" in samples:
        report.rate("Python: iceoryx2, receive and copy of 4,224 bytes", samples["iceoryx2"])
        report.ratio("read_batch by NumPy to it", samples["numpy"], samples["iceoryx2"], at_least=8)
    report.rate("Python: read_numbers by NumPy", samples["numbers"])
    report.ratio("to struct.unpack", samples["numbers"], samples["unpack"], at_least=150)
    if library is not None:
        report.rate("Python: read_numbers by libcolliderring", samples["library's numbers"])
        report.ratio("to struct.unpack", samples["library's numbers"], samples["unpack"], at_least=150)


def timed(seconds: float, read: Callable[[], int]) -> Sample:
    """Reads again and again for so long; `read` says how many frames it got."""
    read()
    count, start, used = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - start < seconds:
        count += read()
    return Sample(count, time.perf_counter() - start, cpu={"load": time.process_time() - used})


def consumer_of(path: Path, library: native.Library | None) -> PhysicsConsumer:
    kept, native.LIBRARY = native.LIBRARY, library
    try:
        return PhysicsConsumer(path)
    finally:
        native.LIBRARY = kept


def batches(path: Path, seconds: float, library: native.Library | None) -> Sample:
    out = np.empty(BATCH, FRAME)
    with consumer_of(path, library) as consumer:
        start = consumer.position

        def read() -> int:
            count = len(consumer.read_batch(BATCH, out=out))
            if count < BATCH:
                consumer.position = start
            return count

        return timed(seconds, read)


def numbers(path: Path, seconds: float, library: native.Library | None) -> Sample:
    with consumer_of(path, library) as consumer:
        start = consumer.position

        def read() -> int:
            count = len(consumer.read_numbers(BATCH)[0])
            if count < BATCH:
                consumer.position = start
            return count

        return timed(seconds, read)


def unpacked(path: Path, seconds: float) -> Sample:
    """As one writes it by hand: map, look, unpack, look again."""
    assert WHOLE.size == FRAME_SIZE
    descriptor = os.open(path, os.O_RDONLY)
    memory = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    os.close(descriptor)
    capacity, head, tail = struct.unpack_from("<QQQ", memory, 16)
    position = tail

    def read() -> int:
        nonlocal position
        if position + BATCH > head:
            position = tail
        frames = []
        for frame_id in range(position, position + BATCH):
            at = 64 + frame_id % capacity * FRAME_SIZE
            if struct.unpack_from("<Q", memory, at)[0] != 2 * frame_id + 2:
                continue
            frame = WHOLE.unpack_from(memory, at)
            if struct.unpack_from("<Q", memory, at)[0] == 2 * frame_id + 2 and frame[1] == frame_id:
                frames.append(frame)
        position += BATCH
        return len(frames)

    return timed(seconds, read)


class Iceoryx:
    """Publisher and subscriber in this process; only the subscriber's calls are timed."""

    def __init__(self) -> None:
        import iceoryx2

        class Payload(ctypes.Structure):
            _fields_ = (("bytes", ctypes.c_uint8 * FRAME_SIZE),)

        iceoryx2.set_log_level(iceoryx2.LogLevel.Error)
        self.payload = Payload()
        self.node = iceoryx2.NodeBuilder.new().create(iceoryx2.ServiceType.Ipc)
        service = self.node.service_builder(iceoryx2.ServiceName.new(f"collider-bench-{os.getpid()}"))
        typed = service.publish_subscribe(Payload).subscriber_max_buffer_size(BATCH).open_or_create()
        self.publisher = typed.publisher_builder().create()
        self.subscriber = typed.subscriber_builder().buffer_size(BATCH).create()
        self.out = np.empty((BATCH, FRAME_SIZE), np.uint8)

    def receive(self, seconds: float) -> Sample:
        count, taken, used, into = 0, 0.0, 0.0, self.out.ctypes.data
        while taken < seconds:
            for _ in range(BATCH):
                self.publisher.loan_uninit().write_payload(self.payload).send()
            start, cpu = time.perf_counter(), time.process_time()
            for place in range(BATCH):
                received = self.subscriber.receive()
                ctypes.memmove(into + place * FRAME_SIZE, received.payload(), FRAME_SIZE)
                received.delete()
            taken += time.perf_counter() - start
            used += time.process_time() - cpu
            count += BATCH
        return Sample(count, taken, cpu={"load": used})
