"""Tools of the Model Context Protocol: they are called as their servers ask, and their results become events."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from actions import delivery, events_of, make_trigger, post, problems
from language_models import ToolServer, tool_server
from stack import Stack, wait_until


@pytest.fixture(scope="module")
def tools() -> Iterator[ToolServer]:
    with tool_server() as server:
        yield server


def call(tools: ToolServer, tool: str, arguments: Any, **more: Any) -> dict[str, Any]:
    headers = {"authorization": "Bearer tool-secret"}
    return {"server_url": tools.url, "tool": tool, "arguments": arguments, "headers": headers} | more


def test_a_tool_of_the_official_server_is_called_and_its_result_becomes_an_event(
    stack: Stack, tools: ToolServer
) -> None:
    arguments = {"title": "{{data.title}}", "priority": "{{data.priority}}"}
    make_trigger(
        stack, "open", "Complaint", "mcp", call(tools, "open_ticket", arguments, emit_event_type="TicketOpened")
    )
    event = post(stack, "Complaint", {"title": "No light", "priority": 3})
    done = delivery(stack, event, "succeeded")
    [opened] = events_of(stack, "TicketOpened")
    assert opened["data"] == {"number": 1, "title": "No light", "priority": 3}
    assert opened["metadata"]["cause"]["event_id"] == event
    assert "tool-secret" not in json.dumps(done)
    first = tools.seen()
    assert [item["method"] for item in first if item["http"] == "POST"] == [
        "initialize",
        "notifications/initialized",
        "tools/list",
        "tools/call",
    ]
    session = {item["headers"].get("mcp-session-id") for item in first[1:]}
    assert len(session) == 1 and None not in session
    assert {item["headers"].get("mcp-protocol-version") for item in first[1:]} == {"2025-11-25"}

    # The second call goes into the same session.
    delivery(stack, post(stack, "Complaint", {"title": "No heat", "priority": 4}), "succeeded")
    assert [item["method"] for item in tools.seen()[len(first) :]] == ["tools/call"]

    # What does not fit the tool's schema is not sent.
    dead = delivery(stack, post(stack, "Complaint", {"title": "No sound", "priority": "high"}), "dead")
    assert "/priority: must be of type integer" in dead["last_error"]


def test_a_forgotten_session_is_begun_anew(stack: Stack) -> None:
    with tool_server() as tools:
        make_trigger(stack, "greet", "Arrival", "mcp", call(tools, "greet", {"name": "{{data.name}}"}))
        delivery(stack, post(stack, "Arrival", {"name": "Ada"}), "succeeded")
        tools.stop()
        tools.start()
        tools.wait()
        done = delivery(stack, post(stack, "Arrival", {"name": "Eve"}), "succeeded")
        assert done["attempt"] == 1 and "Hello, Eve" in done["attempts"][0]["response"]
        assert [item["method"] for item in tools.seen()][:2] == ["tools/call", "initialize"]


def test_calls_that_begin_together_do_not_end_each_others_sessions(stack: Stack) -> None:
    with tool_server() as tools:
        make_trigger(stack, "linger", "ToLinger", "mcp", call(tools, "linger", {"seconds": 0.5}))
        batch = [{"type": "ToLinger", "data": {}} for _ in range(8)]
        status, answer, _ = stack.request("POST", "/api/v1/events", batch)
        assert status == 200 and answer["accepted"] == 8, answer
        for item in answer["results"]:
            assert delivery(stack, item["id"], "succeeded")["attempt"] == 1

        def counts() -> tuple[int, int]:
            seen = tools.seen()
            return (
                sum(item["method"] == "initialize" for item in seen),
                sum(item["http"] == "DELETE" for item in seen),
            )

        begun, _ = counts()
        assert begun > 1
        # One is kept for the next call.
        wait_until("end of the others", 20, lambda: counts()[1] == begun - 1)


@pytest.mark.parametrize("option", ["json", "stateless"])
def test_servers_that_answer_with_json_or_keep_no_session_are_called_too(stack: Stack, option: str) -> None:
    with tool_server(option) as tools:
        make_trigger(stack, f"greet {option}", f"Hi{option}", "mcp", call(tools, "greet", {"name": "{{data.name}}"}))
        done = delivery(stack, post(stack, f"Hi{option}", {"name": "Ada"}), "succeeded")
        assert "Hello, Ada" in done["attempts"][0]["response"]


def test_what_a_tool_or_its_server_refuses_is_written_down(stack: Stack, tools: ToolServer) -> None:
    once = {"max_attempts": 1}
    make_trigger(stack, "fails", "ToFail", "mcp", call(tools, "fail", {"reason": "{{data.why}}"}), retry=once)
    dead = delivery(stack, post(stack, "ToFail", {"why": "out of paper"}), "dead")
    assert "out of paper" in dead["last_error"]

    make_trigger(stack, "absent", "ToMiss", "mcp", call(tools, "no_such_tool", {}))
    dead = delivery(stack, post(stack, "ToMiss", {}), "dead")
    assert "has no tool no_such_tool; it has open_ticket" in dead["last_error"]

    locked = call(tools, "greet", {"name": "x"}) | {"headers": {"authorization": "Bearer a-wrong-secret"}}
    make_trigger(stack, "locked", "ToLock", "mcp", locked)
    dead = delivery(stack, post(stack, "ToLock", {}), "dead")
    assert dead["attempts"][0]["status_code"] == 401 and "a-wrong-secret" not in json.dumps(dead)


def test_bad_settings_are_refused_with_their_pointers(stack: Stack) -> None:
    config = {"server_url": "https://x.example/{{data.path}}", "tool": "{{data.tool}}", "arguments": []}
    assert set(problems(stack, "mcp", config)) == {"/server_url", "/tool", "/arguments"}
