"""Webhooks of other systems, signed by libraries that are not ours, and what becomes of them."""

import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
import time
import urllib.parse
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from receivers import SIGNING_SECRET, TelegramFake, WebhookReceiver
from stack import ROOT, Stack, wait_until
from standardwebhooks import Webhook

SECRET = "it's a secret: ñ"

Headers = dict[str, str]


def digest(content: bytes, algorithm: str = "sha256") -> "hmac.HMAC":
    return hmac.new(SECRET.encode(), content, algorithm)


class Source:
    """A source, and a sender who knows its path and nothing else."""

    def __init__(self, stack: Stack, verification: dict[str, Any], **members: Any) -> None:
        definition = {"name": f"source {uuid.uuid4()}", "event_type": {"path": "type"}, "verification": verification}
        status, self.shown, _ = stack.request("POST", "/api/v1/sources", definition | members)
        assert status == 201, self.shown
        assert SECRET not in json.dumps(self.shown, ensure_ascii=False) and SIGNING_SECRET not in str(self.shown)
        self.stack = stack
        self.name = definition["name"]

    def deliver(self, body: bytes, headers: Headers) -> tuple[int, Any]:
        status, answer, _ = self.stack.request("POST", self.shown["hook_path"], body, key="", headers=headers)
        return status, answer

    def events(self) -> list[Any]:
        return [event for event in self.stack.pages("/api/v1/events") if event["source"] == self.name]


def standard(body: bytes, seconds: float, message: str = "msg_1") -> Headers:
    moment = datetime.fromtimestamp(int(seconds), UTC)
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(seconds)),
        "webhook-signature": Webhook(SIGNING_SECRET).sign(message, moment, body.decode()),
    }


def github(body: bytes, _: float) -> Headers:
    return {
        "X-Hub-Signature-256": f"sha256={digest(body).hexdigest()}",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    }


def stripe(body: bytes, seconds: float) -> Headers:
    signature = digest(b"%d." % seconds + body).hexdigest()
    return {"Stripe-Signature": f"t={int(seconds)},v0=6ffbb59b2300aae6,v1={'0' * 64},v1={signature}"}


def slack(body: bytes, seconds: float) -> Headers:
    signature = digest(b"v0:%d:" % seconds + body).hexdigest()
    return {"X-Slack-Request-Timestamp": f"{int(seconds)}", "X-Slack-Signature": f"v0={signature}"}


def generic(body: bytes, seconds: float) -> Headers:
    signature = base64.b64encode(digest(body + b"@%d" % seconds, "sha512").digest()).decode()
    return {"X-Shop-Signature": f"v2={signature}", "X-Shop-Time": f"{int(seconds)}", "X-Shop-Id": "7"}


def basic(_: bytes, __: float) -> Headers:
    return {"Authorization": "Basic " + base64.b64encode(f"älice:{SECRET}".encode()).decode()}


GENERIC = {
    "scheme": "hmac",
    "secrets": [SECRET],
    "header": "X-Shop-Signature",
    "algorithm": "sha512",
    "encoding": "base64",
    "prefix": "v2=",
    "timestamp_header": "X-Shop-Time",
    "signed_content": "{body}@{timestamp}",
}
SCHEMES = [
    pytest.param({"scheme": "standard_webhooks", "secrets": [SIGNING_SECRET]}, standard, "msg_1", id="standard"),
    pytest.param(
        {"scheme": "github", "secrets": [SECRET]}, github, "72d3162e-cc78-11e3-81ab-4c9367dc0958", id="github"
    ),
    pytest.param({"scheme": "stripe", "secrets": [SECRET]}, stripe, "evt_1", id="stripe"),
    pytest.param({"scheme": "slack", "secrets": [SECRET]}, slack, "Ev1", id="slack"),
    pytest.param(GENERIC, generic, "7", id="hmac"),
    pytest.param({"scheme": "basic", "username": "älice", "secrets": [SECRET]}, basic, "7", id="basic"),
]
BODY = json.dumps({"id": "evt_1", "event_id": "Ev1", "type": "invoice.paid", "note": "größer ✓"}).encode()


@pytest.mark.parametrize(("verification", "sign", "producer_id"), SCHEMES)
def test_a_signed_delivery_is_stored_once_and_a_forged_one_never(
    stack: Stack, verification: dict[str, Any], sign: Any, producer_id: str
) -> None:
    members = {"delivery_id": {"header": "X-Shop-Id"}} if verification["scheme"] in ("hmac", "basic") else {}
    source = Source(stack, verification, headers=["User-Agent", "X-GitHub-Event"], **members)
    headers = sign(BODY, time.time()) | ({"X-Shop-Id": "7"} if members else {})

    # Another body under the same signature; a password signs nothing.
    if verification["scheme"] != "basic":
        assert source.deliver(BODY + b" ", headers)[0] == 401
    for name in [name for name in headers if name.lower().endswith(("signature", "signature-256", "authorization"))]:
        assert source.deliver(BODY, headers | {name: headers[name][:-2]})[0] == 401
        assert source.deliver(BODY, {key: value for key, value in headers.items() if key != name})[0] == 401
    assert source.events() == []

    status, first = source.deliver(BODY, headers)
    assert status == 200 and first["duplicate"] is False, first
    # A redelivery is signed anew.
    status, again = source.deliver(BODY, sign(BODY, time.time() + 1) | ({"X-Shop-Id": "7"} if members else {}))
    assert status == 200 and again == {"id": first["id"], "duplicate": True}

    (event,) = source.events()
    assert event["id"] == first["id"] and event["producer_id"] == producer_id
    assert event["type"] == "invoice.paid" and event["data"] == json.loads(BODY)
    assert event["metadata"]["source"] == source.name
    assert event["metadata"]["headers"]["user-agent"].startswith("Python-urllib")


