"""Requests and answers: what is tried again, what is refused, lists, streams, and where the key goes."""

import json
from datetime import UTC, datetime

import pytest
from collider import Client, ColliderError
from fake_gateway import KEY, Answer, Gateway, problem


@pytest.mark.parametrize("failure", [None, problem(503, title="Busy"), problem(429, title="Slow down")])
def test_a_failure_that_passes_is_tried_again_under_the_same_id(
    gateway: Gateway, pauses: list[float], failure: Answer
) -> None:
    gateway.answers = [failure, failure]
    assert Client(gateway.url, KEY).send("A", {}).id == "event-1"
    ids = [body["id"] for _, _, body in gateway.requests]
    assert len(ids) == 3 and len(set(ids)) == 1
    assert len(pauses) == 2 and pauses[1] > pauses[0] / 2 > 0


def test_the_server_says_how_long_to_wait(gateway: Gateway, pauses: list[float]) -> None:
    gateway.answers = [(503, {"Retry-After": "7"}, b"{}"), (503, {"Retry-After": "86400"}, b"{}")]
    Client(gateway.url, KEY).send("A", {})
    assert pauses == [7.0, 30.0]


def test_in_the_end_it_gives_up(gateway: Gateway, pauses: list[float]) -> None:
    gateway.answers = [problem(503, title="Log is full", detail="try later")] * 3
    with pytest.raises(ColliderError, match="503 Log is full: try later") as caught:
        Client(gateway.url, KEY, retries=2).send("A", {})
    assert caught.value.status == 503 and len(pauses) == 2


def test_nobody_answering_is_a_collider_error(gateway: Gateway, pauses: list[float]) -> None:
    gateway.answers = [None]
    with pytest.raises(ColliderError, match="No answer") as caught:
        Client(gateway.url, KEY, retries=0).send("A", {})
    assert caught.value.status == 0 and KEY not in str(caught.value)


def test_a_problem_is_raised_with_what_is_wrong_where(gateway: Gateway, pauses: list[float]) -> None:
    gateway.answers = [
        problem(422, title="Invalid event", detail="1 problem", errors=[{"pointer": "/type", "detail": "is empty"}])
    ]
    with pytest.raises(ColliderError, match="/type: is empty") as caught:
        Client(gateway.url, KEY).send("", {})
    error = caught.value
    assert (error.title, error.detail, error.status) == ("Invalid event", "1 problem", 422)
    assert error.errors == [{"pointer": "/type", "detail": "is empty"}]
    assert pauses == []


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff"])
def test_an_answer_of_something_else_is_explained(gateway: Gateway, body: bytes) -> None:
    gateway.answers = [(200, {}, body), (404, {}, body)]
    client = Client(gateway.url, KEY)
    with pytest.raises(ColliderError, match="Unexpected answer"):
        client.send("A", {})
    with pytest.raises(ColliderError, match="404"):
        client.send("A", {})


def test_the_key_follows_no_redirect(gateway: Gateway) -> None:
    gateway.answers = [(302, {"Location": gateway.url + "/elsewhere"}, b"")]
    with pytest.raises(ColliderError, match="302"):
        Client(gateway.url, KEY).send("A", {})
    assert len(gateway.requests) == 1


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://host", "", "http://"])
def test_a_bad_base_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        Client(url, KEY)


def test_a_key_with_a_line_break_is_refused() -> None:
    with pytest.raises(ValueError, match="API key"):
        Client("http://127.0.0.1", KEY + "\n")


def test_the_key_is_not_shown(gateway: Gateway) -> None:
    assert KEY not in repr(Client(gateway.url, KEY))


def test_a_list_is_read_page_by_page_while_it_is_gone_through(gateway: Gateway) -> None:
    gateway.answers = [
        (200, {}, json.dumps({"data": [{"id": "1"}, {"id": "2"}], "next_cursor": "a b&c"}).encode()),
        (200, {}, json.dumps({"data": [{"id": "3"}], "next_cursor": None}).encode()),
    ]
    triggers = Client(gateway.url, KEY).triggers.list(limit=2)
    assert gateway.requests == []
    assert [trigger["id"] for trigger in triggers] == ["1", "2", "3"]
    paths = [path for path, _, _ in gateway.requests]
    assert paths == ["/api/v1/triggers?limit=2", "/api/v1/triggers?limit=2&cursor=a%20b%26c"]


