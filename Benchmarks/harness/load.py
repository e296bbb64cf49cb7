"""The load generators: two C programs, built when they are first needed, and PostgreSQL's pgbench."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from harness.accounting import Meter
from harness.rounds import Sample
from harness.servers import Child, Servers

NATIVE = Path(__file__).resolve().parent.parent / "native"
# The C programs, and what each is built with.
LIBRARIES = {"load": [], "listeners": ["-pthread"], "subscribers": ["-I/usr/include/postgresql", "-lpq"]}
CONNECTIONS = 64


@dataclass(frozen=True)
class Post:
    """One request that is sent again and again."""

    port: int
    path: str
    body: bytes
    events: int = 1
    media: str = "application/json"
    key: str = ""
    method: str = "POST"
    # What a right answer is: a status (any 2xx when None), and a text that its body holds.
    status: int | None = None
    expect: str | None = None


def build(name: str, folder: Path, libraries: list[str | Path] | None = None) -> Path:
    """Compiles one of the C programs; Swift's own clang will do."""
    compiler = shutil.which("cc") or shutil.which("clang")
    assert compiler, "there is no C compiler: neither cc nor clang"
    program = folder / name
    command = [compiler, "-O2", "-std=gnu11", "-Wall", "-o", program, NATIVE / f"{name}.c"]
    command += LIBRARIES[name] if libraries is None else libraries
    subprocess.run(command, check=True)
    return program


class WrongAnswer(Exception):
    """The server did not do what it was measured for."""


