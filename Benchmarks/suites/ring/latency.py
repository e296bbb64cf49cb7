"""From published to a validated copy in another process: the Python package beside a C program that does the same."""

import json
import statistics
import threading
import time
from collections.abc import Callable

import numpy as np
from collider import FRAME, PhysicsConsumer
from harness.report import Report
from harness.settings import Settings

from suites.ring.programs import Programs

# Far enough apart that each finds its reader asleep.
PAUSE_MICROSECONDS = 500


def measure(programs: Programs, settings: Settings, report: Report) -> None:
    frames = 1000 * max(1, settings.seconds)
    variants: dict[str, Callable[[], list[float]]] = {
        "C": lambda: from_c(programs, frames),
        "Python": lambda: from_python(programs, frames),
    }
    times: dict[str, list[list[float]]] = {name: [] for name in variants}
    for _ in range(settings.rounds):
        for name, run in variants.items():
            times[name].append(sorted(run()))
    title = f"published → copied by a reader that slept, a frame every {PAUSE_MICROSECONDS} µs"
    report.note(title)
    p50 = {name: [values[len(values) // 2] for values in runs] for name, runs in times.items()}
    for name, runs in times.items():
        report.target(f"{name}, p50", statistics.median(p50[name]), unit="µs")
        report.target(f"{name}, p99", statistics.median(values[len(values) * 99 // 100] for values in runs), unit="µs")
    costs = [python / c for python, c in zip(p50["Python"], p50["C"], strict=True)]
    extremes = (min(costs), max(costs))
    report.target("Python's p50 to C's", statistics.median(costs), at_most=1.5, unit="x", extremes=extremes)


def from_c(programs: Programs, frames: int) -> list[float]:
    path = programs.ring("full")
    receiver = programs.start("receive", path, frames)
    # It has printed this when it waits.
    assert receiver.stdout and receiver.stdout.read(17) == '{"nanoseconds": ['
    programs.run("publish", path, frames, PAUSE_MICROSECONDS)
    values = json.loads("[" + receiver.communicate()[0].removesuffix("}\n"))
    return [value / 1000 for value in values]


def from_python(programs: Programs, frames: int) -> list[float]:
    path = programs.ring("full")
    values: list[float] = []
    out = np.empty(1, FRAME)
    with PhysicsConsumer(path, start="newest") as consumer:
        publisher = threading.Thread(target=lambda: programs.run("publish", path, frames, PAUSE_MICROSECONDS))
        publisher.start()
        while len(values) < frames:
            batch = consumer.read_batch(1, out=out, timeout=None)
            if len(batch):
                values.append((time.monotonic_ns() - int(batch["timestamp_us"][0])) / 1000)
        publisher.join()
    return values
