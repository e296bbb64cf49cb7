"""What triggers with state mean, in the plainest Python: one event after the other, in the order of the log."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class LogEvent:
    position: int
    id: str
    type: str
    received_at: datetime
    data: dict[str, Any]


@dataclass
class Average:
    """EMA of `data.value` by `data.key`: alpha is 2 / (n + 1), begun at the first value."""

    events: int
    values: dict[Any, float] = field(default_factory=dict)

    def see(self, event: LogEvent) -> float:
        alpha = 2 / (self.events + 1)
        key, value = event.data["key"], event.data["value"]
        self.values[key] = alpha * value + (1 - alpha) * self.values[key] if key in self.values else value
        return self.values[key]


@dataclass
class Rate:
    """Events of `data.key` within a sliding window, begun anew when it fires, with a cooldown by `data.key`."""

    window: timedelta
    limit: int
    cooldown: timedelta
    times: dict[Any, deque[datetime]] = field(default_factory=lambda: defaultdict(deque))
    clocks: dict[Any, datetime] = field(default_factory=dict)
    fired: dict[Any, datetime] = field(default_factory=dict)

    def see(self, event: LogEvent) -> bool:
        key = event.data["key"]
        now = self.clocks[key] = max(event.received_at, self.clocks.get(key, event.received_at))
        times = self.times[key]
        times.append(now)
        while times[0] <= now - self.window:
            times.popleft()
        if len(times) < self.limit:
            return False
        if key in self.fired and now < self.fired[key] + self.cooldown:
            return False
        self.fired[key] = now
        times.clear()
        return True


@dataclass
class Silence:
    """`Begun` of an order that is not followed by `Done` within some time; each order is begun once."""

    within: timedelta
    waiting: dict[Any, tuple[str, datetime]] = field(default_factory=dict)
    fired: set[str] = field(default_factory=set)

    def see(self, event: LogEvent) -> None:
        order = event.data["order"]
        if event.type == "Begun":
            self.waiting[order] = (event.id, event.received_at + self.within)
        elif order in self.waiting and event.received_at < self.waiting[order][1]:
            del self.waiting[order]

    def finish(self) -> set[str]:
        return {event for event, _ in self.waiting.values()}


def log_of(database: Any, part: int) -> list[LogEvent]:
    rows = database.query(
        "SELECT position, id::text, type, received_at, data FROM events WHERE part = %s ORDER BY position", part
    )
    return [LogEvent(*row) for row in rows]


def is_close(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-9 * max(1.0, abs(one), abs(other))
