"""Triggers: how many events a second the engine takes, beside no triggers, a linear scan and other engines; and what is
left of it in a processor and in a backtest."""

import tempfile
from pathlib import Path

from harness.report import Report
from harness.servers import Servers
from harness.settings import Settings

from .bench import Bench
from .whole import Whole


def measure(settings: Settings, report: Report) -> None:
    report.note(
        "the engine alone: one thread, parsing included, in processor time, so that others on the machine count less"
    )
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), settings, report)
        bench.check()
        bench.usual()
        bench.hard()
        bench.door()
        bench.changes()
        with Servers() as servers:
            bench.states(servers)
            whole = Whole(bench, servers)
            whole.processor()
            whole.backtest()
