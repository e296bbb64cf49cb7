"""The main job: posted, stored, matched, delivered to a webhook and to Telegram, and framed."""

import json
import uuid
from typing import Any

import numpy as np
from collider import PhysicsConsumer
from receivers import SIGNING_SECRET, TelegramFake, WebhookReceiver
from stack import Stack, wait_until


def large_payment(webhook_url: str) -> dict[str, Any]:
    return {
        "name": "Large payment",
        "enabled": True,
        "event_types": ["Payment*"],
        "condition": {
            "all": [
                {"field": "data.amount", "operator": ">=", "value": 1000},
                {
                    "not": {
                        "field": "data.country",
                        "operator": "in",
                        "value": ["NL", "BE"],
                    }
                },
            ]
        },
        "actions": [
            {
                "type": "rest",
                "config": {
                    "url": f"{webhook_url}/hook",
                    "signing_secret": SIGNING_SECRET,
                },
            },
            {
                "type": "telegram",
                "config": {
                    "bot_token": TelegramFake.TOKEN,
                    "chat_id": "42",
                    "parse_mode": "HTML",
                    "text": "<b>{{trigger.name}}</b>: {{data.amount}} from {{data.customer}}",
                },
            },
        ],
    }


def frame_of(stack: Stack, event_id: str) -> Any:
    with PhysicsConsumer(path=str(stack.ring)) as consumer:
        for frame in consumer.read_batch(1000):
            if bytes(frame["event_id"]) == uuid.UUID(event_id).bytes:
                return frame
    return None


def test_a_matching_event_is_delivered_twice_and_framed(
    stack: Stack, webhook: WebhookReceiver, telegram: TelegramFake
) -> None:
    status, trigger, _ = stack.request("POST", "/api/v1/triggers", large_payment(webhook.url))
    assert status == 201, trigger
    assert SIGNING_SECRET not in str(trigger) and TelegramFake.TOKEN not in str(trigger)

    # A trigger reaches the processors by a hint; the first event after it must not outrun the hint.
    def post_and_see() -> dict[str, Any] | None:
        event = {
            "type": "PaymentProcessed",
            "subject": "customer-7",
            "data": {
                "amount": 1250,
                "customer": "A & B <Ltd>",
                "country": "DE",
                "sentiment": 0.5,
            },
        }
        status, answer, _ = stack.request("POST", "/api/v1/events", event)
        assert status == 201 and answer["duplicate"] is False, answer
        return answer

    event = post_and_see()
    assert event is not None
    wait_until("webhook", 20, lambda: webhook.received or webhook.refused)
    wait_until("Telegram message", 20, lambda: telegram.messages or telegram.refused)
    assert webhook.refused == [] and telegram.refused == []

    headers, payload = webhook.received[0]
    assert payload["type"] == "trigger.fired"
    assert payload["data"]["event"]["id"] == event["id"]
    assert payload["data"]["event"]["data"]["amount"] == 1250
    assert payload["data"]["trigger"]["name"] == "Large payment"
    assert telegram.messages[0]["text"] == "<b>Large payment</b>: 1250 from A &amp; B &lt;Ltd&gt;"

    frame = wait_until("frame", 20, lambda: frame_of(stack, event["id"]) is not None) and frame_of(stack, event["id"])
    assert np.isclose(np.linalg.norm(frame["semantic"]), 1.0, atol=1e-4)
    assert frame["sentiment"] == np.float32(0.5)

    deliveries = wait_until(
        "two succeeded deliveries",
        20,
        lambda: (
            found
            if len(found := stack.get(f"/api/v1/deliveries?event_id={event['id']}&status=succeeded")["data"]) == 2
            else None
        ),
    )
    assert headers["webhook-id"] in {delivery["id"] for delivery in deliveries}
    for delivery in deliveries:
        whole = stack.get(f"/api/v1/deliveries/{delivery['id']}")
        assert len(whole["attempts"]) == 1, whole
        assert whole["attempts"][0]["status_code"] == 200
        assert TelegramFake.TOKEN not in str(whole) and SIGNING_SECRET not in str(whole)


def test_an_event_that_does_not_match_is_stored_and_framed_and_nothing_else(
    stack: Stack, webhook: WebhookReceiver, telegram: TelegramFake
) -> None:
    before = len(webhook.received), len(telegram.messages)
    _, small, _ = stack.request("POST", "/api/v1/events", {"type": "PaymentProcessed", "data": {"amount": 5}})
    wait_until("frame", 20, lambda: frame_of(stack, small["id"]) is not None)
    # A later event that does match shows that the processor is past the small one.
    _, large, _ = stack.request(
        "POST",
        "/api/v1/events",
        {
            "type": "PaymentProcessed",
            "data": {"amount": 5000, "country": "DE", "customer": "C"},
        },
    )
    wait_until("webhook", 20, lambda: len(webhook.received) > before[0])
    wait_until("Telegram message", 20, lambda: len(telegram.messages) > before[1])
    assert {payload["data"]["event"]["id"] for _, payload in webhook.received[before[0] :]} == {large["id"]}
    assert stack.get(f"/api/v1/deliveries?event_id={small['id']}")["data"] == []
    assert stack.get(f"/api/v1/events/{small['id']}")["data"] == {"amount": 5}


def test_the_schema_of_the_type_was_learned(stack: Stack) -> None:
    def learned() -> Any:
        status, body, _ = stack.request("GET", "/api/v1/schemas/PaymentProcessed")
        return body if status == 200 else None

    schema = wait_until("schema", 20, learned)
    assert "amount" in str(schema) and "PaymentProcessed" in [
        item["event_type"] for item in stack.get("/api/v1/schemas")["data"]
    ]


def test_an_organization_does_not_see_another(stack: Stack) -> None:
    made = stack.collider("keys", "create", "--organization", "other", "--scopes", "admin", "--json")

    other = json.loads(made.stdout)["api_key"]
    _, mine, _ = stack.request("POST", "/api/v1/events", {"type": "Mine", "data": {}})
    assert stack.request("GET", f"/api/v1/events/{mine['id']}", key=other)[0] == 404
    for path in (
        "/api/v1/events",
        "/api/v1/triggers",
        "/api/v1/deliveries",
        "/api/v1/schemas",
    ):
        status, body, _ = stack.request("GET", path, key=other)
        assert (status, body["data"]) == (200, []), path
