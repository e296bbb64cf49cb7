"""Every limit of the door over HTTP, and bodies and framings that are lies: refused, and nobody else notices."""

import json
import socket
import struct
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from gateways import Database, Gateway, Organization, gateways, organizations
from raw_http import Answer, Connection, head
from stack import ROOT, Stack

MEBIBYTE = 1 << 20
SEEDS = ROOT / "Tests" / "Fuzzing" / "Seeds" / "json"


class Door:
    """A gateway and a key for it."""

    def __init__(self, database: Database, gateway: Gateway, tenant: Organization) -> None:
        self.database = database
        self.gateway = gateway
        self.tenant = tenant
        self.authorization = ("authorization", f"Bearer {tenant.key}")

    def connect(self, timeout: float = 30) -> Connection:
        return Connection(self.gateway.port, timeout)

    def head(self, *fields: tuple[str, str], path: str = "/api/v1/events") -> bytes:
        return head("POST", path, self.authorization, ("content-type", "application/json"), *fields)

    def post(self, body: bytes, path: str = "/api/v1/events") -> Answer:
        with self.connect() as connection:
            connection.send(self.head(("content-length", str(len(body))), path=path) + body)
            answer = connection.answer()
        assert answer is not None, "closed without an answer"
        return answer

    def is_open(self) -> bool:
        """Whether an honest producer is served."""
        return self.post(b'{"type":"Honest","data":{}}').status == 201

    def stored(self) -> int:
        return int(self.database.query("SELECT count(*) FROM events WHERE organization_id = %s", self.tenant.id)[0][0])


@pytest.fixture(scope="module")
def door(stack: Stack) -> Iterator[Door]:
    tenant = organizations(stack, "hostile", parts=1)[0]
    with gateways(stack, 1) as (database, running):
        yield Door(database, running[0], tenant)


def event(data: str = "{}", **members: str) -> bytes:
    rest = "".join(f',"{name}":{json.dumps(value)}' for name, value in members.items())
    return f'{{"type":"A","data":{data}{rest}}}'.encode()


def padded(size: int) -> bytes:
    """An event of exactly so many bytes."""
    frame = len(event('{"text":""}'))
    return event('{"text":"' + "x" * (size - frame) + '"}')


def nested(levels: int) -> str:
    return '{"a":' * (levels - 1) + "{}" + "}" * (levels - 1)


TAKEN = {
    "1 MiB": padded(MEBIBYTE),
    # The envelope is the first level.
    "64 levels": event(nested(63)),
    "type of 255 characters": json.dumps({"type": "é" * 255, "data": {}}, ensure_ascii=False).encode(),
    "2,000 keys": event("{" + ",".join(f'"{n}":0' for n in range(2000)) + "}"),
    "40 digits": event('{"n":1234567890123456789012345678901234567890}'),
    "largest unsigned integer": event('{"n":18446744073709551615}'),
    "exponent 308": event('{"n":1.7e308,"m":1e-308}'),
    "two keys for eyes, not for bytes": event('{"é":1,"e\u0301":2}'),
    "U+0001 escaped": event(r'{"t":"\u0001"}'),
}

JSON_CODES = {
    "empty body": (b"", "empty"),
    "blanks": (b" \n\t ", "empty"),
    "65 levels": (event(nested(64)), "depth"),
    "100,000 levels": (b"[" * 100_000, "depth"),
    "2,001 keys": (event("{" + ",".join(f'"{n}":0' for n in range(2001)) + "}"), "keys"),
    "duplicate key": (event('{"a":1,"a":2}'), "duplicateKey"),
    "duplicate key, escaped": (event(r'{"a":1,"\u0061":2}'), "duplicateKey"),
    "duplicate member": (b'{"type":"A","type":"B","data":{}}', "duplicateKey"),
    "NUL escaped": (event(r'{"t":"a\u0000"}'), "nulCharacter"),
    "NUL raw": (event('{"t":"a\u0000"}'), "controlCharacter"),
    "lone surrogate": (event(r'{"t":"\ud83d"}'), "loneSurrogate"),
    "byte order mark": (b"\xef\xbb\xbf" + event(), "byteOrderMark"),
    "UTF-16": ("\ufeff{}".encode("utf-16-le"), "byteOrderMark"),
    "Latin-1": (event('{"t":"é"}').decode().encode("latin1"), "utf8"),
    "overlong UTF-8": (event('{"t":"x"}').replace(b"x", b"\xc0\xaf"), "utf8"),
    "41 digits": (event('{"n":12345678901234567890123456789012345678901}'), "digits"),
    "exponent 309": (event('{"n":1e309}'), "exponent"),
    "exponent -309": (event('{"n":1e-309}'), "exponent"),
    "growing number": (event('{"n":1e131071}'), "exponent"),
    "no JSON": (b"type=A&data=1", "syntax"),
    "half a body": (event()[:-3], "syntax"),
    "two values": (event() + event(), "trailing"),
    "NaN": (event('{"n":NaN}'), "syntax"),
}

