"""The time from a post to its webhook, beside the sum of its parts and beside a usual stack."""

import json
import statistics
import subprocess
from typing import Literal

from harness.load import Post, build
from harness.report import Report
from harness.rounds import Sample, in_turn
from harness.servers import request
from harness.settings import Settings
from stack import free_port

from suites.delivery.bench import ENDPOINTS, PEERS, Collider, p50s, p99s, timed_event, timed_load
from suites.delivery.receiver import Receiver

# Events a second: so few that everything waits when one comes, and a load that is well below what the machine can do.
IDLE, STEADY = 40, 500
PARTS = {
    "insert": "commit of an inserted row",
    "notify": "NOTIFY to LISTEN",
    "redis": "LPUSH to BRPOP",
    "update": "commit of an updated row",
    "post": "a POST by libcurl",
    "gateway": "a post to the gateway",
}


class Latency:
    def __init__(self, collider: Collider, receiver: Receiver, settings: Settings, report: Report) -> None:
        self.collider, self.servers, self.loads = collider, collider.servers, collider.loads
        self.receiver, self.settings, self.report = receiver, settings, report
        self.event = self.servers.folder / "event.json"
        self.event.write_text(timed_event("Unheeded").replace("########", "0"))
        self.body = self.servers.folder / "parts.json"
        self.body.write_text(json.dumps({"type": "trigger.fired", "data": {"note": "x" * 600}}))
        libraries = ["-I/usr/include/postgresql", "-lpq", "-lhiredis", "-lcurl", "-pthread"]
        self.parts_program = build("parts", self.servers.folder, libraries)

    def measure(self) -> None:
        seconds = self.settings.seconds
        self.report.section("From a post to its webhook, the whole stack")
        self.report.note(f"idle: {IDLE} events a second, from the moment each is sent; {STEADY}: from when it is due")
        self.report.note("the parts are measured by themselves, after pauses in which nothing happens")
        parts: list[dict[str, float]] = []
        self.collider.add_triggers("Timed", self.receiver.urls[ENDPOINTS:])
        peer = Peer(self)
        samples = in_turn(
            {
                "parts": lambda: self.parts(parts),
                "idle": lambda: self.stack(IDLE, "sent"),
                "peer": peer.idle,
                "steady": lambda: self.stack(STEADY, "due"),
            },
            self.settings.rounds,
        )
        peer.stop()
        self.report.rate("collider, idle", samples["idle"])
        self.report.rate("FastAPI, PostgreSQL, Celery, requests, idle", samples["peer"])
        self.report.rate(f"collider, {STEADY} a second for {seconds} s", samples["steady"])
        for name, text in PARTS.items():
            self.report.target(f"part: {text}", statistics.median(each[name] for each in parts), unit="µs")
        sums = [sum(each.values()) / 1000 for each in parts]
        self.report.target("sum of the parts", statistics.median(sums) * 1000, unit="µs")
        idle = p50s(samples["idle"])
        self.report.times("idle p50, to that sum", idle, sums, at_most=3)
        self.report.times(f"p99 at {STEADY} a second, to that sum", p99s(samples["steady"]), sums, at_most=10)
        self.report.times("the usual stack's p50, to ours", p50s(samples["peer"]), idle, at_least=10)

    def parts(self, found: list[dict[str, float]]) -> Sample:
        self.collider.sql("DROP TABLE IF EXISTS bench_parts")
        self.collider.sql("""CREATE TABLE bench_parts (id bigint PRIMARY KEY, data jsonb NOT NULL,
            lease_until timestamptz, status text NOT NULL DEFAULT 'ready', attempt smallint NOT NULL DEFAULT 0)""")
        rounds = max(20, self.settings.seconds * IDLE // len(PARTS))
        pause = 1000 // IDLE
        command = [
            *(self.parts_program, self.servers.url("collider"), str(self.servers.redis_port)),
            *(self.receiver.urls[ENDPOINTS], self.body, self.gateway_url, self.servers.api_key, self.event),
            *(str(rounds), str(pause)),
        ]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=300)
        found.append(json.loads(done.stdout))
        return Sample(events=rounds, seconds=rounds * len(PARTS) * pause / 1000)

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.collider.gateway.port}/api/v1/events"

    def stack(self, rate: float, since: Literal["due", "sent"]) -> Sample:
        self.collider.empty()
        writer = self.servers.service("collider-writer")
        try:
            with self.collider.workers() as workers:
                seconds = self.settings.seconds
                return self.collider.timed(
                    ["Timed0"], self.receiver, workers, first=ENDPOINTS, rate=rate, seconds=seconds, since=since
                )
        finally:
            self.servers.stop(writer)


class Peer:
    """`peers/fastapi_celery.py` with its worker: what most would write."""

    def __init__(self, latency: Latency) -> None:
        self.latency = latency
        servers, python = latency.servers, latency.settings.python
        environment = {
            "BENCH_REDIS_PORT": str(servers.redis_port),
            "BENCH_WEBHOOK_URL": latency.receiver.urls[ENDPOINTS],
            "PEER_DATABASE_URL": servers.url("peer"),
            "PYTHONPATH": str(PEERS),
        }
        self.port = free_port()
        granian = ["-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--no-ws", "--log-level", "warning"]
        address = ["--host", "127.0.0.1", "--port", str(self.port), "fastapi_celery:app"]
        self.service = servers.start("fastapi-celery", [python, *granian, *address], environment=environment)
        self.service.wait_for(f"http://127.0.0.1:{self.port}/health")
        worker = ["--app", "jobs_celery", "worker", "--concurrency", "4", "--loglevel", "ERROR"]
        self.worker = servers.start("celery", [python, "-m", "celery", *worker], environment=environment)
        # Its start takes seconds.
        before = latency.receiver.count()
        request(self.port, "POST", "/api/v1/events", "", timed_event("Timed0").replace("########", "0").encode())
        latency.receiver.wait_for(before + 1, self.worker)

    def idle(self) -> Sample:
        self.latency.servers.clear("peer")
        event = timed_event("Timed0").encode()
        post = Post(self.port, "/api/v1/events", event, status=201)
        seconds = self.latency.settings.seconds
        return timed_load(
            *(self.latency.loads, post, self.latency.receiver, self.worker, [ENDPOINTS]),
            rate=IDLE,
            seconds=seconds,
            since="sent",
        )

    def stop(self) -> None:
        for child in (self.worker, self.service):
            self.latency.servers.stop(child)
