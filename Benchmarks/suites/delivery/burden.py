"""What receivers can do to a worker: hold on to a thousand requests, be dead among a hundred, mean harm."""

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path

import hostile
from harness.accounting import Memory
from harness.load import Post
from harness.report import Report
from harness.rounds import Sample, in_turn
from harness.servers import Child
from harness.settings import Settings
from stack import wait_until

from suites.delivery.bench import BATCH, Collider, p50s, p99s
from suites.delivery.receiver import Receiver

HELD = 1_000
# A worker sends at most 8 at a time to an endpoint.
HOLDERS = 128
ENDPOINTS = 100
DEAD = 42
# Times a second that an event for each endpoint is posted.
BATCHES = 5
Harm = Callable[[socket.socket], None]
# What each harm is answered with, and how often: fewer failures than open a breaker.
HARMS: dict[Harm, tuple[str, int]] = {
    hostile.endless_chunks: ("succeeded", 20),
    hostile.gzip_bomb: ("succeeded", 20),
    hostile.endless_headers: ("dead", 4),
    hostile.slow_drip: ("dead", 4),
    hostile.reset_in_body: ("dead", 4),
}


class Burden:
    def __init__(self, collider: Collider, settings: Settings, report: Report) -> None:
        self.collider, self.settings, self.report = collider, settings, report

    # A thousand requests in flight

    def hold(self) -> None:
        self.report.section(f"Memory of a worker with {HELD:,} requests in flight")
        receiver = Receiver(self.collider.servers, HOLDERS)
        kinds = [f"Held{number}" for number in range(HOLDERS)]
        self.collider.add_triggers("Held", receiver.urls, timeout_ms=60_000)
        self.collider.empty()
        # Some more than are held, because a batch has not as many for each endpoint.
        self.collider.post_events(kinds, HELD + BATCH)
        receiver.mute(0, HOLDERS - 1)
        with self.collider.workers(WORKER_CONCURRENCY=str(HELD)) as workers:
            most = self.most_held(receiver, workers)
            memory = Memory.of(workers.pid)
            # So that the workers can end.
            receiver.answer_again()
        self.collider.servers.stop(receiver.child)
        self.report.target("requests in flight at a time", most, at_least=HELD)
        self.report.target("memory with them", memory.now, at_most=60, unit="MB")
        self.report.target("most memory on the way there", memory.peak, at_most=60, unit="MB")

    @staticmethod
    def most_held(receiver: Receiver, workers: Child) -> int:
        """How many requests a worker has in flight when it takes on no more."""
        most, since = 0, time.monotonic()
        while time.monotonic() - since < 5 and most < HELD:
            workers.check_alive()
            if (held := receiver.held()) > most:
                most, since = held, time.monotonic()
            # The receiver is asked by HTTP, and gives no signal; to ask without a pause would cost the worker its core.
            time.sleep(0.05)
        return most

    # One dead endpoint among a hundred

    def one_dead(self) -> None:
        self.report.section(f"One dead endpoint among {ENDPOINTS}: the other {ENDPOINTS - 1}")
        self.report.note(f"an event for each, {BATCHES} times a second; dead: it takes requests and never answers")
        receiver = Receiver(self.collider.servers, ENDPOINTS)
        self.collider.add_triggers("Fair", receiver.urls, timeout_ms=1000)
        reached: list[int] = []
        samples = in_turn(
            {
                "alone": lambda: self.fairness(receiver, None, reached),
                "beside": lambda: self.fairness(receiver, DEAD, reached),
            },
            self.settings.rounds,
        )
        self.collider.servers.stop(receiver.child)
        self.report.rate("all alive", samples["alone"])
        self.report.rate("one of them dead", samples["beside"])
        beside, alone = samples["beside"], samples["alone"]
        self.report.times("p50 beside a dead one, to without", p50s(beside), p50s(alone))
        self.report.times("p99 beside a dead one, to without", p99s(beside), p99s(alone), at_most=1.2)
        self.report.target("requests that reached the dead one", max(reached), at_most=16)

    def fairness(self, receiver: Receiver, dead: int | None, reached: list[int]) -> Sample:
        kinds = [f"Fair{number}" for number in range(ENDPOINTS)]
        seconds = max(2, self.settings.seconds)
        self.collider.empty()
        with self.collider.workers() as workers:
            # Connections to all of them are opened while all live.
            self.collider.timed(kinds, receiver, workers, rate=BATCHES, seconds=1)
            if dead is not None:
                receiver.mute(dead, dead)
            before = int(receiver.ask("/count")["received"])
            sample = self.collider.timed(kinds, receiver, workers, rate=BATCHES, seconds=seconds, without=dead)
            if dead is not None:
                posted = (ENDPOINTS - 1) * int(BATCHES * (1 + seconds))
                reached.append(int(receiver.ask("/count")["received"]) - before - posted)
                receiver.answer_again()
        return sample

    # Receivers that mean harm

    def mean_harm(self) -> None:
        self.report.section("Receivers that mean harm")
        self.report.note("endless chunks, a gzip bomb, 400 MB of headers, a slow drip, a reset in the body")
        receivers = {harm: hostile.HostileReceiver(harm) for harm in HARMS}
        for harm, receiver in receivers.items():
            config = {"url": receiver.url, "timeout_ms": 1500}
            action = {"type": "rest", "config": config, "retry": {"max_attempts": 1}}
            self.collider.add_trigger(harm.__name__, action)
        self.collider.empty()
        with self.collider.workers() as workers:
            # One of each that succeeds first, so that what is made once is there.
            harmless = [harm for harm, (status, _) in HARMS.items() if status == "succeeded"]
            self.harm(dict.fromkeys(harmless, 1))
            wait_until("first deliveries", 30, lambda: self.collider.count("status = 'succeeded'") == len(harmless))
            Path(f"/proc/{workers.pid}/clear_refs").write_text("5")
            before = Memory.of(workers.pid).now
            self.harm({harm: count for harm, (_, count) in HARMS.items()})
            total = sum(count for _, count in HARMS.values()) + len(harmless)
            wait_until("all outcomes", 60, lambda: self.collider.count("finished_at IS NOT NULL") == total)
            growth = Memory.of(workers.pid).peak - before
        for receiver in receivers.values():
            receiver.close()
        for status in ("succeeded", "dead"):
            expected = sum(count for wanted, count in HARMS.values() if wanted == status)
            found = self.collider.count(f"status = '{status}'") - (len(harmless) if status == "succeeded" else 0)
            assert found == expected, f"{found} {status} instead of {expected}"
        self.report.target("growth of a worker's memory", growth, at_most=10, unit="MB")

    def harm(self, counts: dict[Harm, int]) -> None:
        lines = [
            json.dumps({"type": harm.__name__, "data": {"n": number}})
            for harm, count in counts.items()
            for number in range(count)
        ]
        post: Post = self.collider.batch(lines)
        self.collider.loads.post(post, {}, requests=1, connections=1)
