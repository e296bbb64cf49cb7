"""Triggers that remember, through the whole stack: averages, rates, silences, sequences, cooldowns and chains."""

import itertools
import signal
import urllib.request
from typing import Any

import pytest
from gateways import Database
from stack import Stack, wait_until
from test_kill import kill

names = itertools.count()


class Scene:
    """Triggers and event types of one test, and what has fired."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.database = Database(stack)
        self.prefix = f"T{next(names)}"

    def trigger(self, condition: Any, types: list[str] | None = None, **more: Any) -> str:
        body = {"name": f"{self.prefix} {next(names)}", "condition": condition} | more
        body["event_types"] = [f"{self.prefix}.{name}" for name in types or ["Event"]]
        status, answer, _ = self.stack.request("POST", "/api/v1/triggers", body)
        assert status == 201, answer
        return str(answer["id"])

    def send(self, *data: dict[str, Any], type: str = "Event") -> list[str]:
        ids = []
        for one in data:
            event = {"type": f"{self.prefix}.{type}", "data": one}
            status, answer, _ = self.stack.request("POST", "/api/v1/events", event)
            assert status == 201, answer
            ids.append(answer["id"])
        return ids

    def settle(self) -> None:
        behind = """SELECT sum(p.head - f.position) FROM log_parts p JOIN follower_positions f
            ON f.part = p.part AND f.follower = 'event-processor'"""
        wait_until("evaluation", 30, lambda: self.database.query(behind)[0][0] == 0)

    def fired(self, trigger: str) -> list[str]:
        self.settle()
        rows = "SELECT event_id::text FROM firings WHERE trigger_id = %s ORDER BY position"
        return [row[0] for row in self.database.query(rows, trigger)]

    def is_type(self, name: str) -> dict[str, Any]:
        return {"field": "type", "operator": "eq", "value": f"{self.prefix}.{name}"}


@pytest.fixture
def scene(stack: Stack) -> Scene:
    return Scene(stack)


def test_an_average_falls_by_the_seeds_form(scene: Scene) -> None:
    trigger = scene.trigger(
        {
            "condition_type": "ema_threshold",
            "field": "data.score",
            "operator": "<",
            "value": "50",
            "config": {"window_size": 3},
        }
    )
    # 80, 70, 50, 25, 62.5
    ids = scene.send(*({"score": score} for score in (80, 60, 30, 0, 100)))
    assert scene.fired(trigger) == [ids[3]]
    shown = "SELECT explanation, role, at = event_received_at FROM firings WHERE event_id = %s"
    row = scene.database.query(shown, ids[3])
    assert row[0][0]["actual"] == 25 and row[0][1:] == ("live", True)


def test_a_rate_counts_by_group_and_begins_anew_when_it_fires(scene: Scene) -> None:
    trigger = scene.trigger(
        {
            "aggregate": "count",
            "window": "1h",
            "group_by": ["data.user"],
            "operator": ">=",
            "value": 3,
            "reset_on_fire": True,
        }
    )
    ids = scene.send(*({"user": user} for user in "aabaaaab"))
    assert scene.fired(trigger) == [ids[3], ids[6]]


def test_a_cooldown_suppresses_by_key(scene: Scene) -> None:
    trigger = scene.trigger(
        {"field": "data.n", "operator": "exists", "value": True}, cooldown="1h", cooldown_by=["data.user"]
    )
    ids = scene.send({"n": 1, "user": "a"}, {"n": 2, "user": "a"}, {"n": 3, "user": "b"}, {"n": 4}, {"n": 5})
    assert scene.fired(trigger) == [ids[0], ids[2], ids[3]]


def test_a_sequence_is_true_of_the_event_that_completes_it(scene: Scene) -> None:
    failed = {"field": "data.ok", "operator": "eq", "value": False}
    trigger = scene.trigger(
        {
            "sequence": [failed, failed, {"field": "data.ok", "operator": "eq", "value": True}],
            "within": "1h",
            "group_by": ["data.user"],
        }
    )
    logins = [("a", False), ("b", False), ("a", False), ("b", True), ("a", True), ("b", False), ("b", True)]
    ids = scene.send(*({"user": user, "ok": ok} for user, ok in logins))
    assert scene.fired(trigger) == [ids[4], ids[6]]


def test_silence_fires_by_the_clock_once_and_within_a_second(scene: Scene) -> None:
    absence = {
        "after": scene.is_type("Order"),
        "expect": scene.is_type("Paid"),
        "within": "2s",
        "group_by": ["data.order"],
    }
    trigger = scene.trigger({"absence": absence}, types=["Order", "Paid"])
    ids = scene.send({"order": 1}, {"order": 2}, type="Order")
    scene.send({"order": 1}, type="Paid")
    wait_until("firing", 20, lambda: scene.fired(trigger))
    # Whoever is killed at that moment.
    kill(scene.stack, "event-processor", signal.SIGKILL)
    wait_until("processor", 20, lambda: scene.send({"order": 3}, type="Paid") and scene.settle() is None)
    assert scene.fired(trigger) == [ids[1]]
    late = """SELECT extract(epoch FROM at - event_received_at), extract(epoch FROM created_at - at)
        FROM firings WHERE trigger_id = %s"""
    within, delay = scene.database.query(late, trigger)[0]
    assert within == 2
    print(f"\nfired {float(delay) * 1000:.0f} ms after it was due")
    waiting = "SELECT count(*) FROM trigger_states WHERE trigger_id = %s AND due_at IS NOT NULL"
    assert scene.database.query(waiting, trigger)[0][0] == 0


def test_states_survive_a_kill(scene: Scene) -> None:
    trigger = scene.trigger({"aggregate": "sum", "field": "data.n", "window": "1h", "operator": ">=", "value": 30})
    first = scene.send(*({"n": 7} for _ in range(4)))
    scene.settle()
    kill(scene.stack, "event-processor", signal.SIGKILL)
    second = scene.send({"n": 1}, {"n": 1})
    assert scene.fired(trigger) == [second[1]]
    assert scene.database.query("SELECT count(*) FROM events WHERE id = ANY(%s::uuid[])", first)[0][0] == 4


def test_a_chain_of_events_is_cut_after_eight(scene: Scene) -> None:
    emit = {"event_type": f"{scene.prefix}.Event", "data": {"n": "{{data.n}}"}, "subject": "{{data.n}}"}
    trigger = scene.trigger(
        {"field": "data.n", "operator": "exists", "value": True}, actions=[{"type": "emit", "config": emit}]
    )
    scene.send({"n": 5})
    wait_until("the whole chain", 20, lambda: len(scene.fired(trigger)) == 9)
    stored = list(scene.stack.pages(f"/api/v1/events?type={scene.prefix}.Event&order=asc"))
    assert [event.get("metadata", {}).get("depth", 0) for event in stored] == list(range(9))
    assert [event["data"] for event in stored] == [{"n": 5}] * 9
    for cause, event in itertools.pairwise(stored):
        assert event["metadata"]["cause"]["event_id"] == cause["id"]
        assert event["metadata"]["cause"]["trigger_id"] == trigger and event["subject"] == "5"
    cut = "SELECT emits FROM firings WHERE trigger_id = %s ORDER BY position DESC LIMIT 1"
    assert scene.database.query(cut, trigger)[0][0] == [{"action": 0, "error": "depth 9 is over 8"}]
    assert scene.database.query("SELECT count(*) FROM deliveries WHERE trigger_id = %s", trigger)[0][0] == 0


def test_changes_of_triggers_are_events_that_a_trigger_can_watch(scene: Scene) -> None:
    watcher = scene.trigger({"field": "data.name", "operator": "starts_with", "value": scene.prefix})
    path = f"/api/v1/triggers/{watcher}"
    body = {"name": f"{scene.prefix} watcher", "event_types": ["collider.trigger.*"], "condition": None}
    assert scene.stack.request("PUT", path, body)[0] == 200
    other = scene.trigger(None)
    assert scene.stack.request("DELETE", f"/api/v1/triggers/{other}")[0] in (200, 204)
    wait_until("firings", 20, lambda: len(scene.fired(watcher)) >= 2)
    types = [event["type"] for event in scene.stack.pages(f"/api/v1/events?subject={other}&order=asc")]
    assert types == ["collider.trigger.created", "collider.trigger.deleted"]


def test_a_state_that_nobody_needs_any_more_is_removed(scene: Scene) -> None:
    trigger = scene.trigger({"aggregate": "count", "window": "1h", "operator": ">=", "value": 99})
    scene.send({"n": 1})
    scene.settle()
    states = "SELECT count(*) FROM trigger_states WHERE trigger_id = %s"
    assert scene.database.query(states, trigger)[0][0] == 1
    assert scene.stack.request("DELETE", f"/api/v1/triggers/{trigger}")[0] in (200, 204)
    wait_until("sweep", 60, lambda: scene.database.query(states, trigger)[0][0] == 0)


def test_metrics_tell_of_states(scene: Scene) -> None:
    scene.trigger({"aggregate": "count", "window": "1h", "operator": ">=", "value": 99})
    scene.send({"n": 1})
    scene.settle()
    port = scene.stack.environment["PROCESSOR_METRICS_PORT"]

    def metrics() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = str(answer.read().decode())
        return text if "processor_states_written" in text else ""

    text = wait_until("metrics", 20, metrics)
    for name in ("processor_states_held", "processor_states_written_total", "processor_evaluation_duration"):
        assert name in text, name
