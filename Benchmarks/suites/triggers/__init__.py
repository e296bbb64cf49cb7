"""Triggers: how many events a second the index takes, beside no triggers, a linear scan and other engines."""

import tempfile
from pathlib import Path

from harness.report import Report
from harness.settings import Settings

from .bench import Bench


def measure(settings: Settings, report: Report) -> None:
    report.note("one thread, parsing included; processor time, so that others on the machine count less")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), settings, report)
        bench.check()
        bench.usual()
        bench.hard()
        bench.door()
        bench.changes()
