"""The job ledger: 7,000 deliveries while workers are killed, Redis is emptied and away, PostgreSQL is restarted.

Every one arrives, a repeat only under its own delivery id, and none is stuck: nothing is due for more than a minute.

Longer and harder than by default: COLLIDER_JOB_LEDGER_DELIVERIES=70000 COLLIDER_JOB_LEDGER_SECONDS=300.
"""

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from gateways import Database, Processor, Replica, Worker
from receivers import SIGNING_SECRET, WebhookReceiver
from stack import Stack, free_port, wait_until

TOTAL = int(os.environ.get("COLLIDER_JOB_LEDGER_DELIVERIES", "7000"))
# For how long workers are killed, and Redis is emptied.
SECONDS = float(os.environ.get("COLLIDER_JOB_LEDGER_SECONDS", "10"))
LEASE_SECONDS = 3
WORKERS = 4


class Watch:
    """Looks all along at how long anything has been due."""

    DUE = """SELECT coalesce(max(extract(epoch FROM now() - CASE status
            WHEN 'scheduled' THEN run_at WHEN 'running' THEN lease_until ELSE pushed_at END)), 0)
        FROM deliveries WHERE status IN ('ready', 'running', 'scheduled')"""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.longest = 0.0
        self.looks = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self.stopping.wait(0.25):
            try:
                self.longest = max(self.longest, float(self.database.query(self.DUE)[0][0]))
                self.looks += 1
            except psycopg.OperationalError:
                continue  # PostgreSQL is being restarted; what is due meanwhile is seen afterwards

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join(timeout=10)


class Run:
    """Deliveries of one trigger to one receiver, under one kind of misfortune."""

    def __init__(self, stack: Stack, name: str, count: int) -> None:
        self.stack, self.name, self.count = stack, name, count
        self.receiver = WebhookReceiver()
        action = {
            "type": "rest",
            "config": {"url": f"{self.receiver.url}/hook", "signing_secret": SIGNING_SECRET},
            "retry": {"max_attempts": 30, "schedule": ["1s"] * 29},
        }
        status, made, _ = stack.request(
            "POST", "/api/v1/triggers", {"name": name, "event_types": [name], "actions": [action]}
        )
        assert status == 201, made
        self.trigger: str = made["id"]

    def post(self) -> None:
        """Events in batches, each sent again until it is acknowledged; the ids make repeats harmless."""
        for start in range(0, self.count, 250):
            numbers = range(start, min(start + 250, self.count))
            batch = [{"type": self.name, "source": self.name, "id": str(n), "data": {"n": n}} for n in numbers]
            wait_until("acknowledgement", 60, lambda batch=batch: self._post(batch))

    def _post(self, batch: list[Any]) -> bool:
        try:
            status, _, _ = self.stack.request("POST", "/api/v1/events", batch)
        except OSError:
            return False
        assert status in (200, 500, 503), status
        return status == 200

    def check(self, database: Database) -> tuple[int, int]:
        """Waits for the end and returns how many requests came more than once, and how many attempts were logged."""

        def statuses() -> Counter[str]:
            try:
                rows = database.query(
                    "SELECT status, count(*) FROM deliveries WHERE trigger_id = %s GROUP BY 1", self.trigger
                )
            except psycopg.OperationalError:
                return Counter()
            return Counter(dict(rows))

        wait_until(f"end of {self.name}", 120, lambda: statuses() == {"succeeded": self.count})
        rows = database.query("SELECT id::text, event_id::text FROM deliveries WHERE trigger_id = %s", self.trigger)
        expected = dict(rows)
        received: dict[str, set[str]] = {}
        with self.receiver.lock:
            requests = list(self.receiver.received)
        for headers, payload in requests:
            received.setdefault(headers["webhook-id"], set()).add(payload["data"]["event"]["id"])
        assert self.receiver.refused == []
        assert received.keys() == expected.keys(), "lost, or made up"
        assert all(received[delivery] == {event} for delivery, event in expected.items()), "under another's id"
        assert len(set(expected.values())) == self.count, "one delivery for each event"
        attempts = database.query(
            "SELECT count(*) FROM attempts a JOIN deliveries d ON d.id = a.delivery_id WHERE d.trigger_id = %s",
            self.trigger,
        )
        return len(requests) - self.count, attempts[0][0]


@contextmanager
def instead_of(stack: Stack, services: dict[str, list[Replica]]) -> Iterator[None]:
    """The stack's own services stand still while a test's do their work."""
    pids = [stack.pid(service) for service in services]
    try:
        for replicas in services.values():
            for replica in replicas:
                replica.wait_until_ready()
                replica.keep()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        for replicas in services.values():
            for replica in replicas:
                replica.stop()


