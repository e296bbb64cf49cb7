"""Events in every format, made by independent producers: the CloudEvents SDK, gzip and plain NDJSON."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cloudevents.conversion import to_binary, to_json, to_structured
from cloudevents.http import CloudEvent
from stack import Stack

ATTRIBUTES = {
    "type": "com.example.order.paid",
    "source": "https://shop.example/orders",
    "subject": "order 17",
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


@pytest.mark.parametrize(
    ("kind", "data", "stored_data", "form"),
    [
        ("application/json", {"a": [1, "ü"]}, {"a": [1, "ü"]}, None),
        ("application/json", [1, None], {"value": [1, None]}, "value"),
        ("text/plain", "grüße".encode(), {"text": "grüße"}, "text"),
        ("application/octet-stream", b"\x00\xff\x10", {"base64": "AP8Q"}, "base64"),
    ],
)
def test_data_of_the_sdk_is_the_same_in_both_modes(stack: Stack, kind, data, stored_data, form) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    attributes = ATTRIBUTES | {"id": f"mode-{kind}-{form}", "datacontenttype": kind, "traceparent": trace}
    event = CloudEvent(attributes, data)
    ids = set()
    for write in (to_structured, to_binary, to_structured):
        headers, body = write(event)
        ids.add(send(stack, body, headers)["id"])
    assert len(ids) == 1
    stored = stack.get(f"/api/v1/events/{ids.pop()}")
    assert stored["data"] == stored_data and stored["metadata"].get("data_form") == form
    assert stored["metadata"]["cloudevents"] == {"region": "eu-1", "datacontenttype": kind}


@pytest.mark.parametrize(
    ("subject", "stored"),
    [("größe".encode().decode("latin-1"), "größe"), ("gr%C3%B6%C3%9Fe", "größe"), ("größe", None)],
)
def test_text_in_headers_is_taken_whole_or_refused(stack: Stack, subject: str, stored: str | None) -> None:
    # The client sends the characters of a header as bytes of ISO 8859-1.
    event = CloudEvent({"type": "A", "source": "test", "subject": subject}, {})
    headers, body = to_binary(event)
    status, answer, _ = stack.request("POST", "/api/v1/events", body, headers=headers)
    if stored is None:
        assert status == 422 and answer["errors"][0]["pointer"] == "/subject", answer
    else:
        assert status == 201 and stack.get(f"/api/v1/events/{answer['id']}")["subject"] == stored


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


def test_what_was_stored_before_a_damaged_end_is_told(stack: Stack) -> None:
    lines = [json.dumps({"type": "Cut", "id": f"cut-{n}", "data": {"n": n}}) + "\n" for n in range(5000)]
    packed = gzip.compress("".join(lines).encode())
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    for damaged in (packed[: len(packed) * 3 // 4], packed + b"not gzip", packed[:-6] + b"\0" * 6):
        status, problem, _ = stack.request("POST", "/api/v1/events", damaged, headers=headers)
        assert status == 400 and "gzip" in problem["detail"], problem
        assert 0 < problem["settled"] <= len(lines)
        assert problem["accepted"] + problem["duplicates"] == problem["settled"]
        stored = [event["data"]["n"] for event in stack.pages("/api/v1/events?type=Cut&order=asc")]
        assert stored[: problem["settled"]] == list(range(problem["settled"]))
    again = send(stack, packed, headers)
    assert again["accepted"] + again["duplicates"] == len(lines)
    assert len(list(stack.pages("/api/v1/events?type=Cut"))) == len(lines)


def test_a_gzip_bomb_is_refused_while_it_is_unpacked(stack: Stack) -> None:
    bomb = gzip.compress(b'{"type":"A","data":{"t":"' + b" " * (200 << 20) + b'"}}')
    assert len(bomb) < 1 << 20
    with grows_by_less_than(stack, 64 << 20):
        for kind in ("application/json", "application/x-ndjson"):
            headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
            status, problem, _ = stack.request("POST", "/api/v1/events", bomb, headers=headers)
            assert status == 413, problem
    status, problem, _ = stack.request(
        "POST", "/api/v1/events", gzip.compress(b"{}" * 1000)[:-4], headers={"Content-Encoding": "gzip"}
    )
    assert status == 400 and "gzip" in problem["detail"]


def test_a_large_array_costs_about_its_text(stack: Stack) -> None:
    """A tree of its eight million numbers would take hundreds of megabytes."""
    body = (b'[{"type":"A","data":{}},' + b"1," * (8 << 20))[: (16 << 20) - 2] + b"1]"
    with grows_by_less_than(stack, 64 << 20):
        status, problem, _ = stack.request("POST", "/api/v1/events", body)
    assert status == 422 and "10000" in problem["detail"], problem


@contextmanager
def grows_by_less_than(stack: Stack, limit: int) -> Iterator[None]:
    """Holds the most memory that the gateway ever has meanwhile against what it has before."""
    process = Path(f"/proc/{stack.pid('api-gateway')}")
    (process / "clear_refs").write_text("5")
    before = _kibibytes(process, "VmRSS")
    yield
    assert (_kibibytes(process, "VmHWM") - before) * 1024 < limit


def _kibibytes(process: Path, name: str) -> int:
    for line in (process / "status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise AssertionError(f"no {name}")


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
