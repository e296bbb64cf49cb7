"""Triggers with one action, and what became of it."""

import json
from typing import Any

from stack import Stack, wait_until


def make_trigger(stack: Stack, name: str, event_type: str, kind: str, config: Any, **more: Any) -> str:
    trigger = {
        "name": name,
        "enabled": True,
        "event_types": [event_type],
        "actions": [{"type": kind, "config": config}],
    }
    trigger["actions"][0] |= more
    status, answer, _ = stack.request("POST", "/api/v1/triggers", trigger)
    assert status == 201, answer
    return str(answer["id"])


def post(stack: Stack, event_type: str, data: Any, **more: Any) -> str:
    status, answer, _ = stack.request("POST", "/api/v1/events", {"type": event_type, "data": data} | more)
    assert status == 201, answer
    return str(answer["id"])


def delivery(stack: Stack, event_id: str, status: str, seconds: float = 30) -> Any:
    """The only delivery of an event, with its attempts, once it has a status."""

    def find() -> Any:
        found = stack.get(f"/api/v1/deliveries?event_id={event_id}")["data"]
        return found and found[0]["status"] == status and stack.get(f"/api/v1/deliveries/{found[0]['id']}")

    try:
        return wait_until(f"{status} delivery", seconds, find)
    except AssertionError as error:
        listed = stack.get(f"/api/v1/deliveries?event_id={event_id}")["data"]
        whole = [stack.get(f"/api/v1/deliveries/{item['id']}") for item in listed]
        raise AssertionError(f"{error}: {json.dumps(whole, indent=1)} {stack.logs()}") from None


def events_of(stack: Stack, event_type: str) -> list[Any]:
    return list(stack.pages(f"/api/v1/events?type={event_type}"))


def problems(stack: Stack, kind: str, config: Any) -> dict[str, str]:
    """What is wrong with an action's settings, by its place in them."""
    trigger = {"name": "bad", "enabled": True, "actions": [{"type": kind, "config": config}]}
    status, answer, _ = stack.request("POST", "/api/v1/triggers", trigger)
    assert status in (400, 422), answer
    return {error["pointer"].removeprefix("/actions/0/config"): error["detail"] for error in answer["errors"]}
