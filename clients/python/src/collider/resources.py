"""The parts of the API, each an attribute of a client: `client.triggers.create(…)`.

Objects are plain dictionaries with the members that the API's description names. Lists are read page by page while they
are gone through. Everything raises ColliderError.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar, cast

from .transport import Transport, moment, segment
from .types import (
    ActionType,
    Backtest,
    BreakerState,
    CircuitBreaker,
    Delivery,
    DeliveryStatus,
    Event,
    EventExplanation,
    Firing,
    LearnedSchema,
    Purge,
    Replay,
    Role,
    Shadow,
    Source,
    Trigger,
    TriggerBreakers,
    TriggerPreview,
    TriggerVersion,
)

Time = datetime | str | None
Job = TypeVar("Job")
_BASE = "/api/v1"


class Resource:
    """A part of the API."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _call(self, method: str, path: str, body: object = None, **options: Any) -> Any:
        return self._transport.call(method, _BASE + path, body, **options)

    def _pages(self, path: str, limit: int, **query: Any) -> Iterator[Any]:
        return self._transport.pages(_BASE + path, query, limit)


class Jobs(Resource, Generic[Job]):
    """What the gateway works on for a while."""

    _path: str

    def get(self, id: str) -> Job:
        return cast(Job, self._call("GET", f"{self._path}/{segment(id)}"))

    def watch(self, id: str) -> Iterator[Job]:
        """How far it is, whenever that changes; the last has the result."""
        for _, _, data in self._transport.stream(f"{_BASE}{self._path}/{segment(id)}/stream"):
            yield data

    def cancel(self, id: str) -> Job:
        return cast(Job, self._call("DELETE", f"{self._path}/{segment(id)}"))


