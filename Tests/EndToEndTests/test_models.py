"""Language models: what they answer is checked, becomes events, and is accounted for."""

import json
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from actions import delivery, events_of, make_trigger, post, problems
from language_models import FakeOpenAI, real_model
from stack import Stack, wait_until

VERDICT = {
    "type": "object",
    "properties": {
        "sentiment": {"enum": ["positive", "negative"]},
        "urgency": {"type": "integer", "minimum": 0, "maximum": 9},
    },
    "required": ["sentiment", "urgency"],
    "additionalProperties": False,
}
FITTING = '{"sentiment": "negative", "urgency": 7}'


@pytest.fixture(scope="module")
def model() -> Iterator[FakeOpenAI]:
    fake = FakeOpenAI()
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def stack(model: FakeOpenAI) -> Iterator[Stack]:
    stack = Stack()
    # The model's address is the operator's, and needs no leave.
    stack.environment |= {"LLM_BASE_URL": model.url, "LLM_API_KEY": FakeOpenAI.KEY, "LLM_MODEL": "fake-1"}
    # What a killed worker held is free again soon.
    stack.environment["DELIVERY_LEASE_SECONDS"] = "5"
    try:
        stack.up()
        yield stack
    finally:
        stack.remove()


def test_an_answer_becomes_an_event_with_its_cause(stack: Stack, model: FakeOpenAI) -> None:
    model.script = lambda request: f"<think>They shout.</think>\n```json\n{FITTING}\n```"
    trigger = make_trigger(
        stack,
        "judge reviews",
        "Review",
        "llm",
        {
            "system": "You judge reviews.",
            "prompt": "Judge: {{data.text}}",
            "response_schema": VERDICT,
            "temperature": 0,
            "emit_event_type": "ReviewJudged",
        },
    )
    event = post(stack, "Review", {"text": "It broke at once!"}, subject="product-3")
    done = delivery(stack, event, "succeeded")
    said = json.loads(done["attempts"][0]["response"])
    assert said["answer"] == json.loads(FITTING) and said["thinking"] == "They shout."
    assert not said["repaired"] and said["usage"]["completion_tokens"] > 0
    asked = model.requests[-1]
    assert asked["messages"] == [
        {"role": "system", "content": "You judge reviews."},
        {"role": "user", "content": "Judge: It broke at once!"},
    ]
    assert asked["model"] == "fake-1" and asked["response_format"]["json_schema"]["strict"] is True
    [judged] = events_of(stack, "ReviewJudged")
    assert judged["data"] == json.loads(FITTING) and judged["subject"] == "product-3"
    assert judged["metadata"]["depth"] == 1 and judged["metadata"]["cause"] == {
        "event_id": event,
        "trigger_id": trigger,
        "firing_id": done["firing_id"],
    }
    # Neither the key nor the address of the operator's service is anybody's business.
    for secret in (FakeOpenAI.KEY, model.url):
        assert secret not in json.dumps(done) and secret not in stack.logs()


def test_an_answer_is_mended_once_and_given_up_when_it_still_does_not_fit(stack: Stack, model: FakeOpenAI) -> None:
    config = {"prompt": "{{data.n}}", "response_schema": VERDICT, "emit_event_type": "Mended"}
    make_trigger(stack, "mend", "ToMend", "llm", config)

    def mends(request: dict[str, Any]) -> str:
        return FITTING if len(request["messages"]) == 3 else '{"sentiment": "angry", "urgency": 70}'

    model.script = mends
    done = delivery(stack, post(stack, "ToMend", {"n": 1}), "succeeded")
    assert json.loads(done["attempts"][0]["response"])["repaired"] is True
    complaint = model.requests[-1]["messages"][-1]["content"]
    assert "/sentiment: must be one of" in complaint and "/urgency: must be at most 9" in complaint

    before = len(model.requests)
    model.script = lambda request: "I'd rather not say."
    dead = delivery(stack, post(stack, "ToMend", {"n": 2}), "dead")
    assert len(model.requests) - before == 2 and dead["attempt"] == 1
    assert "does not fit the schema" in dead["last_error"]
    assert len(events_of(stack, "Mended")) == 1


def test_errors_of_the_service_are_judged_by_their_kind(stack: Stack, model: FakeOpenAI) -> None:
    make_trigger(
        stack, "ask", "ToAsk", "llm", {"prompt": "{{data.n}}"}, retry={"max_attempts": 3, "schedule": ["200ms"]}
    )
    refusals: list[tuple[int, str]] = [(429, "slow down"), (500, "oops")]
    model.script = lambda request: refusals.pop(0) if refusals else "fine"
    done = delivery(stack, post(stack, "ToAsk", {"n": 1}), "succeeded")
    assert [attempt["status_code"] for attempt in done["attempts"]] == [429, 500, 200]

    model.script = lambda request: (400, "This model's maximum context length is 10 tokens.")
    dead = delivery(stack, post(stack, "ToAsk", {"n": 2}), "dead")
    assert dead["attempt"] == 1 and "maximum context length" in dead["last_error"]


def test_the_same_question_is_answered_from_the_cache_when_that_is_asked_for(stack: Stack, model: FakeOpenAI) -> None:
    make_trigger(
        stack, "cached", "ToCache", "llm", {"prompt": "{{data.n}}", "cache": "1h", "emit_event_type": "Cached"}
    )
    model.script = lambda request: "said once"
    before, used = len(model.requests), stack.get("/api/v1/usage")["data"][0]
    delivery(stack, post(stack, "ToCache", {"n": 1, "other": 1}), "succeeded")
    again = delivery(stack, post(stack, "ToCache", {"n": 1, "other": 2}), "succeeded")
    assert json.loads(again["attempts"][0]["response"])["cached"] is True
    delivery(stack, post(stack, "ToCache", {"n": 2}), "succeeded")
    assert len(model.requests) - before == 2
    assert [event["data"] for event in events_of(stack, "Cached")] == [{"text": "said once"}] * 3
    now = stack.get("/api/v1/usage")["data"][0]
    assert now["requests"] - used["requests"] == 2 and now["cached_answers"] - used["cached_answers"] == 1


