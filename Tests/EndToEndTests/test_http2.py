"""HTTP/2 in the clear, on the port of HTTP/1.1: by clients that others wrote."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gateways import Gateway, Organization, gateways, organizations
from raw_http2 import EVENT, Connection, assert_alive, authorized
from stack import Stack, wait_until

MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def tenant(stack: Stack) -> Organization:
    return organizations(stack, "second", parts=1)[0]


@pytest.fixture(scope="module")
def gateway(stack: Stack) -> Iterator[Gateway]:
    with gateways(stack, 1) as (_, running):
        yield running[0]


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
