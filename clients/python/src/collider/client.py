"""Sends events over HTTP, with nothing but the standard library."""

import json
import random
import time as clock
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPException
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

_BATCH_ITEMS = 1_000
_BATCH_BYTES = 8 << 20
_LONGEST_PAUSE = 30.0
_LONGEST_ANSWER = 32 << 20
_RETRIED = (429, 502, 503, 504)


class ColliderError(Exception):
    """An answer that is no success, or no answer at all.

    `title` and `detail` are the problem's (RFC 9457), `status` is the HTTP status, 0 when nobody answered, and
    `errors` lists what is wrong with which part of the request.
    """

    def __init__(self, title: str, detail: str = "", status: int = 0, errors: Iterable[Mapping[str, Any]] = ()) -> None:
        self.title = title
        self.detail = detail
        self.status = status
        self.errors = [dict(error) for error in errors]
        places = "; ".join(f"{error.get('pointer') or 'event'}: {error.get('detail', '')}" for error in self.errors)
        super().__init__(": ".join(part for part in (f"{status} {title}" if status else title, detail, places) if part))


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


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would carry the key to wherever it points."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Client:
    """Sends events to one api-gateway.

    Every event gets an id when it has none, so that trying again after a broken connection never stores it twice. An
    answer of 429, 502, 503 or 504 and a failed connection are tried again with growing pauses.
    """

    def __init__(self, base_url: str, api_key: str, *, timeout: float = 10.0, retries: int = 5) -> None:
        """`base_url` is scheme, host and port, such as `http://127.0.0.1:8080`; `timeout` is seconds for each try."""
        if urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).netloc:
            raise ValueError(f"base_url must look like http://host:port, not {base_url!r}")
        if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
            raise ValueError("the API key has characters that no key has")
        self.base_url = base_url.rstrip("/").removesuffix("/api/v1")
        self.timeout = timeout
        self.retries = retries
        self._api_key = api_key
        self._opener = build_opener(_NoRedirects)

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
            if not isinstance(results, list) or len(results) != count:
                raise ColliderError("Unexpected answer", f"{count} events were sent, and not as many results came back")
            total.accepted += int(answer.get("accepted", 0))
            total.duplicates += int(answer.get("duplicates", 0))
            total.rejected += int(answer.get("rejected", 0))
            total.results += [{**result, "index": offset + place} for place, result in enumerate(results)]
        return total

    def _post(self, body: bytes) -> dict[str, Any]:
        for attempt in range(self.retries + 1):
            request = Request(f"{self.base_url}/api/v1/events", data=body, method="POST")
            request.add_header("Content-Type", "application/json")
            request.add_header("Accept", "application/json, application/problem+json")
            request.add_unredirected_header("Authorization", f"Bearer {self._api_key}")
            retry_after = 0.0
            try:
                with self._opener.open(request, timeout=self.timeout) as answer:
                    return _object(answer)
            except HTTPError as error:
                with error:
                    if error.code not in _RETRIED or attempt == self.retries:
                        raise _problem(error) from None
                    retry_after = _seconds(error.headers.get("Retry-After"))
            except (OSError, HTTPException) as error:
                if attempt == self.retries:
                    reason = error.reason if isinstance(error, URLError) else error
                    raise ColliderError("No answer", f"{self.base_url}: {reason}") from error
            clock.sleep(_pause(attempt, retry_after))
        raise AssertionError("the last attempt returns or raises")

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


def _pause(attempt: int, retry_after: float) -> float:
    """Exponential from 0.1 s with jitter, but not sooner than the server asked."""
    exponential: float = 0.1 * 2**attempt * random.uniform(0.5, 1.0)
    return min(_LONGEST_PAUSE, max(retry_after, exponential))


def _encode(event: Mapping[str, Any]) -> bytes:
    members = {name: value for name, value in event.items() if value is not None}
    members.setdefault("id", str(uuid.uuid4()))
    when = members.get("time")
    if isinstance(when, datetime):
        if when.tzinfo is None:
            raise ValueError("time needs a time zone, such as datetime.now(timezone.utc)")
        members["time"] = when.isoformat()
    return json.dumps(members, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


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


def _object(answer: IO[bytes]) -> dict[str, Any]:
    try:
        value = json.loads(answer.read(_LONGEST_ANSWER))
    except ValueError:
        raise ColliderError(
            "Unexpected answer", "the server's answer is no JSON: is base_url an api-gateway?"
        ) from None
    if not isinstance(value, dict):
        raise ColliderError("Unexpected answer", "it is no JSON object")
    return value


def _problem(error: HTTPError) -> ColliderError:
    try:
        problem = json.loads(error.read(1 << 20))
    except (ValueError, OSError):
        problem = None
    if not isinstance(problem, dict):
        return ColliderError(str(error.reason), status=error.code)
    errors = problem.get("errors")
    return ColliderError(
        str(problem.get("title", error.reason)),
        str(problem.get("detail", "")),
        error.code,
        [entry for entry in errors if isinstance(entry, dict)] if isinstance(errors, list) else (),
    )


def _seconds(header: str | None) -> float:
    try:
        return max(0.0, float(header)) if header else 0.0
    except ValueError:
        return 0.0
