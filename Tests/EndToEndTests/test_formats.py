"""Events in every format, made by independent producers: the CloudEvents SDK, gzip and plain NDJSON."""

import gzip
import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cloudevents.conversion import to_binary, to_json, to_structured
from cloudevents.http import CloudEvent
from stack import Stack

ATTRIBUTES = {
    "type": "com.example.order.paid",
    "source": "https://shop.example/orders",
    "subject": "order 17 ü",
    "time": datetime(2026, 3, 1, 9, 30, tzinfo=UTC).isoformat(),
    "region": "eu-1",
}


def send(stack: Stack, body: bytes, headers: dict[str, str]) -> dict[str, object]:
    status, answer, _ = stack.request("POST", "/api/v1/events", body, headers=headers)
    assert status in (200, 201), answer
    return answer


@pytest.mark.parametrize("write", [to_structured, to_binary])
def test_a_cloud_event_of_the_sdk_is_stored_whole(stack: Stack, write) -> None:
    event = CloudEvent(ATTRIBUTES | {"id": f"sdk-{write.__name__}"}, {"amount": 12.5, "note": "grüße"})
    headers, body = write(event)
    first = send(stack, body, headers)
    again = send(stack, body, headers)
    assert first["id"] == again["id"] and again["duplicate"] is True
    stored = stack.get(f"/api/v1/events/{first['id']}")
    assert stored["type"] == ATTRIBUTES["type"] and stored["source"] == ATTRIBUTES["source"]
    assert stored["producer_id"] == event["id"] and stored["data"] == {"amount": 12.5, "note": "grüße"}
    assert stored["time"].startswith("2026-03-01T09:30:00")
    assert stored["metadata"]["cloudevents"]["region"] == "eu-1"


def test_a_batch_of_the_sdk_is_stored(stack: Stack) -> None:
    events = [CloudEvent(ATTRIBUTES | {"id": f"batch-{n}"}, {"n": n}) for n in range(20)]
    body = b"[" + b",".join(to_json(event) for event in events) + b"]"
    answer = send(stack, body, {"Content-Type": "application/cloudevents-batch+json"})
    assert answer["accepted"] == 20
    stored = stack.get(f"/api/v1/events/{answer['results'][7]['id']}")
    assert stored["data"] == {"n": 7} and stored["producer_id"] == "batch-7"


@pytest.mark.parametrize("members", [1, 3])
def test_gzip_is_unpacked_in_every_format(stack: Stack, members: int) -> None:
    lines = [json.dumps({"type": "Packed", "data": {"n": n, "text": "x" * 100}}) + "\n" for n in range(3000)]
    third = len(lines) // members
    body = b"".join(gzip.compress("".join(lines[n : n + third]).encode()) for n in range(0, len(lines), third))
    answer = send(stack, body, {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"})
    assert answer["accepted"] == len(lines) and answer["rejected"] == 0
    single = gzip.compress(json.dumps({"type": "Packed", "data": {}}).encode())
    assert "id" in send(stack, single, {"Content-Encoding": "gzip"})


def test_a_gzip_bomb_is_refused_while_it_is_unpacked(stack: Stack) -> None:
    bomb = gzip.compress(b'{"type":"A","data":{"t":"' + b" " * (200 << 20) + b'"}}')
    assert len(bomb) < 1 << 20
    before = memory(stack)
    for kind in ("application/json", "application/x-ndjson"):
        headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
        status, problem, _ = stack.request("POST", "/api/v1/events", bomb, headers=headers)
        assert status == 413, problem
    assert memory(stack) - before < 64 << 20
    status, problem, _ = stack.request(
        "POST", "/api/v1/events", gzip.compress(b"{}" * 1000)[:-4], headers={"Content-Encoding": "gzip"}
    )
    assert status == 400 and "gzip" in problem["detail"]


def memory(stack: Stack) -> int:
    status = Path(f"/proc/{stack.pid('api-gateway')}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def test_racing_repeats_are_stored_once(stack: Stack) -> None:
    """The same ids from eight threads at once, in every format: one of each is accepted."""
    lines = [json.dumps({"type": "Raced", "source": "race", "id": f"r-{n}", "data": {"n": n}}) for n in range(200)]
    answers: list[dict[str, int]] = []

    def post(number: int) -> None:
        if number % 2:
            body, kind = "\n".join(lines).encode(), "application/x-ndjson"
        else:
            body, kind = ("[" + ",".join(lines) + "]").encode(), "application/json"
        answers.append(send(stack, body, {"Content-Type": kind}))

    threads = [threading.Thread(target=post, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert sum(answer["accepted"] for answer in answers) == 200
    assert sum(answer["duplicates"] for answer in answers) == 7 * 200
    assert len({answer["results"][5]["id"] for answer in answers}) == 1
    assert len(list(stack.pages("/api/v1/events?type=Raced"))) == 200