def test_a_budget_puts_off_what_it_does_not_hold(stack: Stack, model: FakeOpenAI) -> None:
    make_trigger(stack, "budgeted", "ToBudget", "llm", {"prompt": "{{data.n}}", "max_tokens": 100})
    model.script = lambda request: "fine"
    before = len(model.requests)
    stack.collider("budgets", "set", "--organization", "default", "--tokens", "1")
    put_off = delivery(stack, post(stack, "ToBudget", {"n": 1}), "scheduled")
    assert put_off["attempt"] == 0 and len(model.requests) == before
    usage = stack.get("/api/v1/usage")
    assert usage["budget"] == {"tokens_per_day": 1, "seconds_per_day": None}
    assert usage["data"][0]["set_aside_tokens"] == 0 and usage["data"][0]["prompt_tokens"] > 0
    assert "of 1" in stack.collider("budgets").stdout
    stack.collider("budgets", "unset", "--organization", "default")
    delivery(stack, post(stack, "ToBudget", {"n": 2}), "succeeded")


def test_bad_settings_are_refused_with_their_pointers(stack: Stack) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^a"}}}
    config = {"prompt": "{{#each}}", "base_url": "http://evil.example", "temperature": 3, "cache": "1y"}
    found = problems(stack, "llm", config | {"response_schema": schema})
    assert set(found) == {"/prompt", "/base_url", "/temperature", "/cache", "/response_schema/properties/a/pattern"}


def test_a_chain_of_answers_ends_at_its_depth(stack: Stack, model: FakeOpenAI) -> None:
    model.script = lambda request: "again"
    make_trigger(stack, "loop", "Loop", "llm", {"prompt": "go on", "max_tokens": 10, "emit_event_type": "Loop"})
    post(stack, "Loop", {})
    dead = wait_until("dead end of the chain", 60, lambda: stack.get("/api/v1/deliveries?status=dead&limit=1")["data"])
    found = wait_until("nine events", 60, lambda: len(events_of(stack, "Loop")) >= 9 and events_of(stack, "Loop"))
    last = max(found, key=lambda event: event.get("metadata", {}).get("depth", 0))
    dead = delivery(stack, last["id"], "dead")
    assert "depth 9 is over 8" in dead["last_error"]
    assert sorted(event.get("metadata", {}).get("depth", 0) for event in events_of(stack, "Loop")) == list(range(9))


def test_killed_workers_make_each_event_once(stack: Stack, model: FakeOpenAI) -> None:
    def think(request: dict[str, Any]) -> str:
        # Long enough that a kill meets questions under way.
        time.sleep(0.1)
        return "done"

    model.script = think
    make_trigger(stack, "kill", "ToKill", "llm", {"prompt": "{{data.n}}", "emit_event_type": "Survived"})
    asked = {post(stack, "ToKill", {"n": number}) for number in range(60)}

    def kill_while_it_asks() -> None:
        before = len(model.requests)
        wait_until("question under way", 60, lambda: len(model.requests) > before)
        killed = stack.pid("action-workers")
        os.kill(killed, signal.SIGKILL)
        wait_until("new worker", 60, lambda: stack.pid("action-workers") != killed)

    kill_while_it_asks()
    kill_while_it_asks()
    # What a dead worker held is free again when its lease has run out.
    wait_until("events of all answers", 150, lambda: len(events_of(stack, "Survived")) >= len(asked))
    wait_until("end", 60, lambda: not stack.get("/api/v1/deliveries?type=llm&status=running")["data"])
    causes = [event["metadata"]["cause"]["event_id"] for event in events_of(stack, "Survived")]
    assert sorted(causes) == sorted(asked)


@pytest.mark.timeout(900)
def test_a_real_model_answers_with_json_that_fires_another_trigger(model: FakeOpenAI) -> None:
    stack = Stack()
    with real_model() as url:
        stack.environment |= {"LLM_BASE_URL": url, "LLM_MODEL": "SmolLM2-135M-Instruct"}
        try:
            stack.up()
            make_trigger(
                stack,
                "judge",
                "Review",
                "llm",
                {
                    "system": "You classify the sentiment of product reviews.",
                    "prompt": "Review: {{data.text}}",
                    "response_schema": VERDICT,
                    "temperature": 0,
                    "max_tokens": 64,
                    "timeout_ms": 300_000,
                    "emit_event_type": "ReviewJudged",
                },
            )
            make_trigger(
                stack,
                "note",
                "ReviewJudged",
                "emit",
                {"event_type": "VerdictNoted", "data": {"was": "{{data.sentiment}}"}},
            )
            event = post(stack, "Review", {"text": "I love it, it works perfectly"})
            done = delivery(stack, event, "succeeded", 300)
            noted = wait_until("second trigger", 30, lambda: events_of(stack, "VerdictNoted"))
            [judged] = events_of(stack, "ReviewJudged")
            assert judged["data"]["sentiment"] in ("positive", "negative") and 0 <= judged["data"]["urgency"] <= 9
            assert noted[0]["data"] == {"was": judged["data"]["sentiment"]}
            assert noted[0]["metadata"]["depth"] == 2
            assert json.loads(done["attempts"][0]["response"])["usage"]["completion_tokens"] > 5
        finally:
            stack.remove()
