"""The ring: what writing, copying out, waiting and embedding cost, beside memcpy, C, struct.unpack, iceoryx2, NumPy."""

import os
import tempfile
from pathlib import Path

from harness.load import build
from harness.report import Report
from harness.settings import Settings

from suites.ring import embedding, latency, readers, writers
from suites.ring.programs import SOURCES, Programs

CAPACITY = 100_000


def measure(settings: Settings, report: Report) -> None:
    in_memory = tempfile.TemporaryDirectory(dir="/dev/shm", prefix="collider-bench-")
    with in_memory as memory, tempfile.TemporaryDirectory() as folder:
        libraries = [*SOURCES, *(f"-I{source.parent / 'include'}" for source in SOURCES), "-lm"]
        native = build("ring", Path(folder), libraries)
        load = Path(os.environ["COLLIDER_PROGRAMS"]) / "ring-load"
        programs = Programs(native, load, Path(memory), CAPACITY)
        report.note(f"frames, {CAPACITY:,} slots in /dev/shm; a row's `events` are frames")
        writers.measure(programs, settings, report)
        readers.measure(programs, settings, report)
        latency.measure(programs, settings, report)
        embedding.measure(load.with_name("embedding-load"), Path(folder), settings, report)
