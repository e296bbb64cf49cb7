"""Deliveries a second: jobs that wait are worked off, beside two usual job queues and libcurl alone."""

import json
import os
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path

from harness.accounting import Memory, Meter
from harness.load import Loads, Post, build
from harness.report import Report
from harness.rounds import Sample, in_turn
from harness.servers import Child, Servers, request
from harness.settings import Settings
from stack import wait_until

PEERS = Path(__file__).resolve().parents[2] / "peers"
# As many receivers as there are triggers. A worker sends 8 requests at a time to each.
ENDPOINTS = 16
CONCURRENCY = 64
BATCH = 500
# Of a second of a run, about: what each does in a second or two.
JOBS = {"ours": 5_000, "arq": 1_000, "celery": 1_000, "libcurl": 40_000}


class Throughput:
    def __init__(self, servers: Servers, settings: Settings, report: Report) -> None:
        self.servers, self.settings, self.report = servers, settings, report
        self.loads = Loads(servers)
        self.receiver = Receiver(servers)
        self.gateway = servers.service("api-gateway")
        self.processor = servers.service("event-processor")
        self.body = servers.folder / "body.json"
        self.body.write_text(json.dumps({"type": "trigger.fired", "data": {"note": "x" * 600}}))
        self.poster = build("poster", servers.folder, ["-lcurl"])
        self.peak = 0.0
        self.add_triggers()

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
        self.report.target("most memory of the workers", self.peak, at_most=60, unit="MB")

    # Ours

    def add_triggers(self) -> None:
        for number, url in enumerate(self.receiver.urls):
            secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
            trigger = {
                "name": f"Bench {number}",
                "event_types": [f"Bench{number}"],
                "actions": [{"type": "rest", "config": {"url": url, "signing_secret": secret}}],
            }
            body = json.dumps(trigger).encode()
            status, _, answer = request(self.gateway.port, "POST", "/api/v1/triggers", self.servers.api_key, body)
            assert status == 201, answer

    def ours(self, count: int) -> Sample:
        self.servers.sql("TRUNCATE firings, deliveries, attempts")
        self.servers.clear("collider")
        self.post_events(count)
        before = self.receiver.count()
        workers = self.servers.service("action-workers")
        try:
            with Meter({"server": workers.pid, "postgres": self.servers.postgres}) as meter:
                seconds = self.receiver.wait_for(before + count, workers)
            self.peak = max(self.peak, Memory.of(workers.pid).peak)
        finally:
            self.servers.stop(workers)
        done = self.servers.sql("SELECT count(*) FROM deliveries WHERE status = 'succeeded'")
        assert int(done) == count, f"{done} of {count} succeeded"
        return Sample(events=count, seconds=seconds, cpu=meter.used)

    def post_events(self, count: int) -> None:
        """Events, and waits for the processor to have made a delivery of each."""
        lines = [
            json.dumps({"type": f"Bench{number % ENDPOINTS}", "data": {"n": number, "note": "x" * 200}})
            for number in range(BATCH)
        ]
        post = Post(
            self.gateway.port,
            "/api/v1/events",
            ("\n".join(lines) + "\n").encode(),
            events=BATCH,
            media="application/x-ndjson",
            key=self.servers.api_key,
            status=200,
            expect=f'"accepted":{BATCH},',
        )
        self.loads.post(post, {}, requests=count // BATCH, connections=4)
        made = "SELECT count(*) FROM deliveries"
        wait_until("deliveries of all events", 120, lambda: int(self.servers.sql(made)) >= count)

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
        subprocess.run([*script, "enqueue", port, str(count), self.body, *self.receiver.urls], check=True)
        return [*script, "work", port], {}

    def celery(self, count: int) -> tuple[list[str | Path], dict[str, str]]:
        environment = {"BENCH_REDIS_PORT": str(self.servers.redis_port), "PYTHONPATH": str(PEERS)}
        command = [self.settings.python, PEERS / "jobs_celery.py", "enqueue", str(count), self.body]
        subprocess.run([*command, *self.receiver.urls], check=True, env=os.environ | environment)
        worker = ["--app", "jobs_celery", "worker", "--concurrency", "4", "--loglevel", "ERROR"]
        return [self.settings.python, "-m", "celery", *worker], environment

    def libcurl(self, count: int) -> Sample:
        command = [self.poster, self.body, str(count), str(CONCURRENCY), *self.receiver.urls]
        done = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        assert done["good"] == count, done
        return Sample(events=count, seconds=done["seconds"])


class Receiver:
    """The C program that takes webhooks."""

    def __init__(self, servers: Servers) -> None:
        program = build("receiver", servers.folder, [])
        self.child = servers.start("receiver", [program, str(ENDPOINTS)], input_pipe=True)
        assert self.child.process.stdout
        self.ports = json.loads(self.child.process.stdout.readline())
        self.urls = [f"http://127.0.0.1:{port}/hook" for port in self.ports]

    def count(self) -> int:
        """How many requests have come; the clock begins anew with the next."""
        return int(self.ask("/count?reset")["received"])

    def ask(self, path: str) -> dict[str, float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[0]}{path}", timeout=10) as answer:
            found: dict[str, float] = json.loads(answer.read())
        return found

    def wait_for(self, total: int, child: Child | None) -> float:
        """Seconds from the first to the last of the requests that make so many."""
        wait_until(
            "requests", 100, lambda: (not child or child.check_alive()) and self.ask("/count")["received"] >= total
        )
        found = self.ask("/count")
        assert found["received"] == total, f"{found['received']} requests instead of {total}"
        return found["seconds"]
