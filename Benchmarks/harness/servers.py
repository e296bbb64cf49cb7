"""A private PostgreSQL, a private Redis and Collider's processes, each started and stopped by itself.

The stack of `collider up` runs everything together and starts again what is stopped; a comparison needs to say what
runs. All lies in one temporary folder, on free loopback ports.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from stack import PROGRAMS, free_port, wait_until

# The settings of the stack's own PostgreSQL, but for more connections: pgbench is tried with up to 128.
POSTGRES_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_completion_target": "0.9",
}
SIGNING_SECRET = "of no use outside this measurement, but long enough"
ENCRYPTION_KEY = bytes(range(32)).hex()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class Child:
    """A process that this measurement started, and ends."""

    def __init__(
        self,
        name: str,
        command: list[str | Path],
        folder: Path,
        environment: dict[str, str] | None = None,
        identity: tuple[str, ...] = (),
        stop_signal: signal.Signals = signal.SIGTERM,
        input_pipe: bool = False,
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.stop_signal = stop_signal
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                # It ends with this program also when that is killed.
                ["setpriv", "--pdeathsig", stop_signal.name.removeprefix("SIG"), *identity, "--", *command],
                env=os.environ | (environment or {}),
                cwd=folder,
                stdin=subprocess.PIPE if input_pipe else subprocess.DEVNULL,
                stdout=subprocess.PIPE if input_pipe else log,
                stderr=log,
            )
        self.pid = self.process.pid
        # Where it answers HTTP, if it does.
        self.port = 0

    def wait_for(self, url: str) -> None:
        wait_until(f"{self.name} at {url} ({self.tail()})", 60, lambda: self.check_alive() and answers(url))

    def wait_until_open(self) -> None:
        """Waits for the line that our C programs print when all their connections stand."""
        line = self.process.stdout.readline() if self.process.stdout else b""
        assert line == b"open\n", f"{self.name}: {line.decode()}{self.tail()}"

    def check_alive(self) -> bool:
        assert self.process.poll() is None, f"{self.name} ended: {self.tail()}"
        return True

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()


class Servers:
    """PostgreSQL and Redis, databases that are migrated, and Collider's processes on them. Use it with `with`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="collider-bench-"))
        # PostgreSQL runs as an account of its own when this runs as root.
        self.folder.chmod(0o711)
        self.ring = Path(f"/dev/shm/{self.folder.name}")
        self.children: list[Child] = []
        self.api_key = ""
        self.organization_id = ""
        self.postgres_port, self.redis_port = free_port(), free_port()
        self.binaries = max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))

    def __enter__(self) -> "Servers":
        try:
            self._start_postgres()
            self._start_redis()
            self._prepare_database()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        while self.children:
            self.children.pop().stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        for leftover in self.ring.parent.glob(self.ring.name + "*"):
            leftover.unlink()

    # Processes

    def start(self, name: str, command: list[str | Path], **options: Any) -> Child:
        child = Child(name, command, self.folder, **options)
        self.children.append(child)
        return child

    def stop(self, child: Child) -> None:
        child.stop()
        self.children.remove(child)

    def service(self, name: str, database: str = "collider", **settings: str) -> Child:
        """One of Collider's services, ready; `port` is its HTTP port."""
        port = free_port()
        key = {
            "api-gateway": "SERVER_PORT",
            "event-processor": "PROCESSOR_METRICS_PORT",
            "action-workers": "WORKERS_METRICS_PORT",
            "collider-writer": "WRITER_METRICS_PORT",
        }[name]
        environment = self.environment(database, "collider_service") | {key: str(port)} | settings
        child = self.start(name, [PROGRAMS / name], environment=environment)
        child.wait_for(f"http://127.0.0.1:{port}/readyz")
        child.port = port
        return child

    def environment(self, database: str, user: str = "collider") -> dict[str, str]:
        return {
            "DATABASE_URL": self.url(database, user),
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}",
            "JWT_SECRET": SIGNING_SECRET,
            "COLLIDER_ENCRYPTION_KEY": ENCRYPTION_KEY,
            "COLLIDER_HOME": str(self.folder / "home"),
            "RING_PATH": str(self.ring),
            "OUTBOUND_ALLOW": "127.0.0.0/8",
            "DB_SERVICE_PASSWORD": "unused",
            "LOG_LEVEL": "warning",
        }

    # PostgreSQL

    def url(self, database: str, user: str = "collider") -> str:
        return f"postgres://{user}:unused@127.0.0.1:{self.postgres_port}/{database}"

    def sql(self, statement: str, database: str = "collider") -> str:
        psql = [self.binaries.parent / "psql", self.url(database), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        done = subprocess.run([*psql, "-c", statement], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def clone(self, database: str) -> None:
        """A database with the same schema; only before anything is connected to the first one."""
        self.sql(f"CREATE DATABASE {database} TEMPLATE collider", "postgres")

    def redis(self, *words: str) -> str:
        command = ["redis-cli", "-p", str(self.redis_port), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()

    def clear(self, database: str) -> None:
        """Equal conditions for what is measured next: no events, nothing left to be written out."""
        self.sql("TRUNCATE events", database)
        self.sql("CHECKPOINT", database)

    @property
    def postgres(self) -> int:
        """Process id of the postmaster."""
        return self.children[0].pid

    def _start_postgres(self) -> None:
        data = self.folder / "postgres"
        data.mkdir(mode=0o700)
        account: tuple[str, ...] = ()
        if os.geteuid() == 0:
            account = ("--reuid=postgres", "--regid=postgres", "--clear-groups")
            shutil.chown(data, "postgres", "postgres")
        # Reachable on the loopback interface only, for minutes, and holding nothing: no passwords.
        initdb = [self.binaries.parent / "initdb", "-D", data, "-U", "collider", "--auth=trust", "--encoding=UTF8"]
        command = ["setpriv", *account, "--", *initdb, "--locale=C.UTF-8"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        settings = [part for key, value in POSTGRES_SETTINGS.items() for part in ("-c", f"{key}={value}")]
        postgres = [self.binaries, "-D", data, "-p", str(self.postgres_port), *settings]
        self.start("postgres", postgres, identity=account, stop_signal=signal.SIGINT)
        ready = [self.binaries.parent / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.postgres_port)]
        wait_until(
            "PostgreSQL",
            60,
            lambda: self.children[0].check_alive() and subprocess.run(ready, check=False).returncode == 0,
        )
        assert self.sql("SHOW synchronous_commit", "postgres") == "on"
        assert self.sql("SHOW fsync", "postgres") == "on"

    def _start_redis(self) -> None:
        command = ["redis-server", "--port", str(self.redis_port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        self.start("redis", [*command, "--save", "", "--maxmemory-policy", "noeviction"])

    def _prepare_database(self) -> None:
        self.sql("CREATE DATABASE collider", "postgres")
        self._collider("migrate", "--service-login", "collider_service")
        made = self._collider("keys", "create", "--organization", "bench", "--scopes", "admin", "--json")
        key = json.loads(made)
        self.api_key, self.organization_id = key["api_key"], key["organization_id"]

    def _collider(self, *arguments: str) -> str:
        done = subprocess.run(
            [PROGRAMS / "collider", *arguments],
            env=os.environ | self.environment("collider"),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"collider {arguments[0]}: {done.stdout}{done.stderr}"
        return done.stdout


def request(
    port: int, method: str, path: str, key: str, body: bytes | None = None, media: str = "application/json"
) -> tuple[int, str, bytes]:
    """Status, media type and body of one answer; of a stream that does not end, an empty body."""
    ask = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body, method=method)
    ask.add_header("Authorization", f"Bearer {key}")
    if body is not None:
        ask.add_header("Content-Type", media)
    try:
        with urllib.request.urlopen(ask, timeout=30) as answer:
            kind = answer.headers.get_content_type()
            return answer.status, kind, b"" if kind == "text/event-stream" else answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get_content_type(), error.read()
