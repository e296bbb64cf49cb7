"""Triggers and events made by chance, the same in every run: the usual mix, and mixes meant to be hard."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The bytes of an event's data.
EVENT_BYTES = 527
EVENTS = 10_000

Condition = dict[str, Any]


def leaf(field: str, operator: str, value: object) -> Condition:
    return {"field": field, "operator": operator, "value": value}


@dataclass(frozen=True)
class World:
    """How many different values there are: with more of them, fewer triggers match an event."""

    types: int = 200
    regions: int = 50
    agents: int = 1_000
    paths: int = 50
    currencies: int = 10

    def type(self, chance: random.Random) -> str:
        return f"shop.order{chance.randrange(self.types)}.changed"

    def region(self, chance: random.Random) -> str:
        return f"region-{chance.randrange(self.regions)}"

    def agent(self, chance: random.Random) -> str:
        return f"agent-{chance.randrange(self.agents):05d}"

    def prefix(self, chance: random.Random) -> str:
        return f"/v1/part{chance.randrange(self.paths):03d}/"

    def currency(self, chance: random.Random) -> str:
        return f"C{chance.randrange(self.currencies):02d}"

    def event(self, chance: random.Random) -> dict[str, Any]:
        data: dict[str, Any] = {
            "id": chance.randrange(10**9),
            "created": "2026-03-01T09:30:00.250Z",
            "region": self.region(chance),
            "customer": {"name": "Ada Lovelace", "tier": "gold", "since": 2019, "tags": ["new", "b2b"]},
            "agent": self.agent(chance),
            "amount": round(chance.uniform(0, 10_000), 2),
            "currency": self.currency(chance),
            "path": self.prefix(chance) + f"items/{chance.randrange(10**6)}",
            "items": [{"sku": f"sku-{chance.randrange(1000)}", "count": 2, "price": 19.99} for _ in range(2)],
            "flags": {"express": True, "gift": False, "coupon": None},
            "note": "",
        }
        missing = EVENT_BYTES - len(json.dumps(data, separators=(",", ":")))
        assert missing >= 0, missing
        data["note"] = ("lorem ipsum dolor sit amet " * 20)[:missing]
        return {"type": self.type(chance), "data": data}


Trigger = dict[str, Any]


def usual(world: World, chance: random.Random) -> Trigger:
    """40 % type and region, 20 % type and agent, 30 % type, region and number, 10 % type, prefix and currency."""
    kind = chance.random()
    if kind < 0.4:
        parts = [leaf("region", "eq", world.region(chance))]
    elif kind < 0.6:
        parts = [leaf("agent", "eq", world.agent(chance))]
    elif kind < 0.9:
        number = leaf("amount", "gt", round(chance.uniform(2_000, 10_000), 2))
        parts = [leaf("region", "eq", world.region(chance)), number]
    else:
        prefix = leaf("path", "starts_with", world.prefix(chance))
        parts = [prefix, leaf("currency", "eq", world.currency(chance))]
    return {"event_types": [world.type(chance)], "condition": {"all": parts}}


def ranges(world: World, chance: random.Random) -> Trigger:
    """Half of them narrow, half open to one side, which an event in two of four matches."""
    low = round(chance.uniform(0, 10_000), 2)
    kind = chance.randrange(4)
    operator, value = [("between", [low, low + 50]), ("between", [low, low + 5]), ("gt", low), ("lte", low)][kind]
    return {"event_types": [], "condition": leaf("amount", operator, value)}


def prefixes(world: World, chance: random.Random) -> Trigger:
    path = world.prefix(chance) + f"items/{chance.randrange(10**6)}"
    return {"event_types": [], "condition": leaf("path", "starts_with", path[: chance.randrange(10, len(path) + 1)])}


def negations(world: World, chance: random.Random) -> Trigger:
    """Nearly all of them match nearly every event."""
    return {"event_types": [], "condition": {"not": leaf("agent", "eq", world.agent(chance))}}


def expressions(world: World, chance: random.Random) -> Trigger:
    pattern = f"part{chance.randrange(world.paths):03d}/items/[0-9]*{chance.randrange(1000):03d}$"
    return {"event_types": [], "condition": leaf("path", "matches", pattern)}


def wildcards(world: World, chance: random.Random) -> Trigger:
    number = f"{chance.randrange(world.types)}"
    pattern = chance.choice([f"*.order{number}.*", f"shop.order{number}*", f"*{number}.changed", f"s*p.*{number}*d"])
    return {"event_types": [pattern], "condition": leaf("region", "eq", world.region(chance))}


MIXES: dict[str, Callable[[World, random.Random], Trigger]] = {
    "usual": usual,
    "ranges": ranges,
    "prefixes": prefixes,
    "negations": negations,
    "expressions": expressions,
    "wildcards": wildcards,
}


def write(folder: Path, name: str, count: int, world: World, seed: int = 1) -> Path:
    """A file of triggers, a line each."""
    chance = random.Random(seed)
    path = folder / f"{name}-{count}-{world.types}.ndjson"
    lines = (json.dumps(MIXES[name](world, chance)) for _ in range(count))
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def write_events(folder: Path, world: World, seed: int = 2) -> Path:
    chance = random.Random(seed)
    path = folder / f"events-{world.types}.ndjson"
    lines = (json.dumps(world.event(chance), separators=(",", ":")) for _ in range(EVENTS))
    path.write_text("".join(f"{line}\n" for line in lines))
    return path
