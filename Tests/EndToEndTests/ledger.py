"""A ledger of events, and the checker that holds what was stored against it.

Writers, the database and a follower each add lines of JSON to a ledger:

    {"record": "attempted", "organization": o, "key": k, "at": s}           before a request leaves
    {"record": "acknowledged", "organization": o, "key": k, "id": i, "at": s}  after its answer has come
    {"record": "stored", "organization": o, "key": k, "id": i, "part": p, "position": n}
    {"record": "head", "part": p, "position": n}                            of the log, at the end
    {"record": "seen", "part": p, "position": n, "id": i}                   by a follower, in the order of its reading

A key is a writer's own name for one event; it stands in the event's data. `at` is one monotonic clock for all writers.
By hand: `python Tests/EndToEndTests/ledger.py FILE …` prints the verdict and exits 1 when something is wrong.
"""

import json
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class Ledger:
    """Appends records to a file, from any thread; a line is whole or absent."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", buffering=1)
        self._lock = threading.Lock()

    def add(self, *records: Record) -> None:
        text = "".join(json.dumps(record) + "\n" for record in records)
        with self._lock:
            self._file.write(text)
            self._file.flush()

    def close(self) -> None:
        self._file.close()


def read(*paths: Path) -> Iterable[Record]:
    for path in paths:
        with path.open() as lines:
            yield from map(json.loads, lines)


@dataclass
class Verdict:
    """What is wrong, each with a sentence; all empty when nothing is."""

    # Acknowledged under an id under which it is not stored.
    lost: list[str] = field(default_factory=list)
    # Stored, but never attempted by anybody, or for another organization.
    unexpected: list[str] = field(default_factory=list)
    # One attempt stored twice, or one id given twice.
    repeated: list[str] = field(default_factory=list)
    # Positions of a part that are missing, given twice, or beyond its head.
    gaps: list[str] = field(default_factory=list)
    # Attempted after another one of the part was acknowledged, and yet stored before it.
    disordered: list[str] = field(default_factory=list)
    # Stored, and never seen by the follower; or seen twice, out of order, or without being stored.
    missed: list[str] = field(default_factory=list)
    attempted: int = 0
    acknowledged: int = 0
    stored: int = 0

    @property
    def is_clean(self) -> bool:
        return not any(getattr(self, name) for name in self._kinds())

    def __str__(self) -> str:
        counts = f"{self.attempted} attempted, {self.acknowledged} acknowledged, {self.stored} stored"
        kinds = ", ".join(f"{len(getattr(self, name))} {name}" for name in self._kinds())
        samples = [f"{name}: {text}" for name in self._kinds() for text in getattr(self, name)[:5]]
        return "\n  ".join([f"{counts}; {kinds}", *samples])

    @classmethod
    def _kinds(cls) -> list[str]:
        return [item.name for item in fields(cls) if item.type == list[str]]


def check(records: Iterable[Record]) -> Verdict:
    """Reads ledgers of all kinds in any order; only the `seen` of a part must stand in the order of reading."""
    by_kind: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_kind[record["record"]].append(record)
    attempts: dict[tuple[str, str], float] = {}
    for record in by_kind["attempted"]:
        name = _name(record)
        attempts[name] = min(record["at"], attempts.get(name, record["at"]))

    verdict = Verdict(
        attempted=len(attempts),
        acknowledged=len({_name(record) for record in by_kind["acknowledged"]}),
        stored=len(by_kind["stored"]),
    )
    _check_storage(verdict, attempts, by_kind["acknowledged"], by_kind["stored"])
    _check_positions(verdict, by_kind["stored"], by_kind["head"])
    _check_order(verdict, attempts, by_kind["acknowledged"], by_kind["stored"])
    _check_follower(verdict, by_kind["stored"], by_kind["seen"])
    return verdict


def _name(record: Record) -> tuple[str, str]:
    return record["organization"], record["key"]


def _check_storage(
    verdict: Verdict, attempts: dict[tuple[str, str], float], acknowledged: list[Record], stored: list[Record]
) -> None:
    rows: dict[tuple[str, str], list[str]] = defaultdict(list)
    ids: dict[str, tuple[str, str]] = {}
    for row in stored:
        name = _name(row)
        rows[name].append(row["id"])
        if row["id"] in ids:
            verdict.repeated.append(f"id {row['id']} is that of {name} and of {ids[row['id']]}")
        ids[row["id"]] = name
        if name not in attempts:
            verdict.unexpected.append(f"{name} is stored as {row['id']}, and nobody attempted it")
    for name, copies in rows.items():
        if len(copies) > 1:
            verdict.repeated.append(f"{name} is stored {len(copies)} times: {copies}")
    for record in acknowledged:
        if record["id"] not in rows.get(_name(record), []):
            verdict.lost.append(f"{_name(record)} was acknowledged as {record['id']}, which is not stored")


def _check_positions(verdict: Verdict, stored: list[Record], heads: list[Record]) -> None:
    positions: dict[int, list[int]] = defaultdict(list)
    for row in stored:
        positions[row["part"]].append(row["position"])
    known = {record["part"]: record["position"] for record in heads}
    for part, found in sorted(positions.items()):
        head = known.get(part, 0)
        present = set(found)
        verdict.gaps += [f"part {part} has no {number}" for number in range(1, head + 1) if number not in present]
        verdict.gaps += [f"part {part} has {number}, its head is {head}" for number in sorted(present) if number > head]
        if len(found) > len(present):
            verdict.gaps.append(f"part {part} gave {len(found) - len(present)} positions twice")
    verdict.gaps += [
        f"part {part} is empty, its head is {head}" for part, head in known.items() if head and part not in positions
    ]


def _check_order(
    verdict: Verdict, attempts: dict[tuple[str, str], float], acknowledged: list[Record], stored: list[Record]
) -> None:
    """Commit order by the writers' clock: what began after another had been acknowledged stands behind it."""
    first_answer: dict[str, float] = {}
    for record in acknowledged:
        first_answer[record["id"]] = min(record["at"], first_answer.get(record["id"], record["at"]))
    parts: dict[int, list[Record]] = defaultdict(list)
    for row in stored:
        parts[row["part"]].append(row)
    for part, rows in parts.items():
        earliest = float("inf")  # of the answers to events at later positions
        for row in sorted(rows, key=lambda row: row["position"], reverse=True):
            if attempts.get(_name(row), 0.0) > earliest:
                verdict.disordered.append(
                    f"{_name(row)} at {part}/{row['position']} began after a later one was answered"
                )
            earliest = min(earliest, first_answer.get(row["id"], float("inf")))


def _check_follower(verdict: Verdict, stored: list[Record], seen: list[Record]) -> None:
    rows = {(row["part"], row["position"]): row["id"] for row in stored}
    last: dict[int, int] = defaultdict(int)
    places: set[tuple[int, int]] = set()
    for record in seen:
        place = record["part"], record["position"]
        if place in places:
            verdict.missed.append(f"{place} was seen twice")
        elif place[1] != last[place[0]] + 1:
            verdict.missed.append(f"{place} was seen right after {last[place[0]]}")
        if rows.get(place) != record["id"]:
            verdict.missed.append(f"{place} was seen as {record['id']}, and is {rows.get(place, 'not there')}")
        places.add(place)
        last[place[0]] = place[1]
    verdict.missed += [f"{place} was never seen" for place in sorted(rows.keys() - places)]


if __name__ == "__main__":
    result = check(read(*map(Path, sys.argv[1:])))
    print(result)
    sys.exit(0 if result.is_clean else 1)
