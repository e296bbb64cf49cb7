"""The whole life of people, organizations and keys, over HTTP and by the command line."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import raw_http2
from receivers import TelegramFake
from stack import Stack, wait_until
from test_retention import sql
from test_secrets import dump_of_postgres, dump_of_redis

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def stack(telegram: TelegramFake) -> Iterator[Stack]:
    stack = Stack(telegram_url=telegram.url)
    # What all services say at most.
    stack.environment["LOG_LEVEL"] = "trace"
    try:
        stack.up()
        yield stack
    finally:
        stack.remove()


class Person:
    """Somebody who has registered, and what they hold."""

    def __init__(self, stack: Stack, name: str, **members: Any) -> None:
        self.stack = stack
        self.name = f"{name}-{uuid.uuid4().hex[:8]}"
        self.email = f"{self.name}@example.com"
        body = {"username": self.name, "email": self.email, "password": PASSWORD} | members
        status, self.shown, _ = stack.request("POST", "/api/v1/auth/register", body, key="")
        assert status == 201, self.shown
        self.access = self.refresh = self.organization = ""
        self.log_in()

    def log_in(self) -> None:
        body = {"email": self.email, "password": PASSWORD}
        status, pair, _ = self.stack.request("POST", "/api/v1/auth/login", body, key="")
        assert status == 200 and pair["token_type"] == "Bearer" and pair["expires_in"] > 0, pair
        self.access, self.refresh, self.organization = (
            pair["access_token"],
            pair["refresh_token"],
            pair["organization_id"],
        )

    def renew(self, organization: str | None = None) -> None:
        body = {"refresh_token": self.refresh} | ({"organization_id": organization} if organization else {})
        status, pair, _ = self.stack.request("POST", "/api/v1/auth/refresh", body, key="")
        assert status == 200, pair
        self.access, self.refresh, self.organization = (
            pair["access_token"],
            pair["refresh_token"],
            pair["organization_id"],
        )

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        status, answer, _ = self.stack.request(method, "/api/v1" + path, body, key=self.access)
        return status, answer


def test_the_whole_life(stack: Stack) -> None:
    alice = Person(stack, "alice")
    status, organization = alice.ask("POST", "/organizations", {"name": f"acme {uuid.uuid4()}"})
    assert status == 201
    alice.renew(organization["id"])
    place = f"/organizations/{organization['id']}"
    assert alice.ask("GET", place)[1]["name"] == organization["name"]

    bob = Person(stack, "bob")
    status, invitation = alice.ask("POST", f"{place}/invitations", {"email": bob.email, "role": "admin"})
    assert status == 201
    assert bob.ask("GET", place)[0] == 404
    assert bob.ask("POST", "/invitations/accept", {"token": invitation["token"]})[0] == 200
    bob.renew(organization["id"])
    assert bob.ask("GET", "/auth/me")[1]["role"] == "admin"

    scopes = ["events:write", "events:read"]
    status, key = bob.ask("POST", "/api-keys", {"name": "sender", "scopes": scopes})
    assert status == 201
    event = {"type": "Hello", "data": {"n": 1}}
    assert stack.request("POST", "/api/v1/events", event, key=key["api_key"])[0] == 201
    assert stack.request("GET", "/api/v1/triggers", key=key["api_key"])[0] == 403
    assert [found["type"] for found in alice.ask("GET", "/events")[1]["data"]] == ["Hello"]

    status, successor = bob.ask("POST", f"/api-keys/{key['id']}/rotate", {"overlap_seconds": 600})
    assert status == 201 and successor["scopes"] == sorted(scopes)
    for plaintext in (key["api_key"], successor["api_key"]):
        assert stack.request("POST", "/api/v1/events", event, key=plaintext)[0] == 201
    assert bob.ask("DELETE", f"/api-keys/{key['id']}")[0] == 204
    assert stack.request("POST", "/api/v1/events", event, key=key["api_key"])[0] == 401
    assert stack.request("POST", "/api/v1/events", event, key=successor["api_key"])[0] == 201

    assert alice.ask("POST", f"{place}/transfer", {"person_id": bob.shown["id"]})[0] == 200
    log = [(entry["action"], entry["actor"]["id"]) for entry in bob.ask("GET", "/audit")[1]["data"]]
    assert log == [
        ("organization.transferred", alice.shown["id"]),
        ("key.revoked", bob.shown["id"]),
        ("key.rotated", bob.shown["id"]),
        ("key.created", bob.shown["id"]),
        ("invitation.accepted", bob.shown["id"]),
        ("invitation.created", alice.shown["id"]),
        ("organization.created", alice.shown["id"]),
    ]
    verified = stack.collider("audit", "verify", "--organization", organization["name"]).stdout
    assert "whole" in verified and organization["name"][:20] in verified
    assert "whole" in stack.collider("audit", "verify").stdout
    assert alice.ask("POST", "/auth/logout")[0] == 204
    assert alice.ask("GET", "/auth/me")[0] == 401


def test_no_secret_lies_in_the_database_in_redis_or_in_a_log(stack: Stack) -> None:
    alice = Person(stack, "alice")
    _, key = alice.ask("POST", "/api-keys", {"name": "all", "scopes": ["admin"]})
    _, invitation = alice.ask("POST", f"/organizations/{alice.organization}/invitations", INVITED)
    assert stack.request("POST", "/api/v1/events", {"type": "A", "data": {}}, key=key["api_key"])[0] == 201
    # What goes wrong is logged, and so is what is slow: neither may show what was sent.
    for wrong in (key["api_key"][:-1] + "x", alice.access + "x", "Bearer", "ck_1_2"):
        assert stack.request("GET", "/api/v1/events", key=wrong)[0] == 401
    stack.request("POST", "/api/v1/auth/login", {"email": alice.email, "password": PASSWORD + "!"}, key="")
    _, successor = alice.ask("POST", f"/api-keys/{key['id']}/rotate", {"overlap_seconds": 600})
    made = json.loads(
        stack.collider("keys", "create", "--organization", "of the log", "--scopes", "admin", "--json").stdout
    )
    for good in (successor["api_key"], made["api_key"]):
        assert stack.request("GET", "/api/v1/events", key=good)[0] == 200
    used = alice.refresh
    alice.renew()
    assert stack.request("POST", "/api/v1/auth/refresh", {"refresh_token": used}, key="")[0] == 401
    secrets = [
        PASSWORD,
        key["api_key"].split("_")[2],
        successor["api_key"].split("_")[2],
        made["api_key"].split("_")[2],
        used.split("_")[1],
        alice.refresh.split("_")[1],
        invitation["token"].split("_")[1],
        alice.access.split(".")[2],
        stack.api_key.split("_")[2],
    ]
    dump = dump_of_postgres(stack).decode()
    assert alice.email in dump and key["id"] in dump
    logs = "\n".join(log.read_text(errors="replace") for log in (stack.home / "logs").glob("*.log"))
    assert "request.answered" in logs, "the level at which every request is told"
    queues = dump_of_redis(stack)
    for secret in secrets:
        assert secret not in dump and secret not in logs and secret.encode() not in queues
        assert secret.encode().hex() not in dump


def test_a_log_that_was_changed_is_found_out(stack: Stack) -> None:
    alice = Person(stack, "alice")
    organization = alice.shown["organization"]["name"]
    assert "whole" in stack.collider("audit", "verify", "--organization", organization).stdout
    sql(stack, "ALTER TABLE audit_log DISABLE TRIGGER audit_log_is_append_only")
    try:
        change = "UPDATE audit_log SET actor = 'somebody else' WHERE sequence = 1 AND organization_id = "
        sql(stack, f"{change}'{alice.organization}'")
    finally:
        sql(stack, "ALTER TABLE audit_log ENABLE TRIGGER audit_log_is_append_only")
    done = stack.collider("audit", "verify", check=False)
    assert done.returncode != 0 and "entry 1 was changed" in done.stderr and "broken" in done.stdout
    # The others are looked at all the same.
    assert "whole" in done.stdout


def test_the_command_line_logs_in_and_speaks_for_an_organization(stack: Stack) -> None:
    alice = Person(stack, "alice")
    login = ("login", "--profile", "alice", "--email", alice.email, "--url", stack.base_url)
    assert "wrong" in stack.collider(*login, "--password-stdin", stdin="no such password\n", check=False).stderr
    printed = stack.collider(*login, "--password-stdin", stdin=PASSWORD + "\n").stdout
    assert alice.name in printed
    profiles = stack.home / "profiles.json"
    assert oct(profiles.stat().st_mode & 0o777) == "0o600" and PASSWORD not in profiles.read_text()
    stack.collider("send", "-", "--profile", "alice", stdin='{"type": "FromAlice", "data": {}}')
    found = wait_until("the event", 10, lambda: alice.ask("GET", "/events?type=FromAlice")[1]["data"])
    assert len(found) == 1

    _, made = alice.ask("POST", "/organizations", {"name": f"second {uuid.uuid4()}"})
    shown = stack.collider("context", "--profile", "alice").stdout
    assert alice.name in shown and made["name"] in shown
    stack.collider("context", "use", made["id"], "--profile", "alice")
    stack.collider("send", "-", "--profile", "alice", stdin='{"type": "ForSecond", "data": {}}')
    assert alice.ask("GET", "/events?type=ForSecond")[1]["data"] == []
    alice.renew(made["id"])
    assert len(alice.ask("GET", "/events?type=ForSecond")[1]["data"]) == 1

    # Without a profile the key of `up` is used, as ever.
    stack.collider("send", "-", stdin='{"type": "FromUp", "data": {}}')
    assert stack.get("/api/v1/events?type=FromUp")["data"]
    stack.collider("logout", "--profile", "alice")
    assert stack.collider("context", "--profile", "alice", check=False).returncode != 0


def test_callers_are_who_they_are_over_http2_too(stack: Stack) -> None:
    alice = Person(stack, "alice")

    def key(*addresses: str) -> str:
        body = {"name": "bound", "scopes": ["admin"], "allowed_addresses": addresses}
        return str(alice.ask("POST", "/api-keys", body)[1]["api_key"])

    here, elsewhere = key("127.0.0.1"), key("192.0.2.0/24")
    with httpx.Client(base_url=stack.base_url, http1=False, http2=True) as client:

        def ask(method: str, path: str, credential: str, body: object = None) -> int:
            headers = {"Authorization": f"Bearer {credential}"}
            answer = client.request(method, "/api/v1" + path, json=body, headers=headers)
            assert answer.http_version == "HTTP/2"
            return answer.status_code

        assert ask("GET", "/events", elsewhere) == 401
        assert ask("GET", "/events", alice.access + "x") == 401
        assert ask("GET", "/events", alice.access) == 200
        assert ask("POST", "/triggers", here, {"name": "over HTTP/2"}) == 201
    entry = alice.ask("GET", "/audit?limit=1")[1]["data"][0]
    assert entry["action"] == "trigger.created" and entry["address"] == "127.0.0.1"
    # Two credentials are none, whichever is the good one.
    port = int(stack.base_url.rpartition(":")[2])
    good, bad = ("authorization", f"Bearer {here}"), ("authorization", f"Bearer {elsewhere}")
    for first, second in ((good, bad), (bad, good), (good, good)):
        with raw_http2.Connection(port) as connection:
            connection.request(1, "GET", "/api/v1/events", first, second)
            assert connection.answer(1).status in (400, 401)


def test_a_lost_password_is_reset_by_whoever_has_the_database(stack: Stack) -> None:
    alice = Person(stack, "alice")
    assert "nobody" in stack.collider("people", "reset-password", "x@example.com", check=False).stderr
    printed = stack.collider("people", "reset-password", alice.email).stdout
    password = printed.split()[-1]
    assert len(password) == 24
    assert stack.request("POST", "/api/v1/auth/refresh", {"refresh_token": alice.refresh}, key="")[0] == 401
    body = {"email": alice.email, "password": PASSWORD}
    assert stack.request("POST", "/api/v1/auth/login", body, key="")[0] == 401
    status, pair, _ = stack.request("POST", "/api/v1/auth/login", body | {"password": password}, key="")
    assert status == 200
    alice.access = pair["access_token"]
    newest = [entry["action"] for entry in alice.ask("GET", "/audit?limit=2")[1]["data"]]
    assert newest == ["session.opened", "password.reset"]


INVITED = {"email": "carol@example.com", "role": "viewer"}
