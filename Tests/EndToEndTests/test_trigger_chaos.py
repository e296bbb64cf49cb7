"""Four processors, one killed every 250 ms, others stopped, PostgreSQL shut down without a checkpoint.

What triggers have remembered and fired is what one reader of the log would have come to.

Longer and harder than by default: COLLIDER_TRIGGER_CHAOS_SECONDS=300 COLLIDER_TRIGGER_CHAOS_RATE=2000. The seed is
printed; COLLIDER_TRIGGER_CHAOS_SEED repeats its choices. COLLIDER_TRIGGER_CHAOS_KILLS_ONLY=1 leaves out what holds up
everything for a second each time, so that the delays that are printed are those of kills.
"""

import http.client
import json
import os
import random
import signal
import threading
import time
from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from gateways import Database, Organization, Processor, organizations
from oracle import Average, LogEvent, Rate, Silence, is_close, log_of
from stack import Stack, wait_until

SECONDS = float(os.environ.get("COLLIDER_TRIGGER_CHAOS_SECONDS", "20"))
RATE = int(os.environ.get("COLLIDER_TRIGGER_CHAOS_RATE", "400"))
SEED = int(os.environ.get("COLLIDER_TRIGGER_CHAOS_SEED", str(time.time_ns() % 2**32)))
KILLS_ONLY = os.environ.get("COLLIDER_TRIGGER_CHAOS_KILLS_ONLY") == "1"
REPLICAS = 4
KEYS = 6
BATCH = 20

EVERY = {"name": "every", "event_types": ["Score"], "condition": None}
# True of every event, so that each firing shows the state after it.
AVERAGE = {
    "name": "average",
    "event_types": ["Score"],
    "condition": {
        "aggregate": "ema",
        "field": "data.value",
        "window": {"events": 9},
        "group_by": ["data.key"],
        "operator": ">=",
        "value": 0,
    },
}
RATE_LIMIT = {
    "name": "rate",
    "event_types": ["Score"],
    "condition": {
        "aggregate": "count",
        "window": "2s",
        "group_by": ["data.key"],
        "operator": ">=",
        "value": 12,
        "reset_on_fire": True,
    },
    "cooldown": "1s",
    "cooldown_by": ["data.key"],
}
# Longer than an event can take from its receipt to its commit, so that the clock never fires what the log would not.
SILENCE_SECONDS = 8
SILENCE = {
    "name": "silence",
    "event_types": ["Begun", "Done"],
    "condition": {
        "absence": {
            "after": {"field": "type", "operator": "eq", "value": "Begun"},
            "expect": {"field": "type", "operator": "eq", "value": "Done"},
            "within": f"{SILENCE_SECONDS}s",
            "group_by": ["data.order"],
        }
    },
}


class Producer:
    """Sends events at a steady rate, each batch again and again until it is acknowledged."""

    def __init__(self, stack: Stack, tenants: list[Organization]) -> None:
        self.stack = stack
        self.tenants = tenants
        self.random = random.Random(f"{SEED}/producer")
        self.number = 0
        self.retries = 0
        self.longest = 0.0
        self.errors: list[str] = []
        self.stopping = threading.Event()
        self.connection: http.client.HTTPConnection | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            start = time.monotonic()
            while not self.stopping.is_set():
                self._send(self.random.choice(self.tenants), [self._event() for _ in range(BATCH)])
                time.sleep(max(0.0, start + self.number / RATE - time.monotonic()))
        except Exception as error:  # the test shows what ended it
            self.errors.append(repr(error))

    def _event(self) -> dict[str, Any]:
        self.number += 1
        key, number = self.random.randrange(KEYS), self.number
        event: dict[str, Any] = {"source": "chaos", "id": str(number)}
        if number % 10 == 0:
            return event | {"type": "Begun", "data": {"order": number}}
        if number % 10 == 5 and number > 10 and number % 30 != 5:
            return event | {"type": "Done", "data": {"order": number - 5}}
        return event | {"type": "Score", "data": {"key": key, "value": self.random.randrange(1000), "number": number}}

    def _send(self, tenant: Organization, events: list[dict[str, Any]]) -> None:
        body = json.dumps(events)
        headers = {"Authorization": f"Bearer {tenant.key}", "Content-Type": "application/json"}
        began = time.monotonic()
        deadline = began + 60
        while True:
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.stack.port, timeout=20)
                self.connection.request("POST", "/api/v1/events", body, headers)
                answer = self.connection.getresponse()
                text = answer.read()
                if answer.status == 200:
                    self.longest = max(self.longest, time.monotonic() - began)
                    return
                assert answer.status == 503, text
            except (OSError, http.client.HTTPException):
                self.connection = None
            assert time.monotonic() < deadline, "never acknowledged"
            self.retries += 1
            # A gateway whose PostgreSQL restarts is asked again, and not hammered.
            time.sleep(0.05)


class Chaos:
    """Kills a processor every 250 ms, stops one now and then, and shuts PostgreSQL down twice."""

    def __init__(self, stack: Stack, replicas: list[Processor]) -> None:
        self.stack = stack
        self.replicas = replicas
        self.random = random.Random(SEED)
        self.kills = self.stops = self.quits = 0

    def run(self, seconds: float) -> None:
        start = time.monotonic()
        quits = [] if KILLS_ONLY else [seconds * share for share in (0.3, 0.65)]
        turn = 0
        while (elapsed := time.monotonic() - start) < seconds:
            if quits and elapsed > quits[0]:
                quits.pop(0)
                self._quit_server()
            replica = self.replicas[turn % len(self.replicas)]
            turn += 1
            if not KILLS_ONLY and self.random.random() < 0.15:
                self._stop(replica)
            else:
                replica.send(signal.SIGKILL)
                self.kills += 1
            # Between two kills.
            time.sleep(0.25)

    def _stop(self, replica: Processor) -> None:
        """Longer than the server waits for an idle transaction, and shorter."""
        process = replica.process
        process.send_signal(signal.SIGSTOP)
        self.stops += 1
        threading.Timer(self.random.uniform(0.3, 2.5), process.send_signal, [signal.SIGCONT]).start()

    def _quit_server(self) -> None:
        old = self.stack.pid("postgres")
        os.kill(old, signal.SIGQUIT)
        self.quits += 1
        wait_until("new PostgreSQL", 60, lambda: self.stack.pid("postgres") != old)


