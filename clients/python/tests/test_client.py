"""Events and scores that are sent, one by one and many at once."""

import subprocess
import sys
import uuid
from datetime import UTC, datetime

import pytest
from collider import Client
from fake_gateway import KEY, Gateway


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


def test_a_program_that_only_sends_loads_no_numpy() -> None:
    code = "import collider, sys; collider.Client; assert 'numpy' not in sys.modules; assert 'Frame' in dir(collider)"
    subprocess.run([sys.executable, "-c", code], check=True)
