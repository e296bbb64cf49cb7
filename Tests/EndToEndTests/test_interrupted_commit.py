"""A gateway, its connection or its server process gone in the very middle of a commit.

Each test holds the head of a part, so that the statement of a commit waits there for certain; strikes; and lets go.
"""

import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from gateways import Database, Gateway, Organization, gateways, organizations
from proxies import CuttingProxy
from stack import Stack, wait_until


class Poster:
    """Posts one event from a thread of its own, as often as it takes when the event has an id."""

    def __init__(self, gateway: Gateway, organization: Organization, event: dict[str, Any]) -> None:
        self.gateway = gateway
        self.organization = organization
        self.event = event
        self.status = 0
        self.answer: Any = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.status, self.answer = post(self.gateway, self.organization, self.event)
        except OSError:
            self.status = -1

    def result(self) -> tuple[int, Any]:
        self.thread.join(timeout=60)
        assert not self.thread.is_alive(), "no answer"
        return self.status, self.answer


def post(gateway: Gateway, organization: Organization, event: dict[str, Any]) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{gateway.port}/api/v1/events", data=json.dumps(event).encode(), method="POST"
    )
    request.add_header("Authorization", f"Bearer {organization.key}")
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def event(key: str, *, identified: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "Interrupted", "source": "test", "data": {"key": key}}
    return made | ({"id": key} if identified else {})


def stored(database: Database, organization: Organization, key: str) -> list[str]:
    rows = database.query(
        "SELECT id FROM events WHERE organization_id = %s AND data->>'key' = %s", organization.id, key
    )
    return [str(row[0]) for row in rows]


def assert_gapless(database: Database, part: int) -> None:
    rows = database.query("SELECT position FROM events WHERE part = %s ORDER BY position", part)
    head = database.query("SELECT head FROM log_parts WHERE part = %s", part)[0][0]
    assert [row[0] for row in rows] == list(range(1, head + 1))


@contextmanager
def in_commit(
    database: Database, gateway: Gateway, organization: Organization, event: dict[str, Any]
) -> Iterator[tuple[Poster, int]]:
    """Lends a poster whose event waits within its statement, and the pid of the backend that runs it."""
    # A first event makes the gateway's session and its prepared statement, so that what waits is the append alone.
    assert post(gateway, organization, {"type": "First", "data": {}})[0] == 201
    with database.holding(organization.part):
        poster = Poster(gateway, organization, event)
        wait_until("append that waits", 30, lambda: len(database.waiting_appends()) == 1)
        yield poster, database.waiting_appends()[0]


@pytest.fixture(scope="module")
def tenant(stack: Stack) -> Organization:
    return organizations(stack, "interrupted", parts=1)[0]


@pytest.fixture(scope="module")
def pair(stack: Stack) -> Iterator[tuple[Database, Gateway, Gateway]]:
    with gateways(stack, 2) as (database, running):
        yield database, running[0], running[1]


@pytest.mark.parametrize("identified", [False, True])
def test_a_gateway_stopped_in_a_commit_holds_up_nobody(
    pair: tuple[Database, Gateway, Gateway], tenant: Organization, identified: bool
) -> None:
    database, stopped, other = pair
    key = f"stopped-{identified}"
    try:
        with in_commit(database, stopped, tenant, event(key, identified=identified)) as (poster, _):
            stopped.send(signal.SIGSTOP)
        # The lock lives within the statement, which the server ends and commits whether or not anybody listens.
        for number in range(20):
            assert post(other, tenant, event(f"{key}-{number}", identified=False))[0] == 201
        assert len(stored(database, tenant, key)) == 1
        assert poster.thread.is_alive(), "nobody has told the producer yet"
        if identified:
            status, answer = post(other, tenant, event(key, identified=True))
            assert (status, answer["duplicate"]) == (200, True)
        # Some seconds in which a stopped process holds its connections, as one that swaps does.
        time.sleep(3)
        assert post(other, tenant, event(f"{key}-later", identified=False))[0] == 201
    finally:
        stopped.send(signal.SIGCONT)
    status, answer = poster.result()
    assert status == 201
    assert stored(database, tenant, key) == [answer["id"]]
    assert_gapless(database, tenant.part)


def test_a_gateway_killed_in_a_commit_leaves_what_another_recognises(
    stack: Stack, pair: tuple[Database, Gateway, Gateway], tenant: Organization
) -> None:
    database, _, other = pair
    with gateways(stack, 1) as (_, running):
        with in_commit(database, running[0], tenant, event("killed", identified=True)) as (poster, _):
            running[0].send(signal.SIGKILL)
            assert poster.result()[0] == -1
        status, answer = post(other, tenant, event("killed", identified=True))
    assert (status, answer["duplicate"]) == (200, True)
    assert stored(database, tenant, "killed") == [answer["id"]]
    assert_gapless(database, tenant.part)


@pytest.mark.parametrize("identified", [False, True])
def test_a_session_ended_in_a_commit_is_tried_again(
    pair: tuple[Database, Gateway, Gateway], tenant: Organization, identified: bool
) -> None:
    database, gateway, _ = pair
    key = f"terminated-{identified}"
    with in_commit(database, gateway, tenant, event(key, identified=identified)) as (poster, backend):
        database.query("SELECT pg_terminate_backend(%s)", backend)
        wait_until("another try", 30, lambda: [pid for pid in database.waiting_appends() if pid != backend])
    status, answer = poster.result()
    assert status == 201
    assert stored(database, tenant, key) == [answer["id"]]
    assert_gapless(database, tenant.part)


def test_a_server_that_crashes_in_a_commit_is_waited_for(
    pair: tuple[Database, Gateway, Gateway], tenant: Organization
) -> None:
    database, gateway, _ = pair
    with (
        pytest.raises(psycopg.OperationalError),
        in_commit(database, gateway, tenant, event("crashed", identified=True)) as (poster, backend),
    ):
        os.kill(backend, signal.SIGKILL)
        wait_until("crash", 30, lambda: database.query("SELECT pg_sleep(1)") and False)
    status, answer = poster.result()
    # After some seconds without a server the gateway says so, and the producer sends again.
    while status == 503:
        status, answer = post(gateway, tenant, event("crashed", identified=True))
    assert status in (200, 201)
    assert stored(database, tenant, "crashed") == [answer["id"]]
    assert_gapless(database, tenant.part)


@pytest.mark.parametrize("identified", [False, True])
def test_a_statement_whose_connection_was_lost_does_not_store_twice(
    stack: Stack, tenant: Organization, identified: bool
) -> None:
    """The gateway loses its connection while the server still runs the statement: then two tries wait for one head."""
    database = Database(stack)
    proxy = CuttingProxy(database.ports["postgres"])
    key = f"lost-{identified}"
    try:
        with gateways(stack, 1, DB_PORT=str(proxy.port)) as (_, running):
            with in_commit(database, running[0], tenant, event(key, identified=identified)) as (poster, _):
                assert proxy.cut() > 0
                wait_until("second try beside the first", 30, lambda: len(database.waiting_appends()) == 2)
            status, answer = poster.result()
            wait_until("end of both", 30, lambda: not database.waiting_appends())
            assert status in (200, 201)
            assert stored(database, tenant, key) == [answer["id"]]
            assert_gapless(database, tenant.part)
            assert post(running[0], tenant, event(f"{key}-later", identified=False))[0] == 201
    finally:
        proxy.close()