@pytest.fixture
def replicas(stack: Stack) -> Any:
    """Four processors in the place of the stack's own, which stands still meanwhile."""
    database = Database(stack)
    own = stack.pid("event-processor")
    running: list[Processor] = []
    try:
        running += [Processor(database) for _ in range(REPLICAS)]
        for replica in running:
            replica.wait_until_ready()
            replica.keep()
        os.kill(own, signal.SIGSTOP)
        yield database, running
    finally:
        os.kill(own, signal.SIGCONT)
        for replica in running:
            replica.stop()


def test_states_and_firings_are_those_of_the_log(stack: Stack, replicas: tuple[Database, list[Processor]]) -> None:
    database, running = replicas
    print(f"\nseed {SEED}, {SECONDS:.0f} s, {RATE} events/s")
    tenants = organizations(stack, f"chaos-{SEED}", parts=3, scopes="events:write,triggers:write")
    for tenant in tenants:
        for trigger in (EVERY, AVERAGE, RATE_LIMIT, SILENCE):
            status, answer, _ = stack.request("POST", "/api/v1/triggers", trigger, key=tenant.key)
            assert status == 201, answer
    producer = Producer(stack, tenants)
    producer.thread.start()
    chaos = Chaos(stack, running)
    chaos.run(SECONDS)
    producer.stopping.set()
    producer.thread.join(timeout=90)
    assert not producer.thread.is_alive() and producer.errors == []

    wait_until("PostgreSQL", 60, lambda: answers(database))
    wait_until("all events evaluated", 120, lambda: is_evaluated(database))
    waiting = "SELECT count(*) FROM trigger_states WHERE due_at IS NOT NULL"
    wait_until("all timers fired", 60, lambda: database.query(waiting)[0][0] == 0)

    delays: list[float] = []
    totals: Counter[str] = Counter()
    for tenant in tenants:
        events = [event for event in log_of(database, tenant.part) if event.type in ("Score", "Begun", "Done")]
        if sum(other.part == tenant.part for other in tenants) > 1:
            continue  # two organizations' events in one list
        found = firings_of(database, tenant)
        totals += check(events, found)
        delays += [row["delay"] for row in found["every"]]
    print(
        f"{producer.number} events sent, {producer.retries} tries again, the longest {producer.longest:.1f} s; "
        f"{chaos.kills} kills, {chaos.stops} stops, {chaos.quits} immediate shutdowns; compared: {dict(totals)}\n"
        f"received to evaluated, chaos and recoveries included: "
        f"median {quantile(delays, 0.5):.0f} ms, p99 {quantile(delays, 0.99):.0f} ms, worst {max(delays):.0f} ms"
    )
    assert chaos.kills > SECONDS and chaos.quits == (0 if KILLS_ONLY else 2)
    assert totals["events"] > producer.number / 2 and totals["rate"] > 0 and totals["silence"] > 0


def answers(database: Database) -> bool:
    try:
        return bool(database.query("SELECT 1"))
    except psycopg.OperationalError:
        return False


def is_evaluated(database: Database) -> bool:
    behind = """SELECT count(*) FROM log_parts p LEFT JOIN follower_positions f
        ON f.part = p.part AND f.follower = 'event-processor' WHERE p.head > coalesce(f.position, 0)"""
    return bool(database.query(behind)[0][0] == 0)


def firings_of(database: Database, tenant: Organization) -> dict[str, list[dict[str, Any]]]:
    rows = database.query(
        """SELECT t.name, f.event_id::text, f.at, f.explanation,
            extract(epoch FROM f.created_at - f.event_received_at) * 1000
        FROM firings f JOIN triggers t ON t.id = f.trigger_id WHERE f.organization_id = %s ORDER BY f.position""",
        tenant.id,
    )
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name, event, at, explanation, delay in rows:
        found[name].append({"event": event, "at": at, "explanation": explanation, "delay": float(delay)})
    return found


def check(events: list[LogEvent], found: dict[str, list[dict[str, Any]]]) -> Counter[str]:
    """Holds what was fired in a part against one reader of its log."""
    scores = [event for event in events if event.type == "Score"]
    assert [row["event"] for row in found["every"]] == [event.id for event in scores], "evaluated exactly once"

    average = Average(events=9)
    assert [row["event"] for row in found["average"]] == [event.id for event in scores]
    for row, event in zip(found["average"], scores, strict=True):
        expected, actual = average.see(event), row["explanation"]["actual"]
        assert is_close(actual, expected), f"at {event.position}: {actual}, and {expected} by the log"

    rate = Rate(window=timedelta(seconds=2), limit=12, cooldown=timedelta(seconds=1))
    assert [row["event"] for row in found["rate"]] == [event.id for event in scores if rate.see(event)]

    silence = Silence(within=timedelta(seconds=SILENCE_SECONDS))
    for event in events:
        if event.type != "Score":
            silence.see(event)
    fired = [row["event"] for row in found["silence"]]
    assert len(fired) == len(set(fired)), "each timer once"
    assert set(fired) == silence.finish()
    return Counter(events=len(scores), rate=len(found["rate"]), silence=len(fired))


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]
