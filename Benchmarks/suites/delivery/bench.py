"""What the sections of the suite share: Collider on a database, its triggers, and events whose way is timed."""

import json
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from harness.load import Loads, Post
from harness.rounds import Sample
from harness.servers import Child, Servers, request
from receivers import SIGNING_SECRET
from stack import wait_until

from suites.delivery.receiver import Receiver

PEERS = Path(__file__).resolve().parents[2] / "peers"
BATCH = 500
# Of jobs: a worker sends 8 requests at a time to each. The port behind them is of events that are timed alone.
ENDPOINTS = 16
KINDS = [f"Bench{number}" for number in range(ENDPOINTS)]
# Of a timed load: what goes before does not count, because connections are opened.
WARM_UP = 1.0


def timed_event(kind: str) -> str:
    """The load puts a number in; the receiver reads it."""
    return json.dumps({"type": kind, "data": {"bench_number": 0, "note": "x" * 200}}).replace(
        '"bench_number": 0', '"bench_number": ########'
    )


def p50s(samples: list[Sample]) -> list[float]:
    return [sample.p50_ms or 0 for sample in samples]


def p99s(samples: list[Sample]) -> list[float]:
    return [sample.p99_ms or 0 for sample in samples]


class Collider:
    """A gateway and a processor on a database; workers run while something is measured."""

    def __init__(self, servers: Servers, database: str = "collider") -> None:
        self.servers, self.database = servers, database
        self.loads = Loads(servers)
        self.gateway = servers.service("api-gateway", database)
        self.processor = servers.service("event-processor", database)

    def stop(self) -> None:
        for child in (self.processor, self.gateway):
            self.servers.stop(child)

    def add_triggers(self, prefix: str, urls: list[str], **config: Any) -> None:
        """One for each endpoint: events of type `prefix` and its number go there."""
        for number, url in enumerate(urls):
            action = {"type": "rest", "config": {"url": url, "signing_secret": SIGNING_SECRET} | config}
            self.add_trigger(f"{prefix}{number}", action)

    def add_trigger(self, kind: str, action: dict[str, Any]) -> None:
        body = json.dumps({"name": kind, "event_types": [kind], "actions": [action]}).encode()
        status, _, answer = request(self.gateway.port, "POST", "/api/v1/triggers", self.servers.api_key, body)
        assert status == 201, answer

    def sql(self, statement: str) -> str:
        return self.servers.sql(statement, self.database)

    def empty(self) -> None:
        """Equal conditions for what is measured next."""
        self.sql("TRUNCATE firings, deliveries, attempts, circuit_breakers")
        self.servers.clear(self.database)
        self.servers.redis("FLUSHDB")

    def count(self, condition: str = "true") -> int:
        return int(self.sql(f"SELECT count(*) FROM deliveries WHERE {condition}"))

    @contextmanager
    def workers(self, **settings: str) -> Iterator[Child]:
        child = self.servers.service("action-workers", self.database, **settings)
        try:
            yield child
        finally:
            self.servers.stop(child)

    def post_events(self, kinds: list[str], count: int) -> None:
        """Events of each kind in turn; waits for the processor to have made a delivery of each."""
        before = self.count()
        lines = [
            json.dumps({"type": kinds[number % len(kinds)], "data": {"n": number, "note": "x" * 200}})
            for number in range(BATCH)
        ]
        post = self.batch(lines)
        self.loads.post(post, {}, requests=count // BATCH, connections=4)
        wait_until("deliveries of all events", 120, lambda: self.count() >= before + count)

    def batch(self, lines: list[str]) -> Post:
        return Post(
            self.gateway.port,
            "/api/v1/events",
            ("\n".join(lines) + "\n").encode(),
            events=len(lines),
            media="application/x-ndjson",
            key=self.servers.api_key,
            status=200,
            expect=f'"accepted":{len(lines)},',
        )

    def timed(
        self,
        kinds: list[str],
        receiver: Receiver,
        workers: Child,
        *,
        rate: float,
        seconds: float,
        first: int = 0,
        without: int | None = None,
        since: Literal["due", "sent"] = "due",
    ) -> Sample:
        """Posts events of all kinds, `rate` times a second; how long each took to the receiver's port of its kind.

        - first: the place of the port of the first kind.
        - without: the place of a port whose events are posted and not waited for.
        """
        if len(kinds) == 1:
            event = timed_event(kinds[0]).encode()
            post = Post(self.gateway.port, "/api/v1/events", event, key=self.servers.api_key, status=201)
        else:
            post = self.batch([timed_event(kind) for kind in kinds])
        places = [place for place in range(first, first + len(kinds)) if place != without]
        return timed_load(self.loads, post, receiver, workers, places, rate=rate, seconds=seconds, since=since)


def timed_load(
    loads: Loads,
    post: Post,
    receiver: Receiver,
    child: Child,
    places: list[int],
    *,
    rate: float,
    seconds: float,
    since: Literal["due", "sent"],
) -> Sample:
    """The time from a post to the webhook: p50 and p99, without those of the first second."""
    receiver.count()
    times = loads.servers.folder / "times"
    loads.post(post, {}, requests=int(rate * (WARM_UP + seconds)), rate=rate, times=times)
    lines = [line.split() for line in times.read_text().splitlines()]
    begun = [float(line[since == "sent"]) for line in lines]
    arrivals = receiver.wait_for_numbers(len(begun), places, child)
    first = int(rate * WARM_UP)
    taken = sorted((port[number] - begun[number]) * 1000 for port in arrivals for number in range(first, len(begun)))
    return Sample(
        events=len(taken),
        seconds=seconds,
        p50_ms=statistics.median(taken),
        p99_ms=taken[int(len(taken) * 0.99)],
    )
