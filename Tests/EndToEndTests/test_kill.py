"""Killed in the middle of work: every acknowledged event stored, evaluated, delivered and framed, and counted."""

import itertools
import os
import signal
import threading
import time
import urllib.error
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from collider import PhysicsConsumer
from receivers import SIGNING_SECRET, WebhookReceiver
from stack import SERVICES, Stack, wait_until

EVENTS = 2_000
WRITERS = 4


class Ledger:
    """Posts numbered events with producer ids until each is acknowledged, as a careful producer does."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.numbers = itertools.count()
        self.lock = threading.Lock()
        self.acknowledged: dict[int, str] = {}
        self.repeats = 0
        self.errors: list[str] = []

    def run(self) -> None:
        writers = [threading.Thread(target=self._write) for _ in range(WRITERS)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()

    def _write(self) -> None:
        while (number := next(self.numbers)) < EVENTS:
            # Every other event matches the trigger.
            event = {
                "type": "Ledger",
                "id": f"ledger-{number}",
                "source": "test",
                "subject": f"s{number % 7}",
            }
            event["data"] = {"number": number, "even": number % 2 == 0}
            self._post(number, event)

    def _post(self, number: int, event: dict[str, Any]) -> None:
        deadline = time.monotonic() + 120
        while True:
            try:
                status, answer, _ = self.stack.request("POST", "/api/v1/events", event)
            except (urllib.error.URLError, OSError):
                status, answer = 0, None
            if status in (200, 201):
                with self.lock:
                    self.acknowledged[number] = answer["id"]
                    self.repeats += answer["duplicate"]
                return
            if status not in (0, 500, 503) or time.monotonic() > deadline:
                with self.lock:
                    self.errors.append(f"{number}: {status} {answer}")
                return
            # The pause of a producer between two tries.
            time.sleep(0.05)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    stack = Stack()
    # What a killed worker held is free again soon.
    stack.environment["DELIVERY_LEASE_SECONDS"] = "5"
    try:
        stack.up()
        yield stack
    finally:
        stack.remove()


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    yield receiver
    receiver.close()


class FrameLedger:
    """Reads the ring all along, as a consumer does; the ring is larger than the test."""

    def __init__(self, path: Path) -> None:
        self.frames: Counter[uuid.UUID] = Counter()
        self.consumer = PhysicsConsumer(path=str(path))

    def read(self) -> None:
        while len(batch := self.consumer.read_batch(1000)):
            self.frames.update(uuid.UUID(bytes=bytes(event_id)) for event_id in batch["event_id"])


def kill(stack: Stack, process: str, number: signal.Signals) -> None:
    """Ends a process and waits until the supervisor has started another in its place."""
    old = stack.pid(process)
    os.kill(old, number)
    wait_until(f"new {process}", 30, lambda: stack.pid(process) != old)


def test_kills_lose_nothing_and_evaluate_nothing_twice(stack: Stack, receiver: WebhookReceiver) -> None:
    trigger = {
        "name": "Even numbers",
        "event_types": ["Ledger"],
        "condition": {"field": "data.even", "operator": "eq", "value": True},
        "actions": [
            {
                "type": "rest",
                "config": {
                    "url": f"{receiver.url}/hook",
                    "signing_secret": SIGNING_SECRET,
                },
                "retry": {"max_attempts": 20, "schedule": ["1s"] * 19},
            }
        ],
    }
    status, answer, _ = stack.request("POST", "/api/v1/triggers", trigger)
    assert status == 201, answer
    seen = FrameLedger(stack.ring)
    ledger = Ledger(stack)
    thread = threading.Thread(target=ledger.run)
    thread.start()

    wait_until("first events", 30, lambda: len(ledger.acknowledged) > 100)
    for service in SERVICES:
        before = len(ledger.acknowledged)
        kill(stack, service, signal.SIGKILL)
        wait_until(
            "progress after a kill",
            60,
            lambda before=before: len(ledger.acknowledged) > min(before + 100, EVENTS - 1),
        )
    kill(stack, "redis", signal.SIGTERM)
    # SIGQUIT is PostgreSQL's immediate shutdown: no checkpoint, recovery at the next start.
    kill(stack, "postgres", signal.SIGQUIT)
    thread.join(timeout=240)
    assert not thread.is_alive() and ledger.errors == []
    assert len(ledger.acknowledged) == EVENTS

    stored = list(stack.pages("/api/v1/events?type=Ledger"))
    assert Counter(event["id"] for event in stored) == Counter(ledger.acknowledged.values()), "stored exactly once"

    matching = {ledger.acknowledged[number] for number in range(0, EVENTS, 2)}

    def deliveries() -> Any:
        found = list(stack.pages(f"/api/v1/deliveries?trigger_id={answer['id']}"))
        done = Counter(delivery["status"] for delivery in found)
        return found if done == {"succeeded": len(matching)} else None

    found = wait_until("all deliveries succeeded", 180, deliveries)
    assert Counter(delivery["event_id"] for delivery in found) == Counter(matching), "evaluated exactly once"

    by_id: dict[str, set[str]] = {}
    for headers, payload in receiver.received:
        by_id.setdefault(headers["webhook-id"], set()).add(payload["data"]["event"]["id"])
    assert all(len(events) == 1 for events in by_id.values())
    assert {next(iter(events)) for events in by_id.values()} == matching, "delivered at least once, under one id"
    assert receiver.refused == []

    def framed() -> bool:
        seen.read()
        return len(seen.frames.keys() & {uuid.UUID(event) for event in ledger.acknowledged.values()}) == EVENTS

    wait_until("all frames", 60, framed)
    assert seen.consumer.lost == 0
    assert max(seen.frames.values()) == 1, "framed exactly once"
    print(
        f"\n{EVENTS} events, {ledger.repeats} acknowledged at the second try, {len(matching)} deliveries, "
        f"{len(receiver.received) - len(matching)} repeated"
    )
