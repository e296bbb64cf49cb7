"""The stream of events, read by a client that others wrote and by `collider tail`."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from httpx_sse import ServerSentEvent, connect_sse
from stack import PROGRAMS, Stack, wait_until


@contextmanager
def stream(stack: Stack, last_id: str = "", key: str = "", **filters: str) -> Iterator[Iterator[ServerSentEvent]]:
    headers = {"Authorization": f"Bearer {key or stack.api_key}"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    with (
        httpx.Client(timeout=60) as client,
        connect_sse(client, "GET", f"{stack.base_url}/api/v1/events/stream", params=filters, headers=headers) as source,
    ):
        source.response.raise_for_status()
        # This client takes an empty line for an event once it has seen an id.
        yield (event for event in source.iter_sse() if event.data)


def post(stack: Stack, number: int, kind: str = "Streamed") -> str:
    status, body, _ = stack.request("POST", "/api/v1/events", {"type": kind, "data": {"n": number}})
    assert status == 201, body
    return str(body["id"])


def numbers(events: Iterator[ServerSentEvent], count: int) -> list[int]:
    return [json.loads(next(events).data)["data"]["n"] for _ in range(count)]


def restart_gateway(stack: Stack) -> None:
    """Kills the gateway, which the supervisor starts again."""
    killed = stack.pid("api-gateway")
    os.kill(killed, signal.SIGKILL)

    def is_back() -> bool:
        try:
            return stack.pid("api-gateway") != killed and stack.request("GET", "/health")[0] == 200
        except (OSError, ValueError, IndexError):
            return False

    wait_until("gateway", 60, is_back)


def test_a_client_of_others_reads_and_resumes(stack: Stack) -> None:
    with stream(stack) as events:
        posted = post(stack, 1)
        event = next(events)
        assert (event.id, event.event) == (posted, "message")
        assert json.loads(event.data) == stack.get(f"/api/v1/events/{posted}")
        post(stack, 2)
        assert numbers(events, 1) == [2]
    for number in range(3, 8):
        post(stack, number, "Even" if number % 2 == 0 else "Odd")
    with stream(stack, posted) as events:
        assert numbers(events, 6) == [2, 3, 4, 5, 6, 7]
    condition = json.dumps({"field": "data.n", "operator": "gt", "value": 3})
    with stream(stack, posted, type="Odd", filter=condition) as events:
        assert numbers(events, 2) == [5, 7]
        post(stack, 8, "Even")
        post(stack, 9, "Odd")
        assert numbers(events, 1) == [9]


def test_a_stream_goes_on_after_the_gateway_was_killed(stack: Stack) -> None:
    first = post(stack, 0)
    seen: list[int] = []
    last = first
    done = threading.Event()

    def write() -> None:
        for number in range(1, 201):
            while True:
                try:
                    # The same id again, so that an event whose answer was lost is stored once.
                    event = {"type": "Killed", "id": f"kill-{number}", "source": "test", "data": {"n": number}}
                    if stack.request("POST", "/api/v1/events", event)[0] in (200, 201):
                        break
                except OSError:
                    pass
                # The gateway is away and gives no signal when it is back.
                time.sleep(0.05)
            if number == 80:
                restart_gateway(stack)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    deadline = time.monotonic() + 120
    while len(seen) < 200:
        assert time.monotonic() < deadline, (len(seen), stack.logs())
        try:
            with stream(stack, last, type="Killed") as events:
                for event in events:
                    seen.append(json.loads(event.data)["data"]["n"])
                    last = event.id
                    if len(seen) == 200:
                        break
        except httpx.HTTPError:
            # The gateway is away and gives no signal when it is back.
            time.sleep(0.05)
    writer.join()
    assert done.is_set() and seen == list(range(1, 201))


def test_tail_shows_every_event_across_a_restart(stack: Stack) -> None:
    first = post(stack, 0)
    with subprocess.Popen(
        [PROGRAMS / "collider", "tail", "--json", "--type", "Tailed", "--since", first],
        env=stack.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as tail:
        assert tail.stdout is not None
        try:
            for number in range(10):
                post(stack, number, "Tailed")
                post(stack, number, "Other")
            shown = [json.loads(tail.stdout.readline()) for _ in range(10)]
            restart_gateway(stack)
            for number in range(10, 20):
                post(stack, number, "Tailed")
            shown += [json.loads(tail.stdout.readline()) for _ in range(10)]
        finally:
            tail.kill()
    assert [event["data"]["n"] for event in shown] == list(range(20))
    assert {event["type"] for event in shown} == {"Tailed"}


def test_tail_refuses_what_the_gateway_refuses(stack: Stack) -> None:
    failed = stack.collider("tail", "--filter", "{}", check=False)
    assert failed.returncode != 0 and "filter" in failed.stderr
    failed = stack.collider("tail", "--since", "00000000-0000-7000-8000-000000000000", check=False)
    assert failed.returncode != 0 and "Last-Event-ID" in failed.stderr


def test_a_revoked_key_opens_nothing_and_ends_its_streams(stack: Stack) -> None:
    made = json.loads(
        stack.collider("keys", "create", "--organization", "default", "--scopes", "events:read", "--json").stdout
    )
    key = made["api_key"]
    assert stack.request("GET", "/api/v1/events", key=key)[0] == 200
    assert stack.request("POST", "/api/v1/events", {"type": "X", "data": {}}, key=key)[0] == 403
    assert made["id"] in stack.collider("keys", "list").stdout
    with stream(stack, key=key) as events:
        stack.collider("keys", "revoke", made["id"])
        # The gateway remembers a key for 30 s and looks again every 10 s.
        event = next(events)
    assert (event.event, json.loads(event.data)["reason"]) == ("error", "key_revoked")
    wait_until("refusal", 60, lambda: stack.request("GET", "/api/v1/events", key=key)[0] == 401)
