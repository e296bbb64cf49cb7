"""Deliveries a second: jobs that wait are worked off, beside two usual job queues and libcurl alone."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from harness.accounting import Memory, Meter
from harness.load import build
from harness.report import Report
from harness.rounds import Sample, in_turn
from harness.settings import Settings

from suites.delivery.bench import BATCH, ENDPOINTS, KINDS, PEERS, Collider
from suites.delivery.receiver import Receiver

CONCURRENCY = 64
# Of a second of a run, about: what each does in a second or two.
JOBS = {"ours": 5_000, "arq": 1_000, "celery": 1_000, "libcurl": 40_000}


def worked_off(collider: Collider, receiver: Receiver, count: int, peaks: list[float]) -> Sample:
    """The rate at which workers that are started now do what waits: `count` deliveries, ready or due."""
    servers = collider.servers
    before, done = receiver.count(), collider.count("status = 'succeeded'")
    with collider.workers() as workers:
        with Meter({"server": workers.pid, "postgres": servers.postgres}) as meter:
            seconds = receiver.wait_for(before + count, workers)
        peaks.append(Memory.of(workers.pid).peak)
    done = collider.count("status = 'succeeded'") - done
    assert done == count, f"{done} of {count} succeeded"
    return Sample(events=count, seconds=seconds, cpu=meter.used)


class Throughput:
    def __init__(self, collider: Collider, receiver: Receiver, settings: Settings, report: Report) -> None:
        self.collider, self.servers = collider, collider.servers
        self.receiver, self.settings, self.report = receiver, settings, report
        self.body = self.servers.folder / "body.json"
        self.body.write_text(json.dumps({"type": "trigger.fired", "data": {"note": "x" * 600}}))
        self.poster = build("poster", self.servers.folder, ["-lcurl"])
        self.peaks: list[float] = []
        self.urls = receiver.urls[:ENDPOINTS]

    def measure(self) -> None:
        count = {name: jobs * self.settings.seconds for name, jobs in JOBS.items()}
        self.report.section("Jobs that wait, worked off (a job is an event)")
        self.report.note(
            f"{ENDPOINTS} receivers on one machine; from the first request that arrives to the last; "
            "ours: rows, Redis, claim, signature, attempt, completion, each committed"
        )
        samples = in_turn(
            {
                "ours": lambda: self.ours(count["ours"]),
                "arq": lambda: self.peer(self.arq, count["arq"]),
                "celery": lambda: self.peer(self.celery, count["celery"]),
                "libcurl": lambda: self.libcurl(count["libcurl"]),
            },
            self.settings.rounds,
        )
        self.report.rate("collider, action-workers", samples["ours"])
        self.report.rate("arq with aiohttp", samples["arq"])
        self.report.rate("Celery with requests, 4 processes", samples["celery"])
        self.report.rate(f"libcurl alone, {CONCURRENCY} at a time", samples["libcurl"])
        self.report.ratio("to arq with aiohttp", samples["ours"], samples["arq"], at_least=10)
        self.report.ratio("to Celery with requests", samples["ours"], samples["celery"], at_least=25)
        self.report.ratio("to libcurl alone", samples["ours"], samples["libcurl"], at_least=0.25)
        self.report.target("most memory of the workers", max(self.peaks), at_most=60, unit="MB")

    def ours(self, count: int) -> Sample:
        self.collider.empty()
        self.collider.post_events(KINDS, count // BATCH * BATCH)
        return worked_off(self.collider, self.receiver, count // BATCH * BATCH, self.peaks)

    # Peers

    def peer(self, start: Callable[[int], tuple[list[str | Path], dict[str, str]]], count: int) -> Sample:
        command, environment = start(count)
        before = self.receiver.count()
        child = self.servers.start("jobs", command, environment=environment)
        try:
            with Meter({"server": child.pid}) as meter:
                seconds = self.receiver.wait_for(before + count, None)
        finally:
            self.servers.stop(child)
        return Sample(events=count, seconds=seconds, cpu=meter.used)

    def arq(self, count: int) -> tuple[list[str | Path], dict[str, str]]:
        port = str(self.servers.redis_port)
        script: list[str | Path] = [self.settings.python, PEERS / "jobs_arq.py"]
        subprocess.run([*script, "enqueue", port, str(count), self.body, *self.urls], check=True)
        return [*script, "work", port], {}

    def celery(self, count: int) -> tuple[list[str | Path], dict[str, str]]:
        environment = {"BENCH_REDIS_PORT": str(self.servers.redis_port), "PYTHONPATH": str(PEERS)}
        command = [self.settings.python, PEERS / "jobs_celery.py", "enqueue", str(count), self.body]
        subprocess.run([*command, *self.urls], check=True, env=os.environ | environment)
        worker = ["--app", "jobs_celery", "worker", "--concurrency", "4", "--loglevel", "ERROR"]
        return [self.settings.python, "-m", "celery", *worker], environment

    def libcurl(self, count: int) -> Sample:
        command = [self.poster, self.body, str(count), str(CONCURRENCY), *self.urls]
        done = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        assert done["good"] == count, done
        return Sample(events=count, seconds=done["seconds"])
