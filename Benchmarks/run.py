"""Measures Collider beside its peers, all in one run on one machine: `make bench`, or `make bench ingest`.

README.md of this folder says what is measured, how, and how to read it.
"""

import argparse
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Tests" / "EndToEndTests"))
os.environ.setdefault("COLLIDER_PROGRAMS", str(ROOT / ".build" / "release"))

from harness.report import Report  # noqa: E402
from harness.settings import Settings  # noqa: E402
from suites import authentication, delivery, ingest, read, ring, triggers  # noqa: E402

# By the name that the command line takes. A new suite is a module of `suites`, a line here, a name in the Makefile.
SUITES: dict[str, Callable[[Settings, Report], None]] = {
    "ingest": ingest.measure,
    "authentication": authentication.measure,
    "delivery": delivery.measure,
    "read": read.measure,
    "ring": ring.measure,
    "triggers": triggers.measure,
}


def about() -> dict[str, str | int]:
    """Where and of what the figures are."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return {
        "commit": commit.stdout.strip(),
        "programs": os.environ["COLLIDER_PROGRAMS"],
        "cores": len(os.sched_getaffinity(0)),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="suite", help=f"{', '.join(SUITES)} (default: all)")
    parser.add_argument("--seconds", type=int, default=5, help="length of one run (default: 5)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each variant, in turn (default: 3)")
    parser.add_argument("--long", action="store_true", help="ten million events for the memory's sake")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    arguments = parser.parse_args()
    for name in arguments.suites:
        if name not in SUITES:
            parser.error(f"there is no suite {name}; there are {', '.join(SUITES)}")

    # Also when it is told to end, it ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    settings = Settings(seconds=arguments.seconds, rounds=arguments.rounds, is_long=arguments.long)
    report, facts = Report(), about()
    print(", ".join(f"{key} {value}" for key, value in facts.items()), flush=True)
    for name in arguments.suites or SUITES:
        report.suite(name)
        SUITES[name](settings, report)
    print(f"\n{report.missed} targets missed" if report.missed else "\nall targets met")
    if arguments.json:
        report.write(arguments.json, facts)


if __name__ == "__main__":
    main()
