"""The API of one api-gateway, with nothing but the standard library."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from .identity import Account, Keys, Organizations
from .resources import Backtests, Breakers, Deliveries, Events, Firings, Replays, Schemas, Sources, Triggers
from .transport import ColliderError, Transport, encoded, is_list, moment
from .types import Health, UsageDay

__all__ = ["BatchResult", "Client", "ColliderError", "StoredEvent", "event_id_of"]

_BATCH_ITEMS = 1_000
_BATCH_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """What became of one event."""

    id: str
    type: str
    received_at: str
    duplicate: bool
    """Whether an event with this source and id was there already."""


@dataclass(slots=True)
class BatchResult:
    """What became of many events."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    results: list[dict[str, Any]] = field(default_factory=list)
    """One entry for each event, in order: `index`, `status`, and `id` or `error`."""


class Client:
    """One api-gateway.

    `send` and `send_many` store events. Every event gets an id when it has none, so that trying again after a broken
    connection never stores it twice. All else that the API has is in `events`, `triggers`, `firings`, `backtests`,
    `deliveries`, `replays`, `breakers`, `sources`, `schemas`, `account`, `organizations` and `keys`.

    An answer of 429, 502, 503 or 504 and a failed connection are tried again with growing pauses, unless the request
    must not be done twice.
    """

    def __init__(self, base_url: str, api_key: str, *, timeout: float = 10.0, retries: int = 5) -> None:
        """`base_url` is scheme, host and port, such as `http://127.0.0.1:8080`; `timeout` is seconds for each try."""
        transport = Transport(base_url, api_key, timeout, retries)
        self._transport = transport
        self.events = Events(transport)
        self.triggers = Triggers(transport)
        self.firings = Firings(transport)
        self.backtests = Backtests(transport)
        self.deliveries = Deliveries(transport)
        self.replays = Replays(transport)
        self.breakers = Breakers(transport)
        self.sources = Sources(transport)
        self.schemas = Schemas(transport)
        self.account = Account(transport)
        self.organizations = Organizations(transport)
        self.keys = Keys(transport)

    @property
    def base_url(self) -> str:
        return self._transport.base_url

    def usage(self) -> Iterator[UsageDay]:
        """What was used of the language model, day by day, the newest first."""
        return self._transport.pages("/api/v1/usage", {}, 100)

    def budget(self) -> dict[str, int | None]:
        """What may be used of it in a day: `tokens_per_day` and `seconds_per_day`, None for no bound."""
        return cast(dict[str, int | None], self._transport.call("GET", "/api/v1/usage", query={"limit": 1})["budget"])

    def health(self) -> Health:
        """Raises ColliderError of status 503 when something is not well."""
        return cast(Health, self._transport.call("GET", "/api/v1/health", once=True))

    def openapi(self) -> dict[str, Any]:
        """The API's description."""
        return self._transport.call("GET", "/openapi.json")

    def send(
        self,
        type: str,
        data: Mapping[str, Any],
        *,
        source: str | None = None,
        subject: str | None = None,
        id: str | None = None,
        time: datetime | str | None = None,
        cause: object = None,
    ) -> StoredEvent:
        """Stores one event and returns once it is durable. Raises ColliderError.

        `cause` is the stored event that this one follows from: its id, or a frame of it. Without a subject the event
        has that of its cause.
        """
        event = {"type": type, "data": data, "source": source, "subject": subject, "id": id, "time": time}
        if cause is not None:
            event["cause"] = event_id_of(cause)
        answer = self._post(_encode(event))
        return StoredEvent(
            id=str(answer.get("id", "")),
            type=str(answer.get("type", type)),
            received_at=str(answer.get("received_at", "")),
            duplicate=bool(answer.get("duplicate", False)),
        )

    def score(
        self,
        frame: object,
        name: str,
        value: float,
        *,
        type: str = "Score",
        subject: str | None = None,
        data: Mapping[str, Any] | None = None,
        id: str | None = None,
    ) -> StoredEvent:
        """Stores what a model makes of an event, as an event that follows from it; triggers can fire on that.

        `frame` is a Frame, an element of a batch, or the id of the event. The new event has the frame's event as its
        cause and, unless one is given, the same subject; its data is `{"name", "value"}` and what `data` adds. Raises
        ColliderError, also when the event is gone or is itself the end of a long chain of scores of scores.
        """
        return self.send(type, _score(name, value, data), subject=subject, id=id, cause=event_id_of(frame))

    def score_many(self, scores: Iterable[tuple[object, str, float]], *, type: str = "Score") -> BatchResult:
        """Stores many scores, each `(frame, name, value)`, in requests of a thousand at most; see `score`."""
        return self.send_many(
            {"type": type, "data": _score(name, value), "cause": event_id_of(frame)} for frame, name, value in scores
        )

    def send_many(self, events: Iterable[Mapping[str, Any]]) -> BatchResult:
        """Stores many events, each a mapping with the members of `send`, in requests of a thousand at most.

        A `cause` is given as the id of an event. Good events are stored although others are rejected; look at
        `rejected`. Raises ColliderError when a request fails as a whole; the requests before it have been stored, and
        sending all again with ids of your own is safe.
        """
        total = BatchResult()
        for body, count in _batches(events):
            answer = self._post(body)
            offset = len(total.results)
            results = answer.get("results", [])
            if not is_list(results) or len(results) != count:
                raise ColliderError("Unexpected answer", f"{count} events were sent, and not as many results came back")
            total.accepted += int(answer.get("accepted", 0))
            total.duplicates += int(answer.get("duplicates", 0))
            total.rejected += int(answer.get("rejected", 0))
            total.results += [{**result, "index": offset + place} for place, result in enumerate(results)]
        return total

    def _post(self, body: bytes) -> dict[str, Any]:
        return self._transport.call("POST", "/api/v1/events", body)

    def __repr__(self) -> str:
        return f"Client({self.base_url!r})"


def event_id_of(event: object) -> str:
    """The id of an event, which may be given as text, as a UUID, as a Frame, or as an element of a batch."""
    if isinstance(event, str | uuid.UUID):
        return str(uuid.UUID(str(event)))
    found = getattr(event, "event_id", None)
    if found is None:
        try:
            found = uuid.UUID(bytes=bytes(event["event_id"]))  # type: ignore[index]
        except (TypeError, ValueError, IndexError, KeyError):
            raise TypeError(f"no event and no frame: {event!r}") from None
    return str(uuid.UUID(str(found)))


def _score(name: str, value: float, data: Mapping[str, Any] | None = None) -> dict[str, Any]:
    # Through float, because json knows no numbers of NumPy or PyTorch.
    return {**(data or {}), "name": name, "value": float(value)}


def _encode(event: Mapping[str, Any]) -> bytes:
    members = {name: value for name, value in event.items() if value is not None}
    members.setdefault("id", str(uuid.uuid4()))
    if "time" in members:
        members["time"] = moment(members["time"])
    return encoded(members)


def _batches(events: Iterable[Mapping[str, Any]]) -> Iterator[tuple[bytes, int]]:
    items: list[bytes] = []
    size = 0
    for event in events:
        item = _encode(event)
        if items and (len(items) == _BATCH_ITEMS or size + len(item) > _BATCH_BYTES):
            yield b"[" + b",".join(items) + b"]", len(items)
            items, size = [], 0
        items.append(item)
        size += len(item) + 1
    if items:
        yield b"[" + b",".join(items) + b"]", len(items)
