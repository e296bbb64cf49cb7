"""What a process and everything it started has used: CPU time and memory, as the kernel counts them."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
# Places in /proc/PID/stat after the name in parentheses: the parent, and user and system time, own and of the reaped.
PARENT, TIMES = 1, slice(11, 15)


def cpu_seconds(roots: list[int]) -> list[float]:
    """User and system time of each process with its living descendants and those that have ended.

    PostgreSQL's backends are children of the postmaster; when one ends, its time moves there. A reading in which that
    happens counts it twice or not at all, so the families must have been the same before and after.
    """
    readings = [_families(roots)]
    for _ in range(200):
        time.sleep(0.005)
        readings = [*readings, _families(roots)][-3:]
        if len(readings) == 3 and all([*map(set, reading)] == [*map(set, readings[0])] for reading in readings):
            break
    return [sum(family.values()) / TICKS for family in readings[-2]]


def _families(roots: list[int]) -> list[dict[int, int]]:
    """Of each root, the ticks of its family by process id."""
    parents, ticks = {}, {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # ended meanwhile
        pid = int(folder.name)
        parents[pid] = int(fields[PARENT])
        ticks[pid] = sum(map(int, fields[TIMES]))
    families = []
    for root in roots:
        family, found = set(), {root}
        while found:
            family |= found
            found = {pid for pid, parent in parents.items() if parent in found}
        families.append({pid: ticks[pid] for pid in family if pid in ticks})
    return families


@dataclass(frozen=True)
class Memory:
    """Megabytes in memory now, and the most so far."""

    now: float
    peak: float

    @classmethod
    def of(cls, pid: int) -> "Memory":
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return cls(*(int(fields[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM")))


class Meter:
    """CPU seconds that each of some processes used inside a `with`: `meter.used["server"]`."""

    def __init__(self, processes: dict[str, int]) -> None:
        self.processes = processes
        self.used: dict[str, float] = {}

    def __enter__(self) -> "Meter":
        self.before = cpu_seconds(list(self.processes.values()))
        return self

    def __exit__(self, *_: object) -> None:
        after = cpu_seconds(list(self.processes.values()))
        self.used = {name: after[index] - self.before[index] for index, name in enumerate(self.processes)}