def test_what_is_asked_for_is_written_as_the_api_takes_it(gateway: Gateway) -> None:
    gateway.answers = [(200, {}, b'{"data": [], "next_cursor": null}')] * 2
    client = Client(gateway.url, KEY)
    since = datetime(2026, 1, 2, tzinfo=UTC)
    assert list(client.events.list(filter={"field": "n", "operator": "eq", "value": 1}, since=since)) == []
    assert list(client.deliveries.list(replayed=False, status="dead")) == []
    assert "filter=%7B%22field%22%3A%22n%22" in gateway.requests[0][0]
    assert "from=2026-01-02T00%3A00%3A00%2B00%3A00" in gateway.requests[0][0]
    assert gateway.requests[1][0] == "/api/v1/deliveries?status=dead&replayed=false&limit=100"
    with pytest.raises(ValueError, match="time zone"):
        list(client.firings.list(since=datetime(2026, 1, 2)))


def test_what_must_not_be_done_twice_is_tried_again_only_when_it_was_refused(
    gateway: Gateway, pauses: list[float]
) -> None:
    client = Client(gateway.url, KEY)
    for failure, tries in ((None, 1), (problem(503, title="Away"), 1)):
        gateway.requests.clear()
        gateway.answers = [failure, failure]
        with pytest.raises(ColliderError):
            client.triggers.create({"name": "A"})
        assert len(gateway.requests) == tries
    gateway.requests.clear()
    gateway.answers = [problem(429, title="Slow down"), (201, {}, b'{"id": "1"}')]
    assert client.triggers.create({"name": "A"})["id"] == "1" and len(gateway.requests) == 2


def test_a_change_says_which_version_it_is_meant_for(gateway: Gateway) -> None:
    failed = problem(412, title="Precondition failed", type="urn:collider:problem:precondition-failed", request_id="r")
    gateway.answers = [(200, {}, b'{"version": 4}'), failed, (204, {}, b"")]
    client = Client(gateway.url, KEY)
    assert client.triggers.change("a/b", {"enabled": False}, version=3)["version"] == 4
    path, headers, body = gateway.requests[0]
    assert (path, headers["If-Match"], body) == ("/api/v1/triggers/a%2Fb", '"v3"', {"enabled": False})
    assert headers["Content-Type"] == "application/merge-patch+json"
    with pytest.raises(ColliderError) as caught:
        client.triggers.delete("x", version=3)
    assert caught.value.type.endswith("precondition-failed") and caught.value.request_id == "r"
    client.triggers.delete("x")
    assert "If-Match" not in gateway.requests[2][1]


def test_a_stream_gives_events_as_they_come_and_its_problem(gateway: Gateway) -> None:
    text = 'retry: 2000\n\n: heartbeat\nid: 1\ndata: {"id": "1"}\n\nevent: error\ndata: {"reason": "shutdown"}\n\n'
    gateway.answers = [(200, {}, text.encode()), problem(401, title="Authentication required")]
    client = Client(gateway.url, KEY)
    assert list(client.events.stream(type="A", after="0")) == [{"id": "1"}]
    assert gateway.requests[0][0] == "/api/v1/events/stream?type=A&last_event_id=0"
    assert gateway.requests[0][1]["Accept"] == "text/event-stream"
    with pytest.raises(ColliderError, match="401"):
        next(client.events.stream())


@pytest.mark.parametrize("data", ["{", "\xff"])
def test_a_stream_of_something_else_is_explained(gateway: Gateway, data: str) -> None:
    gateway.answers = [(200, {}, f"data: {data}\n\n".encode("latin-1"))]
    with pytest.raises(ColliderError, match="Unexpected answer"):
        next(Client(gateway.url, KEY).events.stream())
