"""Dead letters from the command line: seen, retried, replayed by the mended action, for old events too, purged."""

import json
import urllib.request
from typing import Any

from receivers import SIGNING_SECRET, WebhookReceiver
from stack import Stack, wait_until

EVENTS = 300


def trigger(url: str) -> dict[str, Any]:
    config = {"url": f"{url}/hook", "signing_secret": SIGNING_SECRET}
    return {
        "name": "Replayed",
        "event_types": ["Replayed"],
        "actions": [{"type": "rest", "config": config, "retry": {"max_attempts": 1}}],
    }


def deliveries(stack: Stack, *words: str) -> Any:
    return json.loads(stack.collider("deliveries", *words, "--json").stdout)


def attempts(stack: Stack, outcome: str) -> int:
    """Those of webhooks that ended so, as the worker counts them."""
    url = f"http://127.0.0.1:{stack.environment['WORKERS_METRICS_PORT']}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    labels = {'kind="rest"', f'outcome="{outcome}"'}
    found = [
        line for line in lines if line.startswith("jobs_attempts_total{") and all(label in line for label in labels)
    ]
    return int(float(found[0].rsplit(" ", 1)[1])) if found else 0


def test_dead_letters_are_found_and_brought_back(stack: Stack, webhook: WebhookReceiver) -> None:
    # One that refuses: were nobody there, a circuit breaker would keep most of them waiting.
    wrong = WebhookReceiver(status=lambda count: 404)
    counted = {outcome: attempts(stack, outcome) for outcome in ("dead", "succeeded")}
    status, made, _ = stack.request("POST", "/api/v1/triggers", trigger(wrong.url))
    assert status == 201, made
    events = [{"type": "Replayed", "data": {"n": n}} for n in range(EVENTS)]
    assert stack.request("POST", "/api/v1/events", events)[0] == 200
    every = f"/api/v1/deliveries?trigger_id={made['id']}"

    def count(**filters: str) -> int:
        return sum(1 for _ in stack.pages(every + "".join(f"&{name}={value}" for name, value in filters.items())))

    wait_until("dead letters", 90, lambda: count(status="dead") == EVENTS)
    listed = deliveries(stack, "list", "--status", "dead", "--trigger", "Replayed", "--limit", "5")
    assert len(listed["data"]) == 5 and listed["next_cursor"]
    first = listed["data"][0]["id"]
    table = stack.collider("deliveries", "list", "--status", "dead", "--limit", "2").stdout
    assert first in table and "dead" in table and "1/1" in table
    shown = stack.collider("deliveries", "show", first).stdout
    assert "Attempt 1, failed" in shown

    # A retry is another attempt of the same delivery, by the same action.
    assert "attempt 2" in stack.collider("deliveries", "retry", first).stdout
    wait_until("the second attempt", 60, lambda: deliveries(stack, "show", first)["attempt"] == 2)
    wait_until("its end", 60, lambda: deliveries(stack, "show", first)["status"] == "dead")
    assert [attempt["attempt"] for attempt in deliveries(stack, "show", first)["attempts"]] == [1, 2]

    # The receiver was wrong; it is mended, and what was given up goes there.
    assert stack.request("PUT", f"/api/v1/triggers/{made['id']}", trigger(webhook.url))[0] == 200
    replay = deliveries(stack, "replay", "--status", "dead", "--trigger", "Replayed", "--current", "--rate", "1000")
    assert replay["status"] == "succeeded" and replay["made"] == replay["total"] == EVENTS, replay
    wait_until("what was replayed", 90, lambda: count(status="succeeded", replay_id=replay["id"]) == EVENTS)
    with webhook.lock:
        seen = {headers["webhook-id"]: payload["data"]["event"]["data"]["n"] for headers, payload in webhook.received}
    assert sorted(seen.values()) == list(range(EVENTS)) and webhook.refused == []
    repeated = {each["id"]: each["replay_of"] for each in stack.pages(every + f"&replay_id={replay['id']}")}
    assert repeated.keys() == seen.keys() and len(set(repeated.values())) == EVENTS
    # Once more, and there is nothing left to do.
    assert deliveries(stack, "replay", "--status", "dead", "--trigger", "Replayed", "--current")["made"] == 0

    # "Replay the event": the actions of its firings run again.
    event = next(stack.pages("/api/v1/events?type=Replayed"))["id"]
    again = deliveries(stack, "replay", "--events", "--event", event, "--current")
    assert again["made"] == 1, again
    wait_until("the event again", 60, lambda: len(webhook.received) == EVENTS + 1)
    wait_until("its end", 60, lambda: count(status="succeeded") == EVENTS + 1)
    assert {outcome: attempts(stack, outcome) - before for outcome, before in counted.items()} == {
        "dead": EVENTS + 1,
        "succeeded": EVENTS + 1,
    }

    refused = stack.collider("deliveries", "purge", check=False)
    assert refused.returncode != 0
    printed = stack.collider("deliveries", "purge", "--status", "dead", "--trigger", "Replayed", "--yes").stdout
    assert f"Deleted {EVENTS} deliveries" in printed
    assert count(status="dead") == 0 and count() == EVENTS + 1
    wrong.close()
    gone = stack.collider("deliveries", "show", first, check=False)
    assert gone.returncode != 0 and "404" in gone.stderr
