"""Services of a test's own beside a stack, and its PostgreSQL as the owner sees it."""

import json
import os
import resource
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import psycopg
from stack import PROGRAMS, Stack, free_port, wait_until


class Database:
    """The stack's PostgreSQL, logged in to as its owner."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.secrets = json.loads((stack.home / "secrets.json").read_text())
        self.ports = json.loads((stack.home / "run" / "ports.json").read_text())

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.ports["postgres"],
            user="collider",
            password=self.secrets["database_password"],
            dbname="collider",
            autocommit=True,
            connect_timeout=5,
        )

    def query(self, statement: str, *values: object) -> list[Any]:
        with self.connect() as connection:
            return connection.execute(statement, values).fetchall()

    @contextmanager
    def holding(self, part: int) -> Iterator[None]:
        """Holds the head of a part, so that every append to it waits in the middle of its statement."""
        with self.connect() as connection, connection.transaction():
            connection.execute("SELECT FROM log_parts WHERE part = %s FOR UPDATE", (part,))
            yield

    def waiting_appends(self) -> list[int]:
        """The pids of backends that wait for a lock within `append_events`."""
        rows = self.query(
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%append_events(%%'"
        )
        return [row[0] for row in rows]


class Replica:
    """One more of a service, on a port of its own, with the environment that the supervisor gives to its services."""

    program: ClassVar[str]
    port_key: ClassVar[str]

    def __init__(self, database: Database, *, descriptors: int | None = None, **environment: str) -> None:
        stack, secrets = database.stack, database.secrets
        self.port = free_port()
        self.log = stack.home / "logs" / f"{self.program}-{self.port}.log"
        self.descriptors = descriptors
        self.environment = stack.environment | {
            self.port_key: str(self.port),
            "DB_HOST": "127.0.0.1",
            "DB_PORT": str(database.ports["postgres"]),
            "DB_NAME": "collider",
            "DB_USER": "collider_service",
            "DB_PASSWORD": secrets["database_password"],
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(database.ports["redis"]),
            "REDIS_PASSWORD": secrets["redis_password"],
            "JWT_SECRET": secrets["jwt_secret"],
            "COLLIDER_ENCRYPTION_KEY": secrets["encryption_key"],
            **environment,
        }
        self.process = self._start()
        self.starts = 1
        self._stopping = threading.Event()
        self._keeper: threading.Thread | None = None

    def _start(self) -> subprocess.Popen[bytes]:
        limit = self.descriptors

        def restrict() -> None:
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

        with self.log.open("ab") as log:
            return subprocess.Popen(
                [PROGRAMS / self.program],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.log.parent,
                preexec_fn=restrict,
            )

    def keep(self) -> None:
        """From now on starts it again, at once, whenever it ends."""
        self._keeper = threading.Thread(target=self._run, daemon=True)
        self._keeper.start()

    def _run(self) -> None:
        while True:
            self.process.wait()
            if self._stopping.is_set():
                return
            self.process = self._start()
            self.starts += 1

    def wait_until_ready(self) -> None:
        wait_until(f"{self.program} on {self.port}", 60, self._is_ready)

    def _is_ready(self) -> bool:
        assert self._keeper or self.process.poll() is None, self.log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def stop(self) -> None:
        self._stopping.set()
        process = self.process
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait()
        if self._keeper:
            self._keeper.join(timeout=10)
            if self.process.poll() is None:
                self.process.kill()

    def memory(self) -> int:
        """Resident bytes."""
        with open(f"/proc/{self.process.pid}/status") as status:
            line = next(line for line in status if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def descriptors_open(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


class Gateway(Replica):
    program = "api-gateway"
    port_key = "SERVER_PORT"


class Processor(Replica):
    program = "event-processor"
    port_key = "PROCESSOR_METRICS_PORT"


class Worker(Replica):
    program = "action-workers"
    port_key = "WORKERS_METRICS_PORT"


@contextmanager
def gateways(stack: Stack, count: int, **options: Any) -> Iterator[tuple[Database, list[Gateway]]]:
    """Lends a database and so many gateways that are ready; they are gone afterwards."""
    database = Database(stack)
    running: list[Gateway] = []
    try:
        running += [Gateway(database, **options) for _ in range(count)]
        for gateway in running:
            gateway.wait_until_ready()
        yield database, running
    finally:
        for gateway in running:
            gateway.stop()


class Organization:
    """An organization with a key of its own, and the part of the log that its events go to."""

    def __init__(self, stack: Stack, name: str, scopes: str = "events:write,events:read") -> None:
        self.name = name
        printed = stack.collider("keys", "create", "--organization", name, "--scopes", scopes, "--json").stdout
        made = json.loads(printed)
        self.id: str = made["organization_id"]
        self.key: str = made["api_key"]
        self.part = part_of(self.id)


def part_of(organization: str) -> int:
    """FNV-1a of 64 bits over the bytes of the id, modulo 64 parts."""
    value = 14_695_981_039_346_656_037
    for byte in bytes.fromhex(organization.replace("-", "")):
        value = (value ^ byte) * 1_099_511_628_211 % 2**64
    return value % 64


def organizations(stack: Stack, prefix: str, parts: int, **options: str) -> list[Organization]:
    """Organizations in so many different parts, and one more that shares a part where chance has it so."""
    made: list[Organization] = []
    while len({organization.part for organization in made}) < parts:
        made.append(Organization(stack, f"{prefix}-{len(made)}", **options))
    return made