class Loads:
    """Runs load and returns what came of it; a wrong answer ends the measurement."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        for name in LIBRARIES:
            build(name, servers.folder)

    def post(
        self,
        post: Post,
        processes: dict[str, int],
        *,
        seconds: float | None = None,
        requests: int | None = None,
        rate: float | None = None,
        connections: int = CONNECTIONS,
        times: Path | None = None,
    ) -> Sample:
        """Posts for so many seconds, or so many times, as fast as answers come or at a fixed rate.

        - processes: names and ids of those whose CPU time is counted beside the load's.
        - times: requests are numbered where their body has ########, and when each was due and sent is written here.
        """
        limit = ["--seconds", str(seconds)] if seconds is not None else ["--requests", str(requests)]
        pace = ["--rate", f"{rate:.3f}"] if rate else []
        with self._request_file(post.body) as body, Meter(processes | self._postgres()) as meter:
            command = [
                self.servers.folder / "load",
                *self._address(post),
                *limit,
                *pace,
                *("--path", post.path, "--body", body, "--connections", str(connections)),
                *("--method", post.method),
                *(["--status", str(post.status)] if post.status else []),
                *(["--expect", post.expect] if post.expect else []),
                *(["--times", times] if times else []),
            ]
            done = json.loads(self._output(command, timeout=(seconds or 3600) + 60))
        problems = {key: done[key] for key in ("wrong_status", "wrong_body", "broken", "unintelligible") if done[key]}
        if problems or done["good"] != done["sent"]:
            first = f", first status {done['first_wrong_status']}" if done["first_wrong_status"] else ""
            raise WrongAnswer(f"{post.method} {post.path}: {done['good']} of {done['sent']} right, {problems}{first}")
        return Sample(
            events=done["good"] * post.events,
            seconds=done["seconds"],
            p50_ms=done["p50_us"] / 1000,
            p99_ms=done["p99_us"] / 1000,
            cpu=meter.used | {"load": done["cpu_seconds"]},
        )

    def fan_out(
        self, stream: Post, publish: Post, processes: dict[str, int], *, listeners: int, seconds: int, window: int
    ) -> Sample:
        """Publishes to many open streams as fast as all of them take it; events are counted where they arrive."""
        with self._request_file(publish.body) as body, Meter(processes) as meter:
            command = [
                # Its headers are of both requests; that of a stream has no body.
                *self._streams(replace(stream, media=publish.media), listeners),
                *("--publish-path", publish.path, "--publish-body", body, "--burst", str(publish.events)),
                *("--seconds", str(seconds), "--window", str(window)),
            ]
            done = json.loads(self._output(command, timeout=seconds + 60).removeprefix("open\n"))
        assert done["ended"] == 0, f"{done['ended']} streams were ended by the server"
        assert done["delivered"] == done["bursts"] * publish.events * listeners, done
        cpu = meter.used | {"load": done["cpu_seconds"]}
        return Sample(events=done["delivered"], seconds=done["seconds"], cpu=cpu)

    @contextmanager
    def open_streams(self, stream: Post, listeners: int) -> Iterator[None]:
        """Many streams that stay open meanwhile, and to which nothing is to be sent."""
        child = self.servers.start("listeners", self._streams(stream, listeners), input_pipe=True)
        assert child.process.stdin and child.process.stdout
        try:
            child.wait_until_open()
            yield
            child.process.stdin.close()
            done = json.loads(child.process.stdout.read())
            assert done["ended"] == 0, f"{done['ended']} of {listeners} streams were ended by the server"
            assert done["delivered"] == 0, f"{done['delivered']} events reached streams of another type"
        finally:
            self.servers.stop(child)

    def subscribers(self, database: str, channel: str, count: int) -> Child:
        """Sessions that LISTEN, until it is stopped."""
        command = [self.servers.folder / "subscribers", self.servers.url(database), channel, str(count)]
        child = self.servers.start("subscribers", command, input_pipe=True)
        child.wait_until_open()
        return child

    def pgbench(
        self, database: str, script: str, variables: dict[str, str], *, clients: int, threads: int, seconds: float
    ) -> Sample:
        """PostgreSQL's own load generator; an event is a transaction."""
        url = self.servers.url(database)
        with tempfile.NamedTemporaryFile("w", suffix=".sql", dir=self.servers.folder) as file:
            file.write(script)
            file.flush()
            command = [self.servers.binaries.parent / "pgbench", "-n", "-M", "prepared", "-f", file.name]
            command += [part for key, value in variables.items() for part in ("-D", f"{key}={value}")]
            size = ["-c", str(clients), "-j", str(threads), "-T", str(max(1, round(seconds)))]
            with Meter(self._postgres()) as meter:
                printed, cpu = self._output_and_cpu([*command, *size, url], timeout=seconds + 60)
        failed = re.search(r"number of failed transactions: (\d+)", printed)
        assert failed and failed[1] == "0", printed
        rate = float(re.search(r"tps = ([\d.]+)", printed)[1])  # type: ignore[index]
        count = int(re.search(r"transactions actually processed: (\d+)", printed)[1])  # type: ignore[index]
        return Sample(events=count, seconds=count / rate, cpu=meter.used | {"load": cpu})

    def _postgres(self) -> dict[str, int]:
        return {"postgres": self.servers.postgres}

    def _address(self, post: Post) -> list[str]:
        headers = ["--header", f"Content-Type: {post.media}"]
        if post.key:
            headers += ["--header", f"Authorization: Bearer {post.key}"]
        return ["--port", str(post.port), *headers]

    def _streams(self, stream: Post, listeners: int) -> list[str | Path]:
        program = self.servers.folder / "listeners"
        return [program, *self._address(stream), "--path", stream.path, "--count", str(listeners)]

    @contextmanager
    def _request_file(self, body: bytes) -> Iterator[str]:
        with tempfile.NamedTemporaryFile(dir=self.servers.folder) as file:
            file.write(body)
            file.flush()
            yield file.name

    def _output(self, command: list[str | Path], timeout: float) -> str:
        return self._output_and_cpu(command, timeout)[0]

    def _output_and_cpu(self, command: list[str | Path], timeout: float) -> tuple[str, float]:
        """What a program printed, and the CPU seconds that it took."""
        before = os.times()
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd=self.servers.folder)
        after = os.times()
        assert done.returncode == 0, f"{Path(command[0]).name}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        used = after.children_user + after.children_system - before.children_user - before.children_system
        return done.stdout, used
