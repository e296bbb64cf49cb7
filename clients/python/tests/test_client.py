import json
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from collider import Client, ColliderError

KEY = "ck_test_0123456789"
Answer = tuple[int, dict[str, str], bytes] | None


class Gateway:
    """Answers from a list; None closes the connection without an answer."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or "null")
                gateway.requests.append((self.path, dict(self.headers), body))
                answer = gateway.answers.pop(0) if gateway.answers else gateway.success(body)
                if answer is None:
                    return
                status, headers, content = answer
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PATCH = do_DELETE = do_POST

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @staticmethod
    def success(body: Any) -> Answer:
        if isinstance(body, list):
            results = [{"index": index, "status": 201, "id": f"id-{index}"} for index in range(len(body))]
            batch = {"accepted": len(body), "duplicates": 0, "rejected": 0, "results": results}
            return 200, {}, json.dumps(batch).encode()
        stored = {"id": "event-1", "type": body["type"], "received_at": "2026-01-01T00:00:00Z", "duplicate": False}
        return 201, {}, json.dumps(stored).encode()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def problem(status: int, **members: Any) -> Answer:
    return status, {"Content-Type": "application/problem+json"}, json.dumps({"status": status, **members}).encode()


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    gateway = Gateway()
    yield gateway
    gateway.close()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, which the client then doesn't make."""
    pauses: list[float] = []
    monkeypatch.setattr("collider.transport.clock.sleep", pauses.append)
    return pauses


def test_an_event_is_sent_with_its_members_and_the_key(gateway: Gateway) -> None:
    client = Client(gateway.url + "/", KEY)
    time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    stored = client.send("UserSignup", {"email": "ålice@example.com"}, source="web", subject="u1", id="1", time=time)
    assert (stored.id, stored.type, stored.duplicate) == ("event-1", "UserSignup", False)
    path, headers, body = gateway.requests[0]
    assert path == "/api/v1/events"
    assert headers["Authorization"] == f"Bearer {KEY}" and headers["Content-Type"] == "application/json"
    assert body == {
        "type": "UserSignup",
        "data": {"email": "ålice@example.com"},
        "source": "web",
        "subject": "u1",
        "id": "1",
        "time": "2026-01-02T03:04:05+00:00",
    }


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


def test_a_score_follows_from_the_event_of_its_frame(gateway: Gateway) -> None:
    event = uuid.uuid4()
    Client(gateway.url, KEY).score(str(event), "churn", 1, subject="user-7", data={"model": "m", "name": "other"})
    _, _, body = gateway.requests[0]
    assert body["type"] == "Score" and body["cause"] == str(event) and body["subject"] == "user-7"
    assert body["data"] == {"model": "m", "name": "churn", "value": 1.0} and uuid.UUID(body["id"])


def test_a_score_takes_a_frame_an_element_of_a_batch_or_an_id(gateway: Gateway) -> None:
    np = pytest.importorskip("numpy")
    from collider import FRAME, Frame

    event = uuid.uuid4()
    batch = np.zeros(1, FRAME)
    batch[0]["event_id"] = np.frombuffer(event.bytes, np.uint8)
    client = Client(gateway.url, KEY)
    client.score(Frame.from_record(batch[0]), "a", np.float32(0.5))
    given = [batch[0], event, str(event).upper()]
    result = client.score_many([(frame, "b", 0.25) for frame in given])
    assert result.accepted == 3
    sent = [gateway.requests[0][2], *gateway.requests[1][2]]
    assert [item["cause"] for item in sent] == [str(event)] * 4
    assert sent[0]["data"] == {"name": "a", "value": 0.5}
    client.send("Note", {}, cause=event)
    assert gateway.requests[2][2]["cause"] == str(event)


@pytest.mark.parametrize("frame", [7, b"x", {"event_id": b"short"}, None])
def test_what_is_no_frame_is_not_scored(gateway: Gateway, frame: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        Client(gateway.url, KEY).score(frame, "a", 1)
    with pytest.raises(ValueError):
        Client(gateway.url, KEY).score(uuid.uuid4(), "a", float("nan"))
    assert gateway.requests == []


def test_many_events_go_in_batches_and_results_keep_their_places(gateway: Gateway) -> None:
    result = Client(gateway.url, KEY).send_many({"type": "A", "data": {"n": n}} for n in range(2_500))
    assert [len(body) for _, _, body in gateway.requests] == [1000, 1000, 500]
    assert (result.accepted, result.rejected) == (2_500, 0)
    assert [entry["index"] for entry in result.results] == list(range(2_500))
    assert len({event["id"] for _, _, body in gateway.requests for event in body}) == 2_500


def test_large_events_make_smaller_batches(gateway: Gateway) -> None:
    text = "x" * 900_000
    Client(gateway.url, KEY).send_many({"type": "A", "data": {"text": text}} for _ in range(20))
    assert [len(body) for _, _, body in gateway.requests] == [9, 9, 2]


def test_nothing_to_send_sends_nothing(gateway: Gateway) -> None:
    assert Client(gateway.url, KEY).send_many([]).results == []
    assert gateway.requests == []


def test_values_that_json_lacks_are_refused_before_sending(gateway: Gateway) -> None:
    with pytest.raises(ValueError, match="JSON"):
        Client(gateway.url, KEY).send("A", {"value": float("nan")})
    with pytest.raises(ValueError, match="time zone"):
        Client(gateway.url, KEY).send("A", {}, time=datetime(2026, 1, 1))
    assert gateway.requests == []


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://host", "", "http://"])
def test_a_bad_base_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        Client(url, KEY)


def test_a_key_with_a_line_break_is_refused() -> None:
    with pytest.raises(ValueError, match="API key"):
        Client("http://127.0.0.1", KEY + "\n")


def test_the_key_is_not_shown(gateway: Gateway) -> None:
    assert KEY not in repr(Client(gateway.url, KEY))


def test_a_program_that_only_sends_loads_no_numpy() -> None:
    code = "import collider, sys; collider.Client; assert 'numpy' not in sys.modules; assert 'Frame' in dir(collider)"
    subprocess.run([sys.executable, "-c", code], check=True)


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
