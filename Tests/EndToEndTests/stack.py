"""A whole Collider in a private folder: its own PostgreSQL, Redis, four services and ring, all on free ports."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from described import Interface

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("api-gateway", "event-processor", "action-workers", "collider-writer")
# The folder of the programs under test; the benchmarks point it at the release build.
PROGRAMS = Path(os.environ.get("COLLIDER_PROGRAMS", ROOT / ".build" / "debug"))


T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until(what: str, seconds: float, probe: Callable[[], T]) -> T:
    """Polls until the probe gives something true; the limit only bounds a failing test."""
    deadline = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        assert time.monotonic() < deadline, f"no {what} within {seconds:.0f} s"
        # What is waited for happens in another process, which gives no signal.
        time.sleep(0.05)


def scratch() -> str | None:
    """Where the data lies: in memory where there is room for it, because no test has the machine fail, and to wait for
    its disk takes as long as many a test."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= 4 << 30
    return str(memory) if has_room and "TMPDIR" not in os.environ else None


class Stack:
    def __init__(self, telegram_url: str = "http://127.0.0.1:9", ring_capacity: int = 8192) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="collider-e2e-", dir=scratch()))
        # PostgreSQL runs as an account of its own when the tests run as root.
        self.folder.chmod(0o711)
        self.home = self.folder / "home"
        self.ring = Path(f"/dev/shm/{self.folder.name}.ring")
        self.port = free_port()
        self.environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL")}
        self.environment |= {
            "COLLIDER_HOME": str(self.home),
            "SERVER_PORT": str(self.port),
            # Whoever stops a stack of a test's own has no balancer to wait for.
            "SERVER_DRAIN_SECONDS": "0",
            "PROCESSOR_METRICS_PORT": str(free_port()),
            "WORKERS_METRICS_PORT": str(free_port()),
            "WRITER_METRICS_PORT": str(free_port()),
            "RING_PATH": str(self.ring),
            "RING_CAPACITY": str(ring_capacity),
            "OUTBOUND_ALLOW": "127.0.0.0/8",
            "TELEGRAM_API_BASE": telegram_url,
            "LOG_LEVEL": "info",
        }
        self.interface: Interface | None = None
        self.api_key = ""
        self.base_url = f"http://127.0.0.1:{self.port}"

    def collider(
        self, *arguments: str, check: bool = True, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [PROGRAMS / "collider", *arguments],
            env=self.environment,
            input=stdin or "",
            text=True,
            capture_output=True,
            cwd=self.folder,
            timeout=180,
        )
        assert not check or done.returncode == 0, (
            f"collider {' '.join(arguments)}: {done.stdout}{done.stderr}{self.logs()}"
        )
        return done

    def up(self) -> str:
        printed = self.collider("up").stdout
        credentials = json.loads((self.home / "credentials.json").read_text())
        self.api_key, self.base_url = credentials["api_key"], credentials["base_url"]
        return printed

    def down(self) -> str:
        return self.collider("down").stdout

    def remove(self) -> None:
        self.collider("down", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
        for leftover in self.ring.parent.glob(self.ring.name + "*"):
            leftover.unlink()

    def pid(self, process: str) -> int:
        return int((self.home / "run" / f"{process}.pid").read_text().split()[0])

    def logs(self) -> str:
        tails = []
        for log in sorted((self.home / "logs").glob("*.log")):
            tails.append(f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-15:]))
        return "\n".join(["", *tails])

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any, dict[str, str]]:
        """The status, the decoded JSON (or raw bytes) and the headers of an answer; raises when nobody answers."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(self.base_url + path, data=data, method=method)
        if key != "":
            request.add_header("Authorization", f"Bearer {key or self.api_key}")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                given = answer.status, self._decode(answer.read()), dict(answer.headers)
        except urllib.error.HTTPError as error:
            given = error.code, self._decode(error.read()), dict(error.headers)
        self._check(method, path, *given)
        return given

    def _check(self, method: str, path: str, status: int, body: Any, headers: dict[str, str]) -> None:
        """Holds an answer against the gateway's own description of it."""
        if self.interface is None:
            with urllib.request.urlopen(f"{self.base_url}/openapi.json", timeout=30) as answer:
                self.interface = Interface(json.load(answer))
        names = {name.lower(): value for name, value in headers.items()}
        self.interface.check(method, path, status, names.get("content-type", ""), body)

    def get(self, path: str) -> Any:
        status, body, _ = self.request("GET", path)
        assert status == 200, (status, body)
        return body

    def pages(self, path: str) -> Iterator[Any]:
        cursor = ""
        while True:
            separator = "&" if "?" in path else "?"
            page = self.get(f"{path}{separator}limit=1000{cursor}")
            yield from page["data"]
            if page["next_cursor"] is None:
                return
            cursor = f"&cursor={page['next_cursor']}"

    @staticmethod
    def _decode(body: bytes) -> Any:
        try:
            return json.loads(body)
        except ValueError:
            return body
