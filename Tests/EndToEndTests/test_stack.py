"""`collider up` and the commands, as a person types them."""

import json
import os
import socket
from collections.abc import Iterator

import pytest
from stack import SERVICES, Stack, free_port, wait_until


@pytest.fixture
def fresh() -> Iterator[Stack]:
    stack = Stack(ring_capacity=64)
    yield stack
    stack.remove()


def test_up_prints_how_to_go_on_and_down_ends_it(fresh: Stack) -> None:
    printed = fresh.up()
    assert fresh.api_key in printed and "curl" in printed and f":{fresh.port}" in printed
    assert f"http://127.0.0.1:{fresh.port}/docs" in printed
    assert os.stat(fresh.home / "credentials.json").st_mode & 0o777 == 0o600
    assert "already running" in fresh.collider("up").stdout
    assert fresh.collider("status").stdout.count("ready") == len(SERVICES)
    pids = [fresh.pid(name) for name in (*SERVICES, "postgres", "redis", "supervisor")]
    assert "is down" in fresh.down()
    assert [pid for pid in pids if os.path.exists(f"/proc/{pid}/exe")] == []
    assert fresh.collider("status", check=False).returncode == 1
    for service in SERVICES:
        log = (fresh.home / "logs" / f"{service}.log").read_text()
        assert fresh.api_key not in log
        assert "process.stopped" in log, f"{service} did not stop gracefully:\n{log}"

    # The data stayed: the same key works after the next start.
    key = fresh.api_key
    fresh.up()
    assert fresh.api_key == key
    assert fresh.request("GET", "/api/v1/events")[0] == 200


def test_a_busy_port_is_one_clear_line(fresh: Stack) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", fresh.port))
        listener.listen()
        failed = fresh.collider("up", check=False)
    assert failed.returncode != 0
    assert (
        failed.stderr.strip()
        == f"Error: port {fresh.port} is in use; set SERVER_PORT to a free one (or stop what uses it)"
    )


def test_a_bad_setting_names_its_key(fresh: Stack) -> None:
    fresh.environment["RING_CAPACITY"] = "many"
    failed = fresh.collider("up", check=False)
    assert failed.returncode != 0
    assert "RING_CAPACITY" in failed.stderr and len(failed.stderr.strip().splitlines()) == 1


def test_send_and_tail_and_frames_and_triggers(stack: Stack) -> None:
    lines = [json.dumps({"type": "Sent", "subject": f"s{n}", "data": {"n": n}}) for n in range(3)]
    assert "3 accepted" in stack.collider("send", "-", stdin="\n".join(lines)).stdout
    refused = stack.collider(
        "send",
        "-",
        stdin='{"type":"Sent","data":{}}\n{"type":"","data":1}',
        check=False,
    )
    assert refused.returncode == 1 and "1 accepted, 0 duplicates, 1 rejected" in refused.stdout
    assert "event 2" in refused.stderr

    sent = {event["id"] for event in stack.get("/api/v1/events?type=Sent")["data"]}
    assert len(sent) == 4

    def framed() -> bool:
        lines = stack.collider("frames", "--json", "--limit", "100").stdout.splitlines()
        return sent <= {json.loads(line)["event_id"] for line in lines}

    wait_until("frames", 20, framed)
    assert "Capacity  8192 frames" in stack.collider("frames").stdout

    trigger = stack.folder / "trigger.yaml"
    trigger.write_text(
        f"name: From a file\nevent_types: [Sent]\ncondition:\n  field: data.n\n  operator: '>='\n  value: 2\n"
        f"actions:\n  - type: rest\n    config: {{url: 'http://127.0.0.1:{free_port()}/'}}\n"
    )
    assert "created" in stack.collider("triggers", "apply", "-f", str(trigger)).stdout
    assert "unchanged" in stack.collider("triggers", "apply", "-f", str(trigger)).stdout
    assert "From a file" in stack.collider("triggers", "list").stdout
    shown = json.loads(stack.collider("triggers", "get", "From a file").stdout)
    assert shown["condition"] == {"field": "data.n", "operator": ">=", "value": 2}
    assert "Deleted" in stack.collider("triggers", "delete", "From a file").stdout
    missing = stack.collider("triggers", "get", "From a file", check=False)
    assert missing.returncode != 0 and "collider triggers list" in missing.stderr


def test_every_command_has_help_with_an_example(stack: Stack) -> None:
    commands = [
        "up",
        "down",
        "status",
        "migrate",
        "keys",
        "retention",
        "send",
        "tail",
        "triggers",
        "frames",
    ]
    for command in [[name] for name in commands] + [
        ["keys", "create"],
        ["triggers", "apply"],
    ]:
        printed = stack.collider(*command, "--help").stdout
        assert "EXAMPLE" in printed, command
