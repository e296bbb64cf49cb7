"""What a process and everything it started has used: CPU time and memory, as the kernel counts them."""

import os
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
# Places in /proc/PID/stat after the name in parentheses.
PARENT, OWN_TIMES, TIMES_OF_REAPED = 1, (11, 12), (13, 14)


def cpu_seconds(root: int) -> float:
    """User and system time of a process, of its living descendants, and of those that have ended.

    PostgreSQL's backends are children of the postmaster; those that ended count in its own figures.
    """
    stats = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stats[int(folder.name)] = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # ended meanwhile
    family, found = set(), {root}
    while found:
        family |= found
        found = {pid for pid, stat in stats.items() if int(stat[PARENT]) in found}
    ticks = sum(int(stats[pid][place]) for pid in family if pid in stats for place in OWN_TIMES + TIMES_OF_REAPED)
    return ticks / TICKS


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
        self.before = {name: cpu_seconds(pid) for name, pid in self.processes.items()}
        return self

    def __exit__(self, *_: object) -> None:
        self.used = {name: cpu_seconds(pid) - self.before[name] for name, pid in self.processes.items()}
