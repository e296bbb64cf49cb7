"""HTTP/2 in the clear, on the port of HTTP/1.1: by clients that others wrote, and by some that mean harm."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import raw_http2 as h2
from gateways import Gateway, Organization, gateways, organizations
from raw_http2 import Connection
from stack import Stack, wait_until

MEBIBYTE = 1 << 20
HEAD_SECONDS, IDLE_SECONDS = 2, 3
DEADLINES = {
    "SERVER_HEAD_SECONDS": str(HEAD_SECONDS),
    "SERVER_BODY_SECONDS": "3",
    "SERVER_IDLE_SECONDS": str(IDLE_SECONDS),
}
EVENT = b'{"type":"Second","data":{"n":1}}'


@pytest.fixture(scope="module")
def tenant(stack: Stack) -> Organization:
    return organizations(stack, "second", parts=1)[0]


@pytest.fixture(scope="module")
def gateway(stack: Stack) -> Iterator[Gateway]:
    with gateways(stack, 1) as (_, running):
        yield running[0]


@pytest.fixture(scope="module")
def impatient(stack: Stack) -> Iterator[Gateway]:
    with gateways(stack, 1, **DEADLINES) as (_, running):
        yield running[0]


def authorized(tenant: Organization) -> tuple[str, str]:
    return ("authorization", f"Bearer {tenant.key}")


def assert_alive(gateway: Gateway, tenant: Organization) -> None:
    with Connection(gateway.port) as connection:
        json_type = ("content-type", "application/json")
        connection.request(1, "POST", "/api/v1/events", authorized(tenant), json_type, body=EVENT)
        assert connection.answer(1).status == 201
    assert gateway.process.poll() is None, gateway.log.read_text()[-2000:]


def curl(port: int, path: str, *arguments: str, stdin: bytes = b"") -> tuple[str, int, bytes]:
    """The version that was spoken, the status and the body."""
    command = [
        "curl",
        "-sS",
        "--max-time",
        "30",
        "-w",
        "\n%{http_version} %{http_code}",
        *arguments,
    ]
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{path}"],
        input=stdin,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    body, _, words = done.stdout.rpartition(b"\n")
    version, status = words.decode().split()
    return version, int(status), body


def test_curl_posts_and_reads_over_both(gateway: Gateway, tenant: Organization) -> None:
    name, value = authorized(tenant)
    fields = ["-H", f"{name}: {value}", "-H", "content-type: application/json"]
    for arguments, spoken in (
        (["--http2-prior-knowledge"], "2"),
        (["--http1.1"], "1.1"),
        # The upgrade of RFC 7540 is gone from RFC 9113: what asks for it is answered as what it is.
        (["--http2"], "1.1"),
        (["--http1.0"], "1.1"),
    ):
        version, status, body = curl(gateway.port, "/api/v1/events", *arguments, *fields, "-d", EVENT.decode())
        assert (version, status) == (spoken, 201), body
        identity = json.loads(body)["id"]
        version, status, body = curl(gateway.port, f"/api/v1/events/{identity}", *arguments, *fields)
        assert (version, status, json.loads(body)["type"]) == (spoken, 200, "Second")
        assert curl(gateway.port, "/nowhere", *arguments, *fields)[:2] == (spoken, 404)
        assert curl(gateway.port, "/livez", *arguments, "-I")[:2] == (spoken, 200)


def test_large_bodies_go_both_ways(gateway: Gateway, tenant: Organization, tmp_path: Path) -> None:
    name, value = authorized(tenant)
    fields = [
        "--http2-prior-knowledge",
        "-H",
        f"{name}: {value}",
        "-H",
        "content-type: application/json",
    ]
    events = [{"type": "Large", "data": {"n": number, "text": "x" * 5_000}} for number in range(900)]
    batch = tmp_path / "batch.json"
    batch.write_text(json.dumps(events))
    version, status, body = curl(gateway.port, "/api/v1/events", *fields, "--data-binary", f"@{batch}")
    assert (version, status, json.loads(body)["accepted"]) == ("2", 200, 900)
    version, status, body = curl(gateway.port, "/api/v1/events?type=Large&limit=1000", *fields)
    # A page is bounded in its bytes too.
    assert (version, status) == ("2", 200) and len(json.loads(body)["data"]) > 500
    # Without a length, from a pipe; and one that is longer than any may be.
    version, status, body = curl(gateway.port, "/api/v1/events", *fields, "-T", "-", "-X", "POST", stdin=EVENT)
    assert (version, status) == ("2", 201), body
    batch.write_bytes(b"[" + b" " * (17 * MEBIBYTE))
    version, status, body = curl(gateway.port, "/api/v1/events", *fields, "--data-binary", f"@{batch}")
    assert (version, status) == ("2", 413), body
    assert_alive(gateway, tenant)


def test_a_client_of_others_asks_many_things_at_once(gateway: Gateway, tenant: Organization) -> None:
    headers = dict([authorized(tenant)])
    with httpx.Client(
        http1=False,
        http2=True,
        headers=headers,
        base_url=f"http://127.0.0.1:{gateway.port}",
    ) as client:
        ids = set()
        for number in range(50):
            answer = client.post("/api/v1/events", json={"type": "Client", "data": {"n": number}})
            assert (answer.http_version, answer.status_code) == ("HTTP/2", 201), answer.text
            ids.add(answer.json()["id"])
        listed = client.get("/api/v1/events", params={"type": "Client", "limit": 100}).json()["data"]
        assert {event["id"] for event in listed} == ids
        packed = client.get("/openapi.json")
        assert packed.headers["content-encoding"] == "gzip" and "connection" not in packed.headers
        wrong = client.post("/api/v1/events", content=b"{", headers={"content-type": "application/json"})
        assert (wrong.status_code, wrong.headers["content-type"]) == (
            400,
            "application/problem+json",
        )


def test_a_hundred_requests_share_a_connection(gateway: Gateway, tenant: Organization) -> None:
    with Connection(gateway.port) as connection:
        for number in range(100):
            connection.request(2 * number + 1, "GET", "/api/v1/events?limit=1", authorized(tenant))
        for number in range(100):
            answer = connection.answers.get(2 * number + 1)
            if not (answer and answer.is_ended):
                answer = connection.answer(2 * number + 1)
            assert answer.status == 200
        assert connection.goaway is None


def test_a_stream_of_events_lives_beside_requests(gateway: Gateway, tenant: Organization) -> None:
    with Connection(gateway.port) as connection:
        connection.request(1, "GET", "/api/v1/events/stream?type=Live", authorized(tenant))
        for _ in connection.frames():
            if connection.answers[1].body if 1 in connection.answers else b"":
                break
        assert connection.answers[1].headers["content-type"] == "text/event-stream"
        assert "connection" not in connection.answers[1].headers
        for number in range(3):
            body = json.dumps({"type": "Live", "data": {"n": number}}).encode()
            json_type = ("content-type", "application/json")
            connection.request(
                2 * number + 3,
                "POST",
                "/api/v1/events",
                authorized(tenant),
                json_type,
                body=body,
            )
        for _ in connection.frames():
            if connection.answers[1].body.count(b"data: {") == 3 and connection.answers[7].is_ended:
                break
        assert [connection.answers[number].status for number in (3, 5, 7)] == [201] * 3
        connection.reset(1)
        metrics = f"http://127.0.0.1:{gateway.port}/metrics"
        wait_until(
            "end of the stream",
            10,
            lambda: "gateway_open_streams 0" in httpx.get(metrics).text,
        )
        connection.request(9, "GET", "/livez")
        assert connection.answer(9).status == 200


def test_more_streams_than_allowed_are_refused_alone(gateway: Gateway, tenant: Organization) -> None:
    with Connection(gateway.port) as connection:
        for number in range(130):
            connection.request(
                2 * number + 1,
                "GET",
                "/api/v1/events/stream?type=None",
                authorized(tenant),
            )
        connection.request(2 * 130 + 1, "GET", "/livez")
        for _ in connection.frames():
            if connection.goaway is not None or connection.answers.get(261, h2.Answer()).reset is not None:
                break
        begun = [answer for answer in connection.answers.values() if answer.status == 200]
        assert len(begun) <= 100
    assert_alive(gateway, tenant)


def test_rapid_resets_end_the_connection(gateway: Gateway, tenant: Organization) -> None:
    memory = gateway.memory()
    for _ in range(3):
        with Connection(gateway.port, timeout=60) as connection:
            for number in range(5_000):
                connection.request(2 * number + 1, "GET", "/api/v1/events?limit=1", authorized(tenant))
                connection.reset(2 * number + 1)
                if connection.is_closed:
                    break
            connection.read_to_end()
            assert connection.goaway in (h2.ENHANCE_YOUR_CALM, None) and connection.is_closed
    assert_alive(gateway, tenant)
    assert gateway.memory() < memory + 64 * MEBIBYTE


@pytest.mark.parametrize(
    "flood",
    [
        h2.frame(h2.PING, 0, 0, bytes(8)),
        h2.frame(h2.SETTINGS, 0, 0, b""),
        h2.frame(h2.PRIORITY, 0, 1, bytes(5)),
        # An empty head that never ends, and frames that belong to nothing.
        h2.frame(h2.HEADERS, 0, 1, b"") + h2.frame(h2.CONTINUATION, 0, 1, b"") * 20,
        h2.frame(h2.WINDOW_UPDATE, 0, 0, bytes([0x7F, 0xFF, 0xFF, 0xFF])),
        h2.frame(h2.DATA, 0, 1, b"x"),
        h2.frame(h2.HEADERS, h2.END_HEADERS, 2, b""),
        h2.frame(h2.HEADERS, h2.END_HEADERS, 1, b"\xff" * 20),
        h2.frame(h2.SETTINGS, 0, 0, b"xyz"),
    ],
    ids=[
        "ping",
        "settings",
        "priority",
        "continuation",
        "window",
        "orphan",
        "even",
        "compression",
        "length",
    ],
)
def test_floods_end_the_connection(gateway: Gateway, tenant: Organization, flood: bytes) -> None:
    memory = gateway.memory()
    with Connection(gateway.port) as connection:
        for _ in range(200):
            connection.send(flood * 10)
            if connection.is_closed:
                break
        connection.read_to_end()
        assert connection.is_closed
    assert_alive(gateway, tenant)
    assert gateway.memory() < memory + 32 * MEBIBYTE


def test_a_head_that_is_too_large_is_answered_or_ends_the_connection(gateway: Gateway, tenant: Organization) -> None:
    with Connection(gateway.port) as connection:
        connection.request(1, "GET", "/livez")
        assert connection.answer(1).status == 200
        # Many fields, then many bytes; the connection goes on.
        connection.request(3, "GET", "/livez", *[(f"x-{number}", "a") for number in range(120)])
        assert connection.answer(3).status == 431
        fields = connection.fields("GET", "/livez", *[(f"y-{number}", "b" * 8_000) for number in range(5)])
        parts = [fields[start : start + 16_000] for start in range(0, len(fields), 16_000)]
        kinds = [h2.HEADERS] + [h2.CONTINUATION] * (len(parts) - 1)
        for kind, part in zip(kinds, parts, strict=True):
            ends = (h2.END_HEADERS if part is parts[-1] else 0) | (h2.END_STREAM if kind == h2.HEADERS else 0)
            connection.send(h2.frame(kind, ends, 5, part))
        answer = connection.answer(5)
        assert (answer.status, json.loads(answer.body)["type"]) == (
            431,
            "urn:collider:problem:head-too-large",
        )
        connection.request(7, "GET", "/livez")
        assert connection.answer(7).status == 200
    with Connection(gateway.port) as connection:
        connection.send(h2.frame(h2.HEADERS, 0, 1, b"\x00\x01a\x7f\xff\xff\x03" + b"x" * 16_000))
        for _ in range(100):
            connection.send(h2.frame(h2.CONTINUATION, 0, 1, b"x" * 16_000))
        connection.read_to_end()
        assert connection.is_closed
    assert_alive(gateway, tenant)


def test_one_malformed_request_leaves_the_others_alone(gateway: Gateway, tenant: Organization) -> None:
    """Behind a proxy, the requests of many share a connection."""
    with Connection(gateway.port) as connection:
        connection.request(1, "GET", "/api/v1/events/stream?type=None", authorized(tenant))
        connection.request(
            3,
            "POST",
            "/api/v1/events",
            authorized(tenant),
            ("content-length", "5"),
            body=b"123456789",
        )
        assert connection.answer(3).reset is not None or connection.answers[3].status == 400
        connection.request(5, "GET", "/livez", ("connection", "close"))
        assert connection.answer(5).reset == h2.PROTOCOL_ERROR
        connection.request(7, "GET", "/livez", ("Upper", "case"))
        assert connection.answer(7).reset == h2.PROTOCOL_ERROR
        connection.request(9, "GET", "/livez")
        assert connection.answer(9).status == 200
        assert connection.goaway is None and connection.answers.get(1, h2.Answer()).reset is None
    assert_alive(gateway, tenant)


PSEUDO = [(":method", "GET"), (":scheme", "http"), (":authority", "x"), (":path", "/livez")]
# What comes of a head: the status, or the code of the reset.
ODD_HEADS: list[tuple[list[tuple[str, str]], int]] = [
    (PSEUDO, 200),
    ([*PSEUDO, ("te", "trailers")], 200),
    ([(":method", "CONNECT"), (":authority", "x")], 404),
    ([(":method", "OPTIONS"), *PSEUDO[1:3], (":path", "*")], 404),
    ([*PSEUDO[:3], (":path", "livez")], 400),
    ([*PSEUDO[:3], (":path", "http://x/livez")], 400),
    (PSEUDO[:3], h2.PROTOCOL_ERROR),
    ([*PSEUDO[:3], (":path", "")], h2.PROTOCOL_ERROR),
    (PSEUDO[1:], h2.PROTOCOL_ERROR),
    ([(":method", "G T"), *PSEUDO[1:]], h2.PROTOCOL_ERROR),
    ([*PSEUDO, (":path", "/livez")], h2.PROTOCOL_ERROR),
    ([("x", "y"), *PSEUDO], h2.PROTOCOL_ERROR),
    ([*PSEUDO, (":status", "200")], h2.PROTOCOL_ERROR),
    ([*PSEUDO, ("x", "a\r\ntransfer-encoding: chunked")], h2.PROTOCOL_ERROR),
    ([*PSEUDO[:3], (":path", "/livez HTTP/1.1\r\nx: y")], h2.PROTOCOL_ERROR),
    ([*PSEUDO, ("transfer-encoding", "chunked")], h2.PROTOCOL_ERROR),
    ([*PSEUDO, ("Upper", "case")], h2.PROTOCOL_ERROR),
]


def test_odd_heads_are_answered_or_reset_alone(gateway: Gateway, tenant: Organization) -> None:
    with Connection(gateway.port) as connection:
        for number, (fields, outcome) in enumerate(ODD_HEADS):
            stream = 2 * number + 1
            head = bytes(connection.encoder.encode(fields))
            connection.send(h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, stream, head))
            answer = connection.answer(stream)
            assert outcome in (answer.status, answer.reset), f"{fields}: {answer}"
        assert connection.goaway is None


def test_trailers_expectations_and_bodies_without_end(gateway: Gateway, tenant: Organization) -> None:
    fields = [authorized(tenant), ("content-type", "application/json")]
    with Connection(gateway.port) as connection:
        connection.send(h2.frame(h2.HEADERS, h2.END_HEADERS, 1, connection.fields("POST", "/api/v1/events", *fields)))
        connection.send(h2.frame(h2.DATA, 0, 1, EVENT))
        trailers = bytes(connection.encoder.encode([("x-checksum", "1")]))
        connection.send(h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, trailers))
        assert connection.answer(1).status == 201
        head = connection.fields("POST", "/api/v1/events", *fields, ("expect", "100-continue"))
        connection.send(h2.frame(h2.HEADERS, h2.END_HEADERS, 3, head))
        for _ in connection.frames():
            if connection.answers.get(3, h2.Answer()).status == 100:
                break
        connection.send(h2.frame(h2.DATA, h2.END_STREAM, 3, EVENT))
        assert connection.answer(3).status == 201
        # Nobody reads this body; the answer comes, and then the end of the stream.
        connection.send(h2.frame(h2.HEADERS, h2.END_HEADERS, 5, connection.fields("POST", "/nowhere")))
        connection.send(h2.frame(h2.DATA, 0, 5, b"x" * 1_000))
        assert connection.answer(5).status == 404
        for _ in connection.frames():
            if connection.answers[5].reset is not None:
                break
        connection.request(7, "GET", "/livez")
        assert connection.answer(7).status == 200


def test_what_a_small_head_unpacks_to_is_bounded(gateway: Gateway, tenant: Organization) -> None:
    memory = gateway.memory()
    with Connection(gateway.port) as connection:
        connection.request(1, "GET", "/livez")
        assert connection.answer(1).status == 200
        # A field of 4,000 bytes that is remembered, and then named 8,000 times with a byte each: 32 MB.
        remembered = b"\x40\x01a\x7f\xa1\x1e" + b"x" * 4_000
        head = connection.fields("GET", "/livez") + remembered + b"\xbe" * 8_000
        connection.send(h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 3, head))
        connection.read_to_end()
        assert connection.goaway is not None
    assert_alive(gateway, tenant)
    assert gateway.memory() < memory + 16 * MEBIBYTE


def test_whoever_says_nothing_is_cut_off(impatient: Gateway, tenant: Organization) -> None:
    settings = h2.frame(h2.SETTINGS, 0, 0, b"")
    beginnings = (
        b"",
        h2.PREFACE[:10],
        h2.PREFACE + settings,
        h2.PREFACE + settings + h2.frame(h2.HEADERS, 0, 1, b"x"),
    )
    waiting = [socket.create_connection(("127.0.0.1", impatient.port), timeout=30) for _ in beginnings]
    for opened, beginning in zip(waiting, beginnings, strict=True):
        opened.sendall(beginning)
    for opened in waiting:
        while opened.recv(1024):
            pass
        opened.close()
    assert_alive(impatient, tenant)


def test_slow_bodies_unread_answers_and_idle_connections_are_cut_off(impatient: Gateway, tenant: Organization) -> None:
    batch = b"[" + b",".join([b'{"type":"Unread","data":{"t":"' + b"x" * 10_000 + b'"}}'] * 100) + b"]"
    json_type = ("content-type", "application/json")
    httpx.post(
        f"http://127.0.0.1:{impatient.port}/api/v1/events",
        content=batch,
        headers=dict([authorized(tenant), json_type]),
    ).raise_for_status()
    with (
        Connection(impatient.port) as slow,
        Connection(impatient.port, window=0) as unread,
        Connection(impatient.port) as idle,
    ):
        # A body of which a byte comes now and then, beside a stream that stays.
        slow.request(1, "GET", "/api/v1/events/stream?type=None", authorized(tenant))
        fields = slow.fields("POST", "/api/v1/events", authorized(tenant), json_type)
        slow.send(h2.frame(h2.HEADERS, h2.END_HEADERS, 3, fields))
        unread.request(1, "GET", "/api/v1/events?type=Unread&limit=100", authorized(tenant))
        idle.request(1, "GET", "/livez")
        assert idle.answer(1).status == 200
        for _ in range(60):
            slow.send(h2.frame(h2.DATA, 0, 3, b"["))
            time.sleep(0.1)
        assert slow.answer(3).reset is not None or slow.answers[3].status == 400
        assert slow.goaway is None and slow.answers[1].reset is None, "the stream of events goes on"
        assert unread.answer(1).reset is not None
        idle.read_to_end()
        assert idle.goaway == h2.NO_ERROR
    assert_alive(impatient, tenant)
