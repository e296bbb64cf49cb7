"""The native programs that write and read a ring, and what they printed as a sample."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.rounds import Sample

ROOT = Path(__file__).resolve().parent.parent.parent.parent
SOURCES = [ROOT / "Sources/C/CFrameLayout/CFrameLayout.c", ROOT / "Sources/C/ColliderRing/ColliderRing.c"]


@dataclass(frozen=True)
class Programs:
    # Benchmarks/native/ring.c
    native: Path
    # Benchmarks/native/ring-load
    load: Path
    # A folder in /dev/shm.
    memory: Path
    capacity: int

    def ring(self, layout: str) -> Path:
        return self.memory / layout

    def write(self, layout: str, frames: int) -> Sample:
        """The Swift writer, as fast as it goes."""
        with self.writer(layout, frames) as process:
            return sample(process.communicate("\n")[0])

    @contextmanager
    def writer(self, layout: str, frames: int) -> Iterator[subprocess.Popen[str]]:
        """One that has opened the ring, and begins when a line is sent to it."""
        command = [self.load, "write", self.ring(layout), str(self.capacity), layout, str(frames)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout and process.stdout.readline() == "ready\n"
            yield process
        assert process.returncode == 0, process.returncode

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """The C program, in the background."""
        command = [self.native, *map(str, arguments)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def run(self, *arguments: object) -> str:
        """What the C program printed."""
        command = [self.native, *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def sample(printed: str) -> Sample:
    done: dict[str, Any] = json.loads(printed)
    return Sample(events=done["frames"], seconds=done["seconds"], cpu={"load": done["cpu_seconds"]})
