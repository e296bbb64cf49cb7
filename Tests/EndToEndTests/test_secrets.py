"""No secret stands in the open: not in PostgreSQL, Redis, logs, attempts, errors or answers. And keys are rotated."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import mail_server
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from gateways import Database
from language_models import FakeOpenAI, ToolServer, tool_server
from receivers import SIGNING_SECRET, SlackFake, TelegramFake, WebhookReceiver
from stack import PROGRAMS, Stack, free_port, wait_until

# Each in its own place of an action or a source.
SECRETS = {
    "signing secret": SIGNING_SECRET,
    "older signing secret": "whsec_" + base64.b64encode(b"older one of the secrets test").decode(),
    "header": "header-of-the-secrets-test-51f0",
    "cookie": "cookie-of-the-secrets-test-9a2c",
    "client key": "",  # made below
    "bot token": TelegramFake.TOKEN.split(":")[1],
    "webhook of Slack": SlackFake.PATH.rpartition("/")[2],
    "other webhook of Slack": "other-webhook-of-the-secrets-test-c4e8",
    "password of mail": mail_server.PASSWORD,
    "wrong password of mail": "wrong-password-of-the-secrets-test-2d63",
    "key of tools": "tool-secret",
    "wrong key of tools": "wrong-tool-key-of-the-secrets-test-b810",
    "second key of tools": "second-tool-key-of-the-secrets-test-fa97",
    "key of the model": FakeOpenAI.KEY,
    "source": "source-of-the-secrets-test-77d4",
}
KEPT = "not a secret"


def client_pair() -> tuple[str, str]:
    """A certificate and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "secrets test")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    certificate = built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.decode(), secret.decode()


CERTIFICATE, CLIENT_KEY = client_pair()
# A line of it, as it stands in any dump.
SECRETS["client key"] = CLIENT_KEY.splitlines()[1]