class Events(Resource):
    def list(
        self,
        *,
        type: str | None = None,
        subject: str | None = None,
        source: str | None = None,
        q: str | None = None,
        filter: Mapping[str, Any] | None = None,
        since: Time = None,
        until: Time = None,
        order: Literal["asc", "desc"] = "desc",
        limit: int = 100,
    ) -> Iterator[Event]:
        """Events in the order of the log, the newest first; `filter` is a condition, `limit` the size of a page."""
        query = {"type": type, "subject": subject, "source": source, "q": q, "filter": _condition(filter)}
        return self._pages("/events", limit, **query, **_span(since, until), order=order)

    def get(self, id: str) -> Event:
        return cast(Event, self._call("GET", f"/events/{segment(id)}"))

    def explain(self, id: str, trigger: str) -> EventExplanation:
        """Why the trigger fired for the event, or why not."""
        return cast(EventExplanation, self._call("GET", f"/events/{segment(id)}/explain", query={"trigger": trigger}))

    def stats(
        self,
        *,
        measure: Literal["count", "rate"] = "count",
        group_by: Sequence[Literal["type", "source"]] = (),
        interval: str | None = None,
        since: Time = None,
        until: Time = None,
        type: str | None = None,
        source: str | None = None,
        limit: int | None = None,
        fill: Literal["none", "zero"] = "none",
    ) -> dict[str, Any]:
        """How many events were received, by time, type and source; of the last 24 hours, unless said otherwise."""
        query = {"measure": measure, "group_by": ",".join(group_by) or None, "interval": interval, "type": type}
        query |= {"source": source, "fill": fill, **_span(since, until)}
        return cast(dict[str, Any], self._call("GET", "/events/stats", query={**query, "limit": limit}))

    def stream(
        self,
        *,
        type: str | None = None,
        subject: str | None = None,
        source: str | None = None,
        q: str | None = None,
        filter: Mapping[str, Any] | None = None,
        after: str | None = None,
    ) -> Iterator[Event]:
        """Events as they are stored, from behind the one whose id is `after`; ends when the gateway ends it."""
        query = {"type": type, "subject": subject, "source": source, "q": q, "last_event_id": after}
        for name, _, data in self._transport.stream(f"{_BASE}/events/stream", {**query, "filter": _condition(filter)}):
            if name == "message":
                yield data

    def ingest(self, data: Mapping[str, Any], *, idempotency_key: str | None = None) -> dict[str, Any]:
        """Stores any object; its `type` is the event's."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        call = self._call("POST", "/ingest", dict(data), headers=headers, once=idempotency_key is None)
        return cast(dict[str, Any], call)


class Triggers(Resource):
    def list(self, *, limit: int = 100) -> Iterator[Trigger]:
        return self._pages("/triggers", limit)

    def get(self, id: str) -> Trigger:
        return cast(Trigger, self._call("GET", _trigger(id)))

    def create(self, definition: Mapping[str, Any]) -> Trigger:
        return cast(Trigger, self._call("POST", "/triggers", dict(definition), once=True))

    def replace(self, id: str, definition: Mapping[str, Any], *, version: int | None = None) -> Trigger:
        """Replaces the whole trigger; with `version` only if that is what it is at, else the error has status 412."""
        return cast(Trigger, self._call("PUT", _trigger(id), dict(definition), headers=_if_match(version)))

    def change(self, id: str, members: Mapping[str, Any], *, version: int | None = None) -> Trigger:
        """Changes members, such as `{"enabled": False}`; see `replace` for `version`."""
        headers = {"Content-Type": "application/merge-patch+json", **_if_match(version)}
        return cast(Trigger, self._call("PATCH", _trigger(id), dict(members), headers=headers))

    def delete(self, id: str, *, version: int | None = None) -> None:
        self._call("DELETE", _trigger(id), headers=_if_match(version))

    def preview(self, definition: Mapping[str, Any], *, id: str | None = None) -> TriggerPreview:
        """What creating the trigger, or replacing the one of that id, would change; nothing is stored."""
        method, path = ("PUT", _trigger(id)) if id else ("POST", "/triggers")
        return cast(TriggerPreview, self._call(method, path, dict(definition), query={"dry_run": True}))

    def versions(self, id: str, *, limit: int = 100) -> Iterator[TriggerVersion]:
        return self._pages(f"{_trigger(id)}/versions", limit)

    def version(self, id: str, number: int) -> TriggerVersion:
        return cast(TriggerVersion, self._call("GET", f"{_trigger(id)}/versions/{number}"))

    def compare(self, id: str, number: int, other: int) -> dict[str, Any]:
        """How two versions differ: `from`, `to` and `changes`."""
        return cast(dict[str, Any], self._call("GET", f"{_trigger(id)}/versions/{number}/diff/{other}"))

    def roll_back(self, id: str, number: int) -> Trigger:
        return cast(Trigger, self._call("POST", f"{_trigger(id)}/versions/{number}/rollback"))

    def put_shadow(self, id: str, definition: Mapping[str, Any]) -> Shadow:
        """Runs a definition beside the live one, without consequences."""
        return cast(Shadow, self._call("PUT", f"{_trigger(id)}/shadow", dict(definition)))

    def shadow(self, id: str) -> Shadow:
        return cast(Shadow, self._call("GET", f"{_trigger(id)}/shadow"))

    def delete_shadow(self, id: str) -> None:
        self._call("DELETE", f"{_trigger(id)}/shadow")

    def promote_shadow(self, id: str) -> Trigger:
        return cast(Trigger, self._call("POST", f"{_trigger(id)}/shadow/promote", once=True))

    def test(
        self,
        events: Sequence[Mapping[str, Any]],
        *,
        trigger: Mapping[str, Any] | None = None,
        condition: Mapping[str, Any] | None = None,
        trigger_id: str | None = None,
        until: Time = None,
    ) -> dict[str, Any]:
        """Tries a trigger, a condition alone or a stored trigger with events; nothing is stored or sent."""
        body = {"trigger": trigger, "condition": condition, "trigger_id": trigger_id, "events": list(events)}
        return cast(dict[str, Any], self._call("POST", "/triggers/test", _members(body, until=moment(until))))

    def calibrate(
        self,
        condition: Mapping[str, Any],
        since: datetime | str,
        *,
        until: Time = None,
        event_types: Sequence[str] | None = None,
        target_per_day: float | None = None,
        positives: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Which `at_least` a condition with one `similar_to` should have, by the events that are stored."""
        body = {"condition": condition, "event_types": event_types, "target_per_day": target_per_day}
        body |= {"positives": positives, "from": moment(since), "to": moment(until)}
        return cast(dict[str, Any], self._call("POST", "/triggers/calibrate", _members(body)))

    def firings(self, id: str, *, role: Role | None = None, since: Time = None, until: Time = None) -> Iterator[Firing]:
        return self._pages(f"{_trigger(id)}/firings", 100, role=role, **_span(since, until))

    def breakers(self, id: str) -> TriggerBreakers:
        """The circuit breakers of its endpoints."""
        return cast(TriggerBreakers, self._call("GET", f"{_trigger(id)}/circuit-breaker"))

    def open_breakers(self, id: str, *, duration: str | None = None, endpoint: str | None = None) -> TriggerBreakers:
        """Sends nothing to its endpoints, or to one, for a duration such as `30m`, or until they are closed."""
        body = _members({"state": "open", "for": duration, "endpoint": endpoint})
        return cast(TriggerBreakers, self._call("PATCH", f"{_trigger(id)}/circuit-breaker", body))

    def close_breakers(self, id: str, *, endpoint: str | None = None) -> TriggerBreakers:
        body = _members({"state": "closed", "endpoint": endpoint})
        return cast(TriggerBreakers, self._call("PATCH", f"{_trigger(id)}/circuit-breaker", body))

    def reset_breakers(self, id: str) -> TriggerBreakers:
        return cast(TriggerBreakers, self._call("POST", f"{_trigger(id)}/circuit-breaker/reset"))


