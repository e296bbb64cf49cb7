"""Clients of HTTP/2 that mean harm, or take their time: each is bounded, and leaves the others alone."""

import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
import raw_http2 as h2
from gateways import Gateway, Organization, gateways, organizations
from raw_http2 import EVENT, Connection, assert_alive, authorized
from stack import Stack

MEBIBYTE = 1 << 20
HEAD_SECONDS, IDLE_SECONDS = 2, 3
DEADLINES = {
    "SERVER_HEAD_SECONDS": str(HEAD_SECONDS),
    "SERVER_BODY_SECONDS": "3",
    "SERVER_IDLE_SECONDS": str(IDLE_SECONDS),
}


@pytest.fixture(scope="module")
def tenant(stack: Stack) -> Organization:
    return organizations(stack, "hostile-second", parts=1)[0]


@pytest.fixture(scope="module")
def gateway(stack: Stack) -> Iterator[Gateway]:
    with gateways(stack, 1) as (_, running):
        yield running[0]


@pytest.fixture(scope="module")
def impatient(stack: Stack) -> Iterator[Gateway]:
    with gateways(stack, 1, **DEADLINES) as (_, running):
        yield running[0]


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
        assert connection.goaway is not None or connection.answers[261].reset == h2.REFUSED_STREAM
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
            # More often than a connection may be idle, and for longer than a body may take.
            time.sleep(0.1)
        assert slow.answer(3).reset is not None or slow.answers[3].status == 400
        assert slow.goaway is None and slow.answers[1].reset is None, "the stream of events goes on"
        assert unread.answer(1).reset is not None
        idle.read_to_end()
        assert idle.goaway == h2.NO_ERROR
    assert_alive(impatient, tenant)