@pytest.fixture(scope="module")
def hostile() -> Iterator[WebhookReceiver]:
    """A receiver that always refuses, so that errors and attempts are stored."""
    receiver = WebhookReceiver(status=lambda count: 404)
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def slack() -> Iterator[SlackFake]:
    fake = SlackFake()
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mail_server.MailServer]:
    server = mail_server.MailServer(tmp_path_factory.mktemp("mail"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def tools() -> Iterator[ToolServer]:
    with tool_server() as server:
        yield server


@pytest.fixture(scope="module")
def model() -> Iterator[FakeOpenAI]:
    fake = FakeOpenAI()
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def stack(telegram: TelegramFake, model: FakeOpenAI) -> Iterator[Stack]:
    stack = Stack(telegram_url=telegram.url)
    # What all services say at most.
    stack.environment["LOG_LEVEL"] = "trace"
    stack.environment |= {"LLM_BASE_URL": model.url, "LLM_API_KEY": FakeOpenAI.KEY, "LLM_MODEL": "fake-1"}
    try:
        stack.up()
        yield stack
    finally:
        stack.remove()


@dataclass
class Peers:
    """Whom the actions talk to."""

    hostile: WebhookReceiver
    slack: SlackFake
    mail: mail_server.MailServer
    tools: ToolServer


@pytest.fixture(scope="module")
def peers(hostile: WebhookReceiver, slack: SlackFake, mail: mail_server.MailServer, tools: ToolServer) -> Peers:
    return Peers(hostile, slack, mail, tools)


def rest(url: str, **members: Any) -> dict[str, Any]:
    headers = {
        "Authorization": f"Bearer {SECRETS['header']}",
        "Cookie": f"session={SECRETS['cookie']}",
        "X-Kept": KEPT,
    }
    return {"type": "rest", "config": {"url": url, "headers": headers, "signing_secret": SIGNING_SECRET} | members}


def email(server: mail_server.MailServer, password: str, **members: Any) -> dict[str, Any]:
    config = {"host": "localhost", "port": server.port, "tls": "starttls", "ca_pem": server.certificate}
    config |= {"username": mail_server.USERNAME, "password": password, "from": "shop@example.com"}
    return {"type": "email", "config": config | {"to": ["a@example.org"], "subject": "s", "text": "t"} | members}


def mcp(url: str, key: str) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {key}", "x-api-key": SECRETS["second key of tools"]}
    return {
        "type": "mcp",
        "config": {"server_url": url, "tool": "greet", "arguments": {"name": "x"}, "headers": headers},
    }


def actions(peers: Peers, path: str) -> list[tuple[dict[str, Any], int, str]]:
    """Actions of all kinds that have secrets, with the number of secrets that are to be hidden, and how each ends.

    Of each kind one that its peer takes, and one that fails, because errors quote what was tried.
    """
    # Ports that nobody listens on: one for each, so that no circuit breaker opens.
    nowhere, nobody, nothing = "127.0.0.1:9", "127.0.0.1:7", "127.0.0.1:13"
    tls = {"client_certificate": CERTIFICATE, "client_key": CLIENT_KEY}
    both = {"signing_secrets": [SIGNING_SECRET, SECRETS["older signing secret"]], "tls": tls}
    doubled = rest(f"https://{nowhere}/", **both)
    del doubled["config"]["signing_secret"]
    telegram = {
        "type": "telegram",
        "config": {"bot_token": TelegramFake.TOKEN, "chat_id": 7, "text": "{{event.data.n}}"},
    }
    unknown = telegram | {"config": telegram["config"] | {"chat_id": 404}}
    slack = {"type": "slack", "config": {"webhook_url": peers.slack.url + SlackFake.PATH, "text": "x"}}
    archived = f"{peers.slack.url}/services/{SECRETS['other webhook of Slack']}/archived"
    return [
        (rest(f"{peers.hostile.url}{path}"), 3, "dead"),
        (rest(f"http://{nowhere}/"), 3, "dead"),
        (doubled, 5, "dead"),
        (telegram, 1, "succeeded"),
        (unknown, 1, "dead"),
        (slack, 1, "succeeded"),
        (slack | {"config": {"webhook_url": archived, "text": "x"}}, 1, "dead"),
        (slack | {"config": {"webhook_url": f"http://{nobody}{SlackFake.PATH}", "text": "x"}}, 1, "dead"),
        (email(peers.mail, mail_server.PASSWORD), 1, "succeeded"),
        (email(peers.mail, SECRETS["wrong password of mail"]), 1, "dead"),
        (email(peers.mail, mail_server.PASSWORD, port=9), 1, "dead"),
        (mcp(peers.tools.url, SECRETS["key of tools"]), 2, "succeeded"),
        (mcp(peers.tools.url, SECRETS["wrong key of tools"]), 2, "dead"),
        (mcp(f"http://{nothing}/mcp", SECRETS["key of tools"]), 2, "dead"),
        ({"type": "llm", "config": {"prompt": "{{event.data.n}}"}}, 0, "succeeded"),
    ]


def trigger(peers: Peers, path: str) -> dict[str, Any]:
    retry = {"max_attempts": 2, "schedule": ["100ms"]}
    chosen = [action | {"retry": retry} for action, _, _ in actions(peers, path)]
    return {"name": "secretive", "event_types": ["Secretive"], "actions": chosen}


def secrets_of(stack: Stack) -> dict[str, str]:
    kept = json.loads((stack.home / "secrets.json").read_text())
    return SECRETS | {
        "API key": stack.api_key.split("_")[2],
        "encryption key": kept["encryption_key"],
        "JWT secret": kept["jwt_secret"],
    }


def dump_of_postgres(stack: Stack) -> bytes:
    database = Database(stack)
    environment = os.environ | {"PGPASSWORD": database.secrets["database_password"]}
    command = ["/usr/lib/postgresql/15/bin/pg_dump", "-h", "127.0.0.1", "-p", str(database.ports["postgres"])]
    return subprocess.run(
        [*command, "-U", "collider", "collider"], env=environment, check=True, capture_output=True, timeout=60
    ).stdout


def dump_of_redis(stack: Stack) -> bytes:
    database = Database(stack)
    command = ["redis-cli", "-p", str(database.ports["redis"]), "--no-auth-warning"]
    environment = os.environ | {"REDISCLI_AUTH": database.secrets["redis_password"]}
    keys = subprocess.run([*command, "KEYS", "*"], env=environment, check=True, capture_output=True).stdout.split()
    values = [
        subprocess.run([*command, "DUMP", key], env=environment, check=True, capture_output=True).stdout for key in keys
    ]
    return b"\n".join(keys + values) + b"".join(path.read_bytes() for path in (stack.home / "redis").rglob("*.aof"))


def leaks(where: str, content: bytes, secrets: dict[str, str]) -> list[str]:
    return [
        f"{name} in {where}"
        for name, secret in secrets.items()
        if any(form in content for form in forms(secret.encode()))
    ]


def forms(secret: bytes) -> list[bytes]:
    """As it is, and as it goes over the wire or into a log: in hexadecimal, in Base64 by itself and as a login."""
    login = b"\0" + mail_server.USERNAME.encode() + b"\0" + secret
    return [secret, secret.hex().encode(), *(base64.b64encode(text).rstrip(b"=")[:-1] for text in (secret, login))]


def everything(stack: Stack, secrets: dict[str, str]) -> list[str]:
    found = leaks("PostgreSQL", dump_of_postgres(stack), secrets) + leaks("Redis", dump_of_redis(stack), secrets)
    for log in (stack.home / "logs").iterdir():
        found += leaks(log.name, log.read_bytes(), secrets)
    return found


def answers(stack: Stack, trigger_id: str, source_id: str) -> bytes:
    paths = [
        f"/triggers/{trigger_id}",
        f"/triggers/{trigger_id}/versions",
        f"/triggers/{trigger_id}/firings",
        f"/deliveries?trigger_id={trigger_id}",
        f"/sources/{source_id}",
        "/triggers",
        "/sources",
    ]
    paths += [f"/deliveries/{each['id']}" for each in stack.pages(f"/api/v1/deliveries?trigger_id={trigger_id}")]
    return b"".join(json.dumps(stack.get(f"/api/v1{path}"), ensure_ascii=False).encode() for path in paths)


def test_secrets_stand_nowhere_in_the_open(
    stack: Stack, telegram: TelegramFake, model: FakeOpenAI, peers: Peers
) -> None:
    status, made, _ = stack.request("POST", "/api/v1/triggers", trigger(peers, "/hook"))
    assert status == 201, made
    expected = actions(peers, "/hook")
    masks = [json.dumps(action, ensure_ascii=False).count("••••") for action in made["actions"]]
    assert masks == [hidden for _, hidden, _ in expected]
    assert KEPT in json.dumps(made)
    status, again, _ = stack.request("PUT", f"/api/v1/triggers/{made['id']}", trigger(peers, "/changed"))
    assert status == 200 and again["version"] == 2, again
    source = {
        "name": "secretive",
        "event_type": "Hooked",
        "verification": {"scheme": "github", "secrets": [SECRETS["source"]]},
    }
    status, source, _ = stack.request("POST", "/api/v1/sources", source)
    assert status == 201, source
    status, answer, _ = stack.request(
        "POST", "/api/v1/triggers/test", {"trigger_id": made["id"], "event": {"type": "Secretive", "data": {"n": 1}}}
    )
    assert status == 200, answer
    stack.request("POST", "/api/v1/events", [{"type": "Secretive", "data": {"n": n}} for n in range(2)])

    def ended() -> list[Any] | None:
        found = list(stack.pages(f"/api/v1/deliveries?trigger_id={made['id']}"))
        done = len(found) == 2 * len(expected) and all(each["status"] in ("dead", "succeeded") for each in found)
        return found if done else None

    found = wait_until("end of all deliveries", 60, ended)
    outcomes = {(each["action_index"], each["status"]) for each in found}
    assert outcomes == {(index, status) for index, (_, _, status) in enumerate(expected)}, "the secrets were right"
    assert len(peers.hostile.received) == 4 and len(telegram.messages) >= 2 and len(model.requests) == 2
    assert peers.hostile.received[0][0]["authorization"] == f"Bearer {SECRETS['header']}"

    secrets = secrets_of(stack)
    shown = answers(stack, made["id"], source["id"]) + json.dumps(answer).encode()
    assert leaks("answers", shown, secrets) == []
    assert everything(stack, secrets) == []
    # The search would have found them.
    assert leaks("PostgreSQL", dump_of_postgres(stack), {"name": "secretive", "kept": KEPT}) != []
    assert oct((stack.home / "secrets.json").stat().st_mode & 0o777) == "0o600"


def test_a_service_with_a_bad_key_does_not_start(stack: Stack) -> None:
    database = Database(stack)
    environment = stack.environment | {
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(database.ports["postgres"]),
        "DB_USER": "collider_service",
        "DB_PASSWORD": database.secrets["database_password"],
        "REDIS_PORT": str(database.ports["redis"]),
        "REDIS_PASSWORD": database.secrets["redis_password"],
        "JWT_SECRET": database.secrets["jwt_secret"],
        "SERVER_PORT": str(free_port()),
    }
    for program, port in (
        ("api-gateway", "SERVER_PORT"),
        ("event-processor", "PROCESSOR_METRICS_PORT"),
        ("action-workers", "WORKERS_METRICS_PORT"),
    ):
        for key in ("", "hunter2", "00" * 32, bytes(range(100, 132)).hex()):
            done = subprocess.run(
                [PROGRAMS / program],
                env=environment | {port: str(free_port()), "COLLIDER_ENCRYPTION_KEY": key},
                capture_output=True,
                text=True,
                timeout=60,
                cwd=stack.folder,
            )
            output = done.stdout + done.stderr
            assert done.returncode != 0 and "COLLIDER_ENCRYPTION_KEY" in output, (program, key, output)
            assert not key or key not in output


def test_a_rotated_key_takes_everything_along(stack: Stack, telegram: TelegramFake, peers: Peers) -> None:
    before = json.loads((stack.home / "secrets.json").read_text())["encryption_key"]
    printed = stack.collider("secrets", "rotate").stdout
    assert "collider down" in printed
    refused = stack.collider("secrets", "reseal", check=False)
    assert refused.returncode != 0 and "restart" in refused.stderr
    stack.down()
    assert "under the current key" in stack.up()
    kept = json.loads((stack.home / "secrets.json").read_text())
    assert kept["encryption_key"] != before and "old_encryption_keys" not in kept
    status = stack.collider("secrets").stdout
    assert status.count("current") == 1 and "old" not in status
    seen = len(telegram.messages)
    stack.request("POST", "/api/v1/events", {"type": "Secretive", "data": {"n": 99}})
    wait_until("message under the new key", 60, lambda: len(telegram.messages) > seen)
    assert everything(stack, secrets_of(stack) | {"old key": before}) == []