@pytest.mark.parametrize(
    ("verification", "sign"), [scheme.values[:2] for scheme in SCHEMES if scheme.id not in ("github", "basic")]
)
def test_a_delivery_of_another_time_is_refused(stack: Stack, verification: dict[str, Any], sign: Any) -> None:
    source = Source(stack, verification)
    for seconds in (time.time() - 310, time.time() + 310):
        assert source.deliver(BODY, sign(BODY, seconds))[0] == 401
    wide = Source(stack, verification | {"tolerance_seconds": 3600})
    assert wide.deliver(BODY, sign(BODY, time.time() - 310))[0] == 200


def test_a_secret_is_replaced_while_deliveries_come(stack: Stack) -> None:
    source = Source(stack, {"scheme": "github", "secrets": ["the old secret"]}, event_type="Push")
    path = f"/api/v1/sources/{source.shown['id']}"

    def put(secrets: list[str]) -> None:
        definition = stack.get(path)
        definition["verification"]["secrets"] = secrets
        assert stack.request("PUT", path, definition)[0] == 200

    def signed(secret: bytes) -> int:
        body = json.dumps({"n": str(uuid.uuid4())}).encode()
        signature = hmac.new(secret, body, "sha256").hexdigest()
        return source.deliver(body, {"X-Hub-Signature-256": f"sha256={signature}"})[0]

    put(["#1 ••••", "the new secret"])
    wait_until("new secret", 10, lambda: signed(b"the new secret") == 200)
    assert signed(b"the old secret") == 200
    put(["#2 ••••"])
    wait_until("end of the old secret", 10, lambda: signed(b"the old secret") == 401)
    assert signed(b"the new secret") == 200


def test_forms_of_github_and_commands_of_slack(stack: Stack) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    source = Source(stack, {"scheme": "github", "secrets": [SECRET]}, event_type={"header": "X-GitHub-Event"})
    body = urllib.parse.urlencode({"payload": json.dumps({"zen": "Keep it & simple"})}).encode()
    assert source.deliver(body, github(body, 0) | form)[0] == 200
    (event,) = source.events()
    assert event["type"] == "push" and event["data"] == {"zen": "Keep it & simple"}

    source = Source(stack, {"scheme": "slack", "secrets": [SECRET]}, event_type={"path": "command"})
    body = urllib.parse.urlencode({"command": "/weather", "text": "94070 ü"}).encode()
    assert source.deliver(body, slack(body, time.time()) | form) == (200, b"")
    (event,) = source.events()
    assert event["type"] == "/weather" and event["data"] == {"command": "/weather", "text": "94070 ü"}


def test_a_delivery_fires_a_trigger(stack: Stack, webhook: WebhookReceiver, telegram: TelegramFake) -> None:
    source = Source(stack, {"scheme": "none"}, event_type="Inbound", subject_path="customer")
    trigger = {
        "name": "Inbound",
        "enabled": True,
        "condition": {"field": "source", "operator": "eq", "value": source.name},
        "actions": [{"type": "rest", "config": {"url": f"{webhook.url}/hook", "signing_secret": SIGNING_SECRET}}],
    }
    assert stack.request("POST", "/api/v1/triggers", trigger)[0] == 201
    assert source.deliver(b'{"customer": 7}', {})[0] == 200
    wait_until("webhook", 20, lambda: webhook.received)
    assert webhook.received[0][1]["data"]["event"]["subject"] == "7"


@pytest.mark.parametrize("scheme", ["standard_webhooks", "github", "stripe", "slack", "hmac", "basic", "none"])
def test_the_documented_example_works(stack: Stack, scheme: str) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "ingest.md").read_text(), re.DOTALL)
    setup = next(block for block in blocks if block.startswith("BODY="))
    examples = next(block for block in blocks if block.startswith("# standard_webhooks")).split("\n\n")
    example = next(text for text in examples if re.match(rf"# {scheme}\b", text))
    secret = SIGNING_SECRET if scheme == "standard_webhooks" else "a good secret"
    more: dict[str, Any] = {"hmac": {"header": "X-Signature", "timestamp_header": "X-Timestamp"}}.get(scheme, {})
    more |= {"username": "alice"} if scheme == "basic" else {}
    source = Source(stack, {"scheme": scheme} | ({"secrets": [secret]} if scheme != "none" else {}) | more)
    environment = {"PATH": os.environ["PATH"], "HOOK": stack.base_url + source.shown["hook_path"], "SECRET": secret}
    done = subprocess.run(["bash", "-c", setup + example], env=environment, capture_output=True, text=True, timeout=30)
    assert json.loads(done.stdout).get("duplicate") is False, done
    assert [event["type"] for event in source.events()] == ["invoice.paid"]


def test_no_secret_and_no_path_is_in_the_logs_or_the_database(stack: Stack) -> None:
    source = Source(stack, {"scheme": "github", "secrets": [SECRET]})
    assert source.deliver(BODY, github(BODY + b" ", 0))[0] == 401
    assert source.deliver(BODY, github(BODY, 0))[0] == 200
    logs = "".join(log.read_text(errors="replace") for log in (stack.home / "logs").glob("*.log"))
    assert "hook.refused" in logs
    assert SECRET not in logs and source.shown["hook_path"] not in logs
    assert hashlib.sha256(SECRET.encode()).hexdigest() not in logs