class Firings(Resource):
    def list(
        self,
        *,
        trigger: str | None = None,
        event: str | None = None,
        role: Role | None = None,
        since: Time = None,
        until: Time = None,
        limit: int = 100,
    ) -> Iterator[Firing]:
        return self._pages("/firings", limit, trigger=trigger, event=event, role=role, **_span(since, until))

    def get(self, id: str) -> Firing:
        """With its explanation."""
        return cast(Firing, self._call("GET", f"/firings/{segment(id)}"))


class Backtests(Jobs[Backtest]):
    _path = "/backtests"

    def start(
        self,
        since: datetime | str,
        *,
        trigger_id: str | None = None,
        trigger: Mapping[str, Any] | None = None,
        until: Time = None,
    ) -> Backtest:
        """Runs a stored trigger, or a draft, over stored events."""
        if (trigger_id is None) == (trigger is None):
            raise ValueError("give either trigger_id or trigger")
        path = f"{_trigger(trigger_id)}/backtest" if trigger_id else "/triggers/backtest"
        body = _members({"trigger": trigger, "from": moment(since), "to": moment(until)})
        return cast(Backtest, self._call("POST", path, body, once=True))

    def list(self, *, trigger: str | None = None, limit: int = 100) -> Iterator[Backtest]:
        return self._pages("/backtests", limit, trigger=trigger)


class Deliveries(Resource):
    def list(
        self,
        *,
        status: DeliveryStatus | None = None,
        trigger_id: str | None = None,
        event_id: str | None = None,
        type: ActionType | None = None,
        since: Time = None,
        until: Time = None,
        replay_id: str | None = None,
        replayed: bool | None = None,
        limit: int = 100,
    ) -> Iterator[Delivery]:
        query = {"status": status, "trigger_id": trigger_id, "event_id": event_id, "type": type}
        query |= {"replay_id": replay_id, **_span(since, until)}
        return self._pages("/deliveries", limit, **query, replayed=replayed)

    def get(self, id: str) -> Delivery:
        """With every attempt."""
        return cast(Delivery, self._call("GET", f"/deliveries/{segment(id)}"))

    def retry(self, id: str) -> Delivery:
        return cast(Delivery, self._call("POST", f"/deliveries/{segment(id)}/retry", once=True))

    def cancel(self, id: str) -> Delivery:
        return cast(Delivery, self._call("POST", f"/deliveries/{segment(id)}/cancel", once=True))

    def purge(self, filter: Mapping[str, Any]) -> Purge:
        """Deletes so many of the oldest that match; `complete` says whether none is left."""
        return cast(Purge, self._call("POST", "/deliveries/purge", {"filter": dict(filter)}))


class Replays(Jobs[Replay]):
    _path = "/replays"

    def start(
        self,
        *,
        filter: Mapping[str, Any] | None = None,
        events: Mapping[str, Any] | None = None,
        trigger_id: str | None = None,
        rate: int | None = None,
        version: Literal["fired", "current"] | None = None,
        again: bool | None = None,
    ) -> Replay:
        """Makes deliveries again: those that match `filter`, or of the firings of `events`."""
        body = {"filter": filter, "events": events, "trigger_id": trigger_id, "rate": rate, "version": version}
        return cast(Replay, self._call("POST", "/deliveries/replay", _members(body, again=again), once=True))

    def list(self, *, limit: int = 100) -> Iterator[Replay]:
        return self._pages("/replays", limit)


class Breakers(Resource):
    def list(self, *, state: BreakerState | None = None, limit: int = 100) -> Iterator[CircuitBreaker]:
        return self._pages("/circuit-breakers", limit, state=state)

    def get(self, id: str) -> CircuitBreaker:
        return cast(CircuitBreaker, self._call("GET", f"/circuit-breakers/{segment(id)}"))


class Sources(Resource):
    def list(self, *, limit: int = 100) -> Iterator[Source]:
        return self._pages("/sources", limit)

    def get(self, id: str) -> Source:
        return cast(Source, self._call("GET", f"/sources/{segment(id)}"))

    def create(self, definition: Mapping[str, Any]) -> Source:
        return cast(Source, self._call("POST", "/sources", dict(definition), once=True))

    def replace(self, id: str, definition: Mapping[str, Any]) -> Source:
        return cast(Source, self._call("PUT", f"/sources/{segment(id)}", dict(definition)))

    def delete(self, id: str) -> None:
        self._call("DELETE", f"/sources/{segment(id)}")


class Schemas(Resource):
    def list(self, *, limit: int = 100) -> Iterator[LearnedSchema]:
        return self._pages("/schemas", limit)

    def get(self, type: str) -> LearnedSchema:
        return cast(LearnedSchema, self._call("GET", f"/schemas/{segment(type)}"))


def _trigger(id: str) -> str:
    return f"/triggers/{segment(id)}"


def _if_match(version: int | None) -> dict[str, str]:
    return {} if version is None else {"If-Match": f'"v{version}"'}


def _span(since: Time, until: Time) -> dict[str, Any]:
    return {"from": moment(since), "to": moment(until)}


def _condition(filter: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if filter is None else dict(filter)


def _members(body: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {name: value for name, value in {**body, **more}.items() if value is not None}
