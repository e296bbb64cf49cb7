"""Producers that keep a ledger, and a follower that reads the log as it grows."""

import http.client
import itertools
import json
import random
import threading
import time
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from gateways import Database, Gateway, Organization
from ledger import Ledger, Record

# How long a writer goes on sending what was not acknowledged, after it has been told to stop.
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Item:
    key: str
    event: dict[str, Any]

    @property
    def is_resendable(self) -> bool:
        return "id" in self.event


@dataclass(frozen=True)
class Post:
    """One request: a single event, or several in the form of an array or of lines."""

    organization: Organization
    items: tuple[Item, ...]
    form: str
    idempotency_key: str | None = None

    def body(self) -> bytes:
        events = [item.event for item in self.items]
        if self.form == "single":
            return json.dumps(events[0]).encode()
        if self.form == "lines":
            return b"".join(json.dumps(event).encode() + b"\n" for event in events)
        return json.dumps(events).encode()

    def headers(self) -> dict[str, str]:
        media = "application/x-ndjson" if self.form == "lines" else "application/json"
        headers = {"Authorization": f"Bearer {self.organization.key}", "Content-Type": media}
        if self.idempotency_key is not None:
            headers["Idempotency-Key"] = self.idempotency_key
        return headers

    def remainder(self) -> "Post | None":
        """What may be sent again without danger when nobody knows what became of it."""
        if self.idempotency_key is not None:
            return self
        left = tuple(item for item in self.items if item.is_resendable)
        return replace(self, items=left) if left else None


class Refusal(Exception):
    """An answer that no writer of these tests has earned."""


class Writer:
    """Sends events in every form, and those with an id again and again until they are acknowledged.

    Events without an id are sent once, whatever happens. Now and then it sends an acknowledged one again, or one to
    both gateways at the same moment; the answers have to name the same event.
    """

    def __init__(
        self,
        number: int,
        seed: int,
        ledger: Ledger,
        gateways: list[Gateway],
        organizations: list[Organization],
        forms: tuple[str, ...],
    ) -> None:
        self.number = number
        self.random = random.Random(f"{seed}/{number}")
        self.ledger = ledger
        self.gateways = gateways
        self.organizations = organizations
        self.forms = forms
        self.counter = itertools.count()
        self.connections: dict[int, http.client.HTTPConnection] = {}
        self.current = number % len(gateways)
        self.acknowledged = [0] * len(gateways)
        self.unknown = 0
        self.errors: list[str] = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            while not self.stopping.is_set():
                self._deliver(self._fresh())
        except Exception as error:  # the test shows what ended a writer
            self.errors.append(f"writer {self.number}: {error!r}")

    def _fresh(self) -> Post:
        form = self.random.choices(("single", *self.forms), (3, *(1 for _ in self.forms)))[0]
        count = 1 if form == "single" else self.random.randint(1, 40)
        identified = self.random.choice(("all", "none", "some", "header"))
        items = []
        for _ in range(count):
            key = f"{self.number}-{next(self.counter)}"
            event: dict[str, Any] = {"type": "Ledger", "source": f"writer-{self.number}"}
            event["data"] = {"key": key, "text": "x" * self.random.randint(0, 300)}
            if identified == "all" or (identified == "some" and self.random.random() < 0.5):
                event["id"] = key
            items.append(Item(key, event))
        header = f"header-{items[0].key}" if identified == "header" else None
        return Post(self.random.choice(self.organizations), tuple(items), form, header)

    def _deliver(self, post: Post) -> None:
        left: Post | None = post
        deadline = None
        if post.remainder() == post and self.random.random() < 0.05:
            self._race(post)
        while left is not None:
            if self._attempt(left, self.current):
                break
            self.unknown += 1
            self.current = (self.current + 1) % len(self.gateways)
            left = left.remainder()
            if self.stopping.is_set():
                deadline = deadline or time.monotonic() + PATIENCE_SECONDS
                if time.monotonic() > deadline:
                    raise Refusal(f"{left and left.items[0].key} was never acknowledged")
            # The pause of a producer between two tries.
            time.sleep(0.05)
        if left is not None and left.remainder() == left and self.random.random() < 0.05:
            self._attempt(left, (self.current + 1) % len(self.gateways), repeated=True)

    def _race(self, post: Post) -> None:
        """Sends one request to all gateways at the same moment."""
        others = [Writer(self.number, 0, self.ledger, self.gateways, [], ()) for _ in self.gateways]
        threads = [threading.Thread(target=other._attempt, args=(post, index)) for index, other in enumerate(others)]
        for thread in threads:
            thread.start()
        for thread, other in zip(threads, others, strict=True):
            thread.join()
            self.errors += other.errors
            for connection in other.connections.values():
                connection.close()

    def _attempt(self, post: Post, gateway: int, repeated: bool = False) -> bool:
        """Whether it was acknowledged; nobody knows what became of it if not."""
        began = time.monotonic()
        self.ledger.add(*(self._record("attempted", post, item, began) for item in post.items))
        try:
            status, answer = self._exchange(post, gateway)
        except (OSError, http.client.HTTPException):
            self.connections.pop(gateway, http.client.HTTPConnection("")).close()
            return False
        if status == 503:
            return False
        results = [answer] if post.form == "single" else answer.get("results", [])
        if status not in (200, 201) or len(results) != len(post.items):
            self.errors.append(f"{post.items[0].key}: {status} {str(answer)[:500]}")
            return True
        now = time.monotonic()
        records = []
        for item, result in zip(post.items, results, strict=True):
            if result.get("status", "accepted") == "rejected" or (repeated and not _is_duplicate(result)):
                self.errors.append(f"{item.key}: {result}, repeated: {repeated}")
                continue
            records.append(self._record("acknowledged", post, item, now) | {"id": result["id"]})
        self.ledger.add(*records)
        self.acknowledged[gateway] += len(records)
        return True

    def _exchange(self, post: Post, gateway: int) -> tuple[int, Any]:
        connection = self.connections.get(gateway)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.gateways[gateway].port, timeout=20)
            self.connections[gateway] = connection
        connection.request("POST", "/api/v1/events", post.body(), post.headers())
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    @staticmethod
    def _record(kind: str, post: Post, item: Item, at: float) -> Record:
        return {"record": kind, "organization": post.organization.id, "key": item.key, "at": at}


