"""The loop closed: an event becomes a frame, a model judges the frame, and a trigger fires on its judgement."""

from typing import Any

from collider import Client, FrameFlags, PhysicsConsumer
from stack import Stack, wait_until


def firings(stack: Stack, trigger: str) -> list[Any]:
    return list(stack.pages(f"/api/v1/firings?trigger={trigger}"))


def make_trigger(stack: Stack, name: str, types: str, condition: Any) -> str:
    body = {"name": name, "event_types": [types], "condition": condition}
    status, trigger, _ = stack.request("POST", "/api/v1/triggers", body)
    assert status == 201, trigger
    return str(trigger["id"])


def test_a_trigger_fires_on_what_a_model_makes_of_a_frame(stack: Stack) -> None:
    at_risk = [
        {"field": "name", "operator": "eq", "value": "churn"},
        {"field": "value", "operator": "gte", "value": 0.8},
    ]
    trigger = make_trigger(stack, "loop", "Score", {"all": at_risk})
    client = Client(stack.base_url, stack.api_key)
    stored = client.send("Message", {"text": "this is horrible, I am leaving"}, subject="user-7")
    with PhysicsConsumer(stack.ring) as consumer:
        frame = next(frame for frame in consumer.follow(idle_timeout=30) if str(frame.event_id) == stored.id)
    assert frame.sentiment < -0.3 and FrameFlags.SENTIMENT_OF_WORDS in frame.flags
    assert FrameFlags.EMBEDDING_LEXICAL in frame.flags and FrameFlags.EMBEDDING_STAND_IN not in frame.flags
    client.score(frame, "churn", 0.3)
    score = client.score(frame, "churn", 0.93)
    fired = wait_until("firing", 30, lambda: firings(stack, trigger))
    assert [firing["event_id"] for firing in fired] == [score.id]
    event = stack.get(f"/api/v1/events/{score.id}")
    assert event["metadata"] == {"cause": {"event_id": stored.id}, "depth": 1}
    assert event["subject"] == "user-7" and event["data"] == {"name": "churn", "value": 0.93}


def test_a_trigger_fires_for_texts_that_are_similar_to_examples(stack: Stack) -> None:
    refund = {"similar_to": ["I want my money back", "please refund the payment"], "field": "text"}
    client = Client(stack.base_url, stack.api_key)
    texts = ["give me my money back", "could you refund my payment", "where is the documentation", "thanks, all good"]
    ids = [client.send("Chat", {"text": text}).id for text in texts]
    order = {"condition": refund, "event_types": ["Chat"], "from": "2026-01-01T00:00:00Z", "positives": ids[:2]}
    status, answer, _ = stack.request("POST", "/api/v1/triggers/calibrate", order)
    assert status == 200 and answer["evaluated"] == 4 and answer["suggested"]["f1"] == 1, answer
    at_least = answer["suggested"]["at_least"]

    trigger = make_trigger(stack, "refund", "Chat", {**refund, "at_least": at_least})
    again = [client.send("Chat", {"text": text}).id for text in texts]
    fired = wait_until("firings", 30, lambda: (found := firings(stack, trigger)) and len(found) >= 2 and found)
    assert {firing["event_id"] for firing in fired} == set(again[:2])
    explanation = stack.get(f"/api/v1/events/{again[2]}/explain?trigger={trigger}")
    assert explanation["outcome"] == "not_matched"
    assert 0 <= explanation["explanation"]["similarity"] < at_least
