"""What the benchmarks make of what they have counted: the time of processes, ratios, and what was missed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Benchmarks"))

from harness.accounting import Meter  # noqa: E402
from harness.report import Report  # noqa: E402
from harness.rounds import Sample, in_turn, ratios  # noqa: E402


def test_the_time_of_children_that_have_ended_is_counted() -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    run = f"input(); subprocess.run([sys.executable, '-c', {burn!r}]); print(flush=True); input()"
    child = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess, sys\n{run}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None and child.stdout is not None
    with Meter({"child": child.pid, "own": os.getpid()}) as meter:
        child.stdin.write(b"\n")
        child.stdin.flush()
        child.stdout.readline()
    child.communicate(b"\n")
    assert meter.used["child"] >= 0.25
    # Differences of clock ticks, as floating-point numbers.
    assert meter.used["own"] >= meter.used["child"] - 0.005


def test_ratios_are_taken_within_a_round() -> None:
    rates = iter([100, 50, 300, 100])

    def run() -> Sample:
        return Sample(events=next(rates), seconds=1)

    samples = in_turn({"upper": run, "lower": run}, rounds=2)
    assert ratios(samples["upper"], samples["lower"]) == [2.0, 3.0]


def test_times_are_compared_within_a_round(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    report.suite("any")
    report.times("latency", [2.0, 9.0, 4.0], [1.0, 3.0, 4.0], at_most=1.5)
    assert report.suites["any"]["targets"]["latency"] == {
        "value": 2.0,
        "extremes": (1.0, 3.0),
        "unit": "x",
        "bound": "≤ 1.5",
        "met": False,
    }
    assert "(1.00-3.00)" in capsys.readouterr().out


def test_a_missed_target_is_counted_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    report.suite("any")
    report.target("rate", 0.5, at_least=0.7, unit="x")
    report.target("time", 5.0, at_most=15, unit="ms")
    assert report.missed == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines if "target" in line] == ["MISSED", "ok"]
    assert report.suites["any"]["targets"]["rate"]["met"] is False