def _is_duplicate(result: dict[str, Any]) -> bool:
    return bool(result.get("duplicate")) or result.get("status") == "duplicate"


class Follower:
    """Reads parts of the log in order all along, by a driver that is none of ours, and writes down what it sees.

    It never looks back: a position that appears behind one that it has read stays unseen, and the checker says so.
    """

    def __init__(self, database: Database, parts: set[int], ledger: Ledger) -> None:
        self.database = database
        self.ledger = ledger
        self.positions = dict.fromkeys(sorted(parts), 0)
        self.reads = 0
        self.reconnections = 0
        self.stopping = threading.Event()
        self.errors: list[str] = []
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                with self.database.connect() as connection:
                    while not self.stopping.is_set():
                        if not sum(self._read(connection, part) for part in self.positions):
                            # Polling is what a follower does when nothing has happened.
                            time.sleep(0.01)
            except psycopg.OperationalError:
                self.reconnections += 1
                time.sleep(0.1)
            except Exception as error:  # the test shows what ended the follower
                self.errors.append(repr(error))
                return

    def _read(self, connection: psycopg.Connection[Any], part: int) -> int:
        rows = connection.execute(
            "SELECT position, id FROM events WHERE part = %s AND position > %s ORDER BY position LIMIT 500",
            (part, self.positions[part]),
        ).fetchall()
        self.ledger.add(*({"record": "seen", "part": part, "position": row[0], "id": str(row[1])} for row in rows))
        if rows:
            self.reads += 1
            self.positions[part] = rows[-1][0]
        return len(rows)


def take_inventory(database: Database, parts: set[int], ledger: Ledger) -> dict[int, int]:
    """Writes down what is stored in the end; returns the heads of the parts."""
    rows = database.query(
        "SELECT organization_id, id, part, position, data->>'key' FROM events WHERE part = ANY (%s)", sorted(parts)
    )
    for organization, identifier, part, position, key in rows:
        place = {"part": part, "position": position}
        ledger.add({"record": "stored", "organization": str(organization), "key": key, "id": str(identifier)} | place)
    heads = dict(database.query("SELECT part, head FROM log_parts WHERE part = ANY (%s)", sorted(parts)))
    ledger.add(*({"record": "head", "part": part, "position": head} for part, head in heads.items()))
    return heads
