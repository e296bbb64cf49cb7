"""Reading: lists and searches over millions of events, in a process of its own because it wants private servers."""

import subprocess
import sys
from pathlib import Path

from harness.report import Report
from harness.settings import Settings

PROGRAM = Path(__file__).resolve().parent.parent / "read.py"


def measure(settings: Settings, report: Report) -> None:
    events = 5_000_000 if settings.is_long else 500_000
    report.note(f"{events:,} events; --long loads five million")
    subprocess.run([sys.executable, str(PROGRAM), "--events", str(events)], check=True)