def workers(database: Database, count: int = WORKERS, **environment: str) -> list[Replica]:
    return [Worker(database, DELIVERY_LEASE_SECONDS=str(LEASE_SECONDS), **environment) for _ in range(count)]


@contextmanager
def again_and_again(interval: float, act: Callable[[], None]) -> Iterator[list[int]]:
    """Does something at an interval, for SECONDS or until the body has ended; lends the number of times."""
    stopping, times, errors = threading.Event(), [0], []
    end = time.monotonic() + SECONDS

    def run() -> None:
        try:
            while time.monotonic() < end and not stopping.wait(interval):
                act()
                times[0] += 1
        except Exception as error:  # the test shows what ended it
            errors.append(repr(error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield times
    finally:
        stopping.set()
        thread.join(timeout=90)
    assert errors == []


@pytest.fixture
def watch(stack: Stack) -> Iterator[Watch]:
    watch = Watch(Database(stack))
    yield watch
    watch.stop()


def report(name: str, run: Run, repeats: int, attempts: int, watch: Watch, more: str = "") -> None:
    print(
        f"\n{name}: {run.count} deliveries, {repeats} requests repeated, {attempts} attempts logged{more}; "
        f"longest due {watch.longest:.1f} s in {watch.looks} looks"
    )
    assert watch.looks > 0 and watch.longest < 60
    run.receiver.close()


def test_workers_killed_every_250_ms(stack: Stack, watch: Watch) -> None:
    database = Database(stack)
    run = Run(stack, "Killed", TOTAL // 5)
    running = workers(database)
    turns = iter(range(10**9))
    with instead_of(stack, {"action-workers": running}):

        def kill() -> None:
            running[next(turns) % len(running)].send(signal.SIGKILL)

        with again_and_again(0.25, kill) as kills:
            run.post()
            repeats, attempts = run.check(database)
    report("Workers killed", run, repeats, attempts, watch, f", {kills[0]} kills")
    assert kills[0] > 4


def redis_cli(database: Database, *words: str) -> None:
    subprocess.run(
        ["redis-cli", "-p", str(database.ports["redis"]), "--no-auth-warning", *words],
        env=os.environ | {"REDISCLI_AUTH": database.secrets["redis_password"]},
        capture_output=True,
        timeout=30,
    )


def test_redis_emptied_and_restarted(stack: Stack, watch: Watch) -> None:
    database = Database(stack)
    run = Run(stack, "Emptied", TOTAL // 5)
    with again_and_again(0.4, lambda: redis_cli(database, "FLUSHALL")) as flushes:
        run.post()
        old = stack.pid("redis")
        os.kill(old, signal.SIGKILL)
        wait_until("new Redis", 60, lambda: stack.pid("redis") != old)
        repeats, attempts = run.check(database)
    report("Redis emptied and restarted", run, repeats, attempts, watch, f", {flushes[0]} times emptied")
    assert flushes[0] > 2


def test_redis_away_for_a_whole_run(stack: Stack, watch: Watch) -> None:
    database = Database(stack)
    run = Run(stack, "Away", TOTAL * 2 // 5)
    nowhere = str(free_port())
    processors: list[Replica] = [Processor(database, REDIS_PORT=nowhere)]
    running = workers(database, 2, REDIS_PORT=nowhere)
    # Without Redis they are not ready, and work all the same.
    for replica in processors + running:
        replica.wait_until_ready = lambda: None  # type: ignore[method-assign]
    with instead_of(stack, {"event-processor": processors, "action-workers": running}):
        run.post()
        repeats, attempts = run.check(database)
    report("Redis away", run, repeats, attempts, watch)


def test_postgresql_restarted(stack: Stack, watch: Watch) -> None:
    database = Database(stack)
    run = Run(stack, "Restarted", TOTAL // 5)
    running = workers(database, 2)
    with instead_of(stack, {"action-workers": running}):
        run.post()
        for _ in range(2):
            old = stack.pid("postgres")
            # Immediate shutdown: no checkpoint, recovery at the next start.
            os.kill(old, signal.SIGQUIT)
            wait_until("new PostgreSQL", 60, lambda old=old: stack.pid("postgres") != old)
            time.sleep(0.5)  # some work between the two
        repeats, attempts = run.check(database)
    report("PostgreSQL restarted", run, repeats, attempts, watch)
