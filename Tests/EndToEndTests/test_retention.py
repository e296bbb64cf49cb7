"""Statistics and retention of a running stack, as a person asks for them."""

import datetime
import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator

import pytest
from stack import Stack, wait_until


@pytest.fixture(scope="module")
def kept() -> Iterator[Stack]:
    stack = Stack(ring_capacity=64)
    try:
        stack.up()
        yield stack
    finally:
        stack.remove()


def sql(stack: Stack, statement: str) -> str:
    """Runs a statement as the owner of the private database: nobody else can make a day of last month."""
    port = json.loads((stack.home / "run" / "ports.json").read_text())["postgres"]
    password = json.loads((stack.home / "secrets.json").read_text())["database_password"]
    done = subprocess.run(
        ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(port), "-U", "collider", "collider"],
        input=statement,
        env=os.environ | {"PGPASSWORD": password},
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def metrics(stack: Stack) -> str:
    port = stack.environment["PROCESSOR_METRICS_PORT"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_statistics_count_what_was_sent(kept: Stack) -> None:
    for number in range(7):
        event = {"type": "Even" if number % 2 == 0 else "Odd", "source": "counted", "data": {"n": number}}
        assert kept.request("POST", "/api/v1/events", event)[0] == 201
    path = "/api/v1/events/stats?source=counted"
    wait_until("counts", 20, lambda: kept.get(path)["lag"] == 0 and kept.get(path)["data"])
    totals = kept.get(path)
    assert [point["value"] for point in totals["data"]] == [7]
    assert totals["data"][0]["group"] == {} and totals["as_of"] is not None

    grouped = kept.get(path + "&group_by=type&interval=1d&fill=zero")
    counts = {"Even": 0, "Odd": 0}
    for point in grouped["data"]:
        counts[point["group"]["type"]] += point["value"]
    assert counts == {"Even": 4, "Odd": 3}
    assert grouped["interval"] == "1d" and len(grouped["data"]) == 2 * len({p["time"] for p in grouped["data"]})

    rate = kept.get(path + "&measure=rate&interval=1h")
    assert sum(point["value"] for point in rate["data"]) == pytest.approx(7 / 3600)
    written = metrics(kept)
    assert "rollup_events_total 7" in written and 'retention_partitions{table="events"}' in written


def test_nothing_is_counted_twice_when_the_processor_is_killed(kept: Stack) -> None:
    path = "/api/v1/events/stats?type=Killed"
    for _ in range(3):
        events = [{"type": "Killed", "data": {"n": number}} for number in range(200)]
        assert kept.request("POST", "/api/v1/events", events)[1]["accepted"] == 200
        old = kept.pid("event-processor")
        os.kill(old, signal.SIGKILL)
        wait_until("new processor", 30, lambda old=old: kept.pid("event-processor") != old)
    wait_until("counts", 30, lambda: kept.get(path)["lag"] == 0)
    assert [point["value"] for point in kept.get(path)["data"]] == [600]
    assert len(list(kept.pages("/api/v1/events?type=Killed"))) == 600


def test_an_old_day_is_dropped_when_its_policy_lets_go(kept: Stack) -> None:
    assert "for ever" in kept.collider("retention").stdout
    day = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=40)).date()
    sql(
        kept,
        f"""
        BEGIN;
        SELECT make_partition('events', '{day}');
        INSERT INTO events (id, organization_id, part, position, type, source, time, received_at, data)
        SELECT gen_random_uuid(), o.id, p.part, p.head + 1, 'Old', 'old', now(), '{day} 12:00:00+00', '{{}}'
        FROM organizations o, log_parts p WHERE p.head > 0;
        UPDATE log_parts SET head = head + 1 WHERE head > 0;
        COMMIT;
        """,
    )
    old = f"/api/v1/events/stats?interval=1d&from={day}T00:00:00Z&type=Old"
    wait_until("count of the old day", 20, lambda: kept.get(old)["data"])
    assert len(kept.get("/api/v1/events?type=Old")["data"]) == 1

    assert "Nothing is old enough" in kept.collider("retention", "run", "--dry-run").stdout
    assert "default keeps events for 30 days" in kept.collider("retention", "set", "--days", "30").stdout
    # It can be read no more, at once, and is there until everybody has read it.
    assert kept.get("/api/v1/events?type=Old")["data"] == []
    wait_until(
        "readiness to drop",
        30,
        lambda: f"would drop  events of {day}" in kept.collider("retention", "run", "--dry-run").stdout,
    )
    shown = kept.collider("retention").stdout
    assert "30 days" in shown and f"events {day}" in shown and "now" in shown
    assert f"dropped     events of {day}" in kept.collider("retention", "run").stdout
    assert "Nothing is old enough" in kept.collider("retention", "run").stdout
    assert sql(kept, "SELECT count(*) FROM events WHERE type = 'Old'") == "0"
    # The ring, whose positions lie beside it, is among those that were asked.
    followers = sql(kept, "SELECT DISTINCT follower FROM follower_positions ORDER BY follower").splitlines()
    assert followers == [f"collider-writer:{kept.ring}", "event-processor", "rollup", "schemas", "search"]

    # What was counted stays counted, and the log goes on.
    assert kept.get(old)["data"][0]["value"] == 1
    assert kept.request("POST", "/api/v1/events", {"type": "After", "data": {}})[0] == 201
    assert kept.collider("retention", "set", "--forever", "--organization", "default").returncode == 0
    assert "for ever" in kept.collider("retention", "show", "--all").stdout


def test_a_follower_that_has_not_read_a_day_holds_it_until_it_is_forgotten(kept: Stack) -> None:
    day = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=50)).date()
    sql(
        kept,
        f"""
        BEGIN;
        INSERT INTO follower_positions (follower, part, updated_at)
        SELECT 'gone', part, now() - interval '5 days' FROM log_parts;
        SELECT make_partition('events', '{day}');
        INSERT INTO events (id, organization_id, part, position, type, source, time, received_at, data)
        SELECT gen_random_uuid(), o.id, p.part, p.head + 1, 'Old', 'old', now(), '{day} 12:00:00+00', '{{}}'
        FROM organizations o, log_parts p WHERE p.head > 0;
        UPDATE log_parts SET head = head + 1 WHERE head > 0;
        COMMIT;
        """,
    )
    kept.collider("retention", "set", "--days", "30")
    wait_until(
        "hold by the follower that is gone",
        30,
        lambda: "follower gone is at position 0" in kept.collider("retention", "run").stdout,
    )
    refused = kept.collider("retention", "forget", "event-processor", check=False)
    assert refused.returncode != 0 and "not forgotten" in refused.stderr
    kept.collider("retention", "forget", "gone")
    wait_until("drop", 30, lambda: f"dropped     events of {day}" in kept.collider("retention", "run").stdout)


def test_mistakes_are_one_clear_line(kept: Stack) -> None:
    for arguments, words in [
        (["set"], "either --days or --forever"),
        (["set", "--days", "1", "--forever"], "either --days or --forever"),
        (["set", "--days", "0"], "from 1 to 36500"),
        (["set", "--days", "1", "--organization", "nobody"], "no organization is called nobody"),
        (["forget", "nobody"], "not there"),
    ]:
        failed = kept.collider("retention", *arguments, check=False)
        assert failed.returncode != 0 and words in failed.stderr, (arguments, failed.stderr)
    for command in (["retention"], ["retention", "set"], ["retention", "run"], ["retention", "forget"]):
        assert "EXAMPLE" in kept.collider(*command, "--help").stdout, command