WRONG_MEMBERS = {
    "type of 256 characters": (json.dumps({"type": "é" * 256, "data": {}}).encode(), "/type"),
    "empty type": (b'{"type":"","data":{}}', "/type"),
    "no type": (b'{"data":{}}', "/type"),
    "data that is no object": (b'{"type":"A","data":[]}', "/data"),
    "unknown member": (event(Type="B"), "/Type"),
    "a time that is none": (event(time="2026-02-30T00:00:00Z"), "/time"),
    "long id": (event(id="x" * 256), "/id"),
    "10,001 items": (b"[" + b",".join([event()] * 10_001) + b"]", ""),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_within_the_limits_is_taken(door: Door, name: str) -> None:
    answer = door.post(TAKEN[name])
    assert answer.status == 201, answer.body[:500]


@pytest.mark.parametrize("name", JSON_CODES)
def test_what_is_no_strict_json_is_400_with_the_rule_and_the_byte(door: Door, name: str) -> None:
    body, code = JSON_CODES[name]
    for path in ("/api/v1/events", "/ingest"):
        answer = door.post(body, path)
        assert (answer.status, answer.problem) == (400, "malformed-json"), (path, answer)
        assert answer.json["code"] == code and 0 <= answer.json["offset"] <= len(body)
        assert answer.json["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("name", WRONG_MEMBERS)
def test_json_that_is_no_event_is_422_and_names_the_member(door: Door, name: str) -> None:
    body, pointer = WRONG_MEMBERS[name]
    answer = door.post(body)
    assert (answer.status, answer.problem) == (422, "validation-failed"), answer
    assert pointer in [error["pointer"] for error in answer.json["errors"]]


def test_ten_thousand_items_are_taken_at_once(door: Door) -> None:
    answer = door.post(b"[" + b",".join([event()] * 10_000) + b"]")
    assert answer.status == 200 and answer.json["accepted"] == 10_000, answer.body[:500]


@pytest.mark.parametrize(
    ("first", "size"), [(b"{", MEBIBYTE + 1), (b"[", 16 * MEBIBYTE + 1), (b" ", MEBIBYTE + 1), (b"[", 1 << 62)]
)
def test_a_body_declared_too_large_is_413_before_it_is_sent(door: Door, first: bytes, size: int) -> None:
    with door.connect() as connection:
        connection.send(door.head(("content-length", str(size))) + first)
        if first == b" " or size <= MEBIBYTE + 1:
            connection.send(b"{")
        answer = connection.answer()
        assert answer and (answer.status, answer.problem) == (413, "body-too-large"), answer
        assert answer.headers["connection"] == "close" and connection.is_closed_within(30)


def test_a_body_that_grows_too_large_is_413(door: Door) -> None:
    with door.connect() as connection:
        connection.send(door.head(("transfer-encoding", "chunked")))
        chunk = b"10000\r\n" + b"{" + b" " * 65535 + b"\r\n"
        for _ in range(20):
            connection.send(chunk)
        answer = connection.answer()
        assert answer and (answer.status, answer.problem) == (413, "body-too-large"), answer
        assert connection.is_closed_within(30)
    assert door.is_open()


def test_every_seed_of_the_fuzzers_is_stored_or_refused_for_a_reason(door: Door) -> None:
    """What the door takes, PostgreSQL must take too, and give back as the same value."""
    taken = 0
    for seed in sorted(SEEDS.iterdir()):
        value = seed.read_bytes()
        answer = door.post(b'{"type":"Seed","data":{"v":' + value + b"}}")
        assert answer.status in (201, 400, 422), (seed.name, answer)
        if answer.status != 201:
            assert answer.problem in ("malformed-json", "validation-failed"), (seed.name, answer)
            continue
        taken += 1
        with door.connect() as connection:
            connection.send(head("GET", f"/api/v1/events/{answer.json['id']}", door.authorization))
            shown = connection.answer()
        assert shown and shown.status == 200, (seed.name, shown)
        assert exact(shown.body)["data"]["v"] == exact(value), seed.name
    assert taken > 20


def exact(text: bytes) -> Any:
    """Numbers as decimals: jsonb keeps their value and not their form."""
    return json.loads(text, parse_int=Decimal, parse_float=Decimal)


def test_what_postgresql_can_not_store_is_refused_in_headers_and_text_too(door: Door) -> None:
    attributes = [("ce-specversion", "1.0"), ("ce-id", "nul"), ("ce-source", "test"), ("ce-type", "A")]
    for fields, body in (
        ([("ce-region", "a%00b"), ("content-type", "text/plain")], b"text"),
        ([("ce-subject", "a%00b"), ("content-type", "text/plain")], b"text"),
        ([("content-type", "text/plain")], b"a\x00b"),
    ):
        length = ("content-length", str(len(body)))
        with door.connect() as connection:
            connection.send(head("POST", "/api/v1/events", door.authorization, *attributes, *fields, length) + body)
            answer = connection.answer()
        assert answer and (answer.status, answer.problem) == (422, "validation-failed"), (fields, answer)


SMUGGLED = head("GET", "/smuggled")
FIVE = ("content-length", "5")
SHAPES: dict[str, tuple[list[tuple[str, str]], bytes]] = {
    "length and chunked": ([("content-length", "4"), ("transfer-encoding", "chunked")], b"0\r\n\r\n" + SMUGGLED),
    "chunked and length": ([("transfer-encoding", "chunked"), ("content-length", "4")], b"0\r\n\r\n" + SMUGGLED),
    "two lengths": ([FIVE, ("content-length", "6")], b"[1,2]" + SMUGGLED),
    "a list of lengths": ([("content-length", "5, 6")], b"[1,2]" + SMUGGLED),
    "length with a sign": ([("content-length", "+5")], b"[1,2]" + SMUGGLED),
    "negative length": ([("content-length", "-5")], b"[1,2]" + SMUGGLED),
    "length in hexadecimal": ([("content-length", "0x5")], b"[1,2]" + SMUGGLED),
    "empty length": ([("content-length", "")], b"[1,2]" + SMUGGLED),
    "length over 64 bits": ([("content-length", "18446744073709551621")], b"[1,2]" + SMUGGLED),
    "unknown transfer coding": ([("transfer-encoding", "xchunked")], b"0\r\n\r\n" + SMUGGLED),
    "chunked is not last": ([("transfer-encoding", "chunked, identity")], b"0\r\n\r\n" + SMUGGLED),
    "vertical tab before chunked": ([("transfer-encoding", "\x0bchunked")], b"0\r\n\r\n" + SMUGGLED),
    "blank before the colon": ([("content-length ", "5")], b"[1,2]" + SMUGGLED),
    "folded field": ([("x-a", "1\r\n content-length: 5")], b"[1,2]" + SMUGGLED),
    "NUL in a field": ([("x-a", "1\x002"), FIVE], b"[1,2]" + SMUGGLED),
    "bare CR in a field": ([("x-a", "1\r2"), FIVE], b"[1,2]" + SMUGGLED),
    "chunk size that is none": ([("transfer-encoding", "chunked")], b"zz\r\n[1,2]\r\n0\r\n\r\n" + SMUGGLED),
    "negative chunk size": ([("transfer-encoding", "chunked")], b"-5\r\n[1,2]\r\n0\r\n\r\n" + SMUGGLED),
    "chunk size over 64 bits": (
        [("transfer-encoding", "chunked")],
        b"10000000000000005\r\n[1,2]\r\n0\r\n\r\n" + SMUGGLED,
    ),
    "chunk longer than it says": ([("transfer-encoding", "chunked")], b"2\r\n[1,2]\r\n0\r\n\r\n" + SMUGGLED),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_framing_of_two_meanings_is_refused_and_ends_the_connection(door: Door, name: str) -> None:
    fields, rest = SHAPES[name]
    with door.connect() as connection:
        connection.send(door.head(*fields) + rest)
        answers = connection.answers()
    assert len(answers) <= 1, "a request was smuggled in"
    assert all(400 <= answer.status <= 501 and answer.status not in (404, 500) for answer in answers), answers
    assert door.is_open()


GARBAGE = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no HTTP": b"EHLO example.com\r\n",
    "binary": bytes(range(256)) * 64,
    "HTTP/0.9": b"GET /livez\r\n\r\n",
    "HTTP/9.9": b"GET /livez HTTP/9.9\r\nhost: x\r\n\r\n",
    "lines ended by LF": b"POST /api/v1/events HTTP/1.1\nhost: x\ncontent-length: 5\n\n[1,2]",
    "one endless line": b"GET /" + b"a" * 200_000,
    "one endless field": b"GET / HTTP/1.1\r\nhost: x\r\nx-a: " + b"a" * 200_000,
    "endless fields": b"GET / HTTP/1.1\r\nhost: x\r\n" + b"".join(b"x-%d: 1\r\n" % n for n in range(20_000)),
    "blank lines": b"\r\n" * 50_000,
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_request_is_refused_or_ended(door: Door, name: str) -> None:
    with door.connect() as connection:
        connection.send(GARBAGE[name])
        connection.finish()
        answers = connection.answers()
    assert all(400 <= answer.status < 506 for answer in answers), answers
    assert len(answers) <= 1
    assert door.is_open()


def test_pipelined_requests_are_answered_in_order(door: Door) -> None:
    requests, expected = [], []
    for number in range(60):
        body = event(f'{{"n":{number}}}') if number % 3 else b"{"
        requests.append(door.head(("content-length", str(len(body))), ("x-request-id", f"p-{number}")) + body)
        expected.append((f"p-{number}", 201 if number % 3 else 400))
    with door.connect() as connection:
        connection.send(b"".join(requests))
        found = [connection.answer() for _ in requests]
    assert [(answer.headers["x-request-id"], answer.status) for answer in found if answer] == expected


def test_a_client_that_asks_first_is_told_to_go_on_or_not(door: Door) -> None:
    body = event()
    with door.connect(timeout=10) as connection:
        connection.send(door.head(("content-length", str(len(body))), ("expect", "100-continue")))
        answer = connection.answer()
        assert answer and answer.status == 100, answer
        connection.send(body)
        answer = connection.answer()
        assert answer and answer.status == 201, answer
    with door.connect(timeout=10) as connection:
        connection.send(door.head(("content-length", str(17 * MEBIBYTE)), ("expect", "100-continue")))
        answer = connection.answer()
        assert answer and answer.status == 413, "a body that will be refused is not asked for"


def test_half_a_body_is_no_event(door: Door) -> None:
    before = door.stored()
    body = event('{"text":"half"}')
    for reset in (False, True):
        for cut in (1, len(body) // 2, len(body) - 1):
            with door.connect() as connection:
                connection.send(door.head(("content-length", str(len(body)))) + body[:cut])
                if reset:
                    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    continue
                connection.finish()
                assert all(answer.status >= 400 for answer in connection.answers())
    assert door.is_open()
    assert door.stored() == before + 1


def test_slow_bodies_hold_up_nobody(door: Door) -> None:
    connections = [door.connect() for _ in range(100)]
    body = event('{"text":"slow"}')
    try:
        for connection in connections:
            connection.send(door.head(("content-length", str(len(body)))))
        for number in range(len(body) - 1):
            for connection in connections:
                connection.send(body[number : number + 1])
            assert door.is_open()
            # A byte now and then is what makes a body slow.
            time.sleep(0.05)
        for connection in connections:
            connection.send(body[-1:])
        answers = [connection.answer() for connection in connections]
        assert [answer.status for answer in answers if answer] == [201] * len(connections)
    finally:
        for connection in connections:
            connection.socket.close()
