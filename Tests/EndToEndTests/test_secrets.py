"""No secret stands in the open: not in PostgreSQL, Redis, logs, attempts, errors or answers. And keys are rotated."""

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from gateways import Database
from receivers import SIGNING_SECRET, TelegramFake, WebhookReceiver
from stack import PROGRAMS, Stack, free_port, wait_until

HEADER = "Bearer header-of-the-secrets-test-51f0"
COOKIE = "session=cookie-of-the-secrets-test-9a2c"
SOURCE = "source-of-the-secrets-test-77d4"


@pytest.fixture
def hostile() -> Iterator[WebhookReceiver]:
    """A receiver that always refuses, so that errors and attempts are stored."""
    receiver = WebhookReceiver(status=lambda count: 404)
    yield receiver
    receiver.close()


def trigger(url: str, name: str = "secretive") -> dict[str, Any]:
    retry = {"max_attempts": 2, "schedule": ["100ms"]}
    headers = {"Authorization": HEADER, "Cookie": COOKIE, "X-Kept": "not a secret"}
    return {
        "name": name,
        "event_types": ["Secretive"],
        "actions": [
            {
                "type": "rest",
                "config": {"url": url, "signing_secret": SIGNING_SECRET, "headers": headers},
                "retry": retry,
            },
            # A port that nobody listens on, whose error quotes what was tried.
            {
                "type": "rest",
                "config": {"url": "http://127.0.0.1:9/", "signing_secret": SIGNING_SECRET, "headers": headers},
                "retry": retry,
            },
            {
                "type": "telegram",
                "config": {"bot_token": TelegramFake.TOKEN, "chat_id": 7, "text": "{{event.data.n}}"},
                "retry": retry,
            },
        ],
    }


def secrets_of(stack: Stack) -> dict[str, str]:
    kept = json.loads((stack.home / "secrets.json").read_text())
    return {
        "signing secret": SIGNING_SECRET,
        "header": HEADER.removeprefix("Bearer "),
        "cookie": COOKIE.removeprefix("session="),
        "bot token": TelegramFake.TOKEN.split(":")[1],
        "source": SOURCE,
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
    return [f"{name} in {where}" for name, secret in secrets.items() if secret.encode() in content]


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


def test_secrets_stand_nowhere_in_the_open(stack: Stack, telegram: TelegramFake, hostile: WebhookReceiver) -> None:
    status, made, _ = stack.request("POST", "/api/v1/triggers", trigger(f"{hostile.url}/hook"))
    assert status == 201, made
    masked = json.dumps(made, ensure_ascii=False)
    assert masked.count("••••") == 7 and "not a secret" in masked
    status, again, _ = stack.request("PUT", f"/api/v1/triggers/{made['id']}", trigger(f"{hostile.url}/changed"))
    assert status == 200 and again["version"] == 2, again
    source = {
        "name": "secretive",
        "event_type": "Hooked",
        "verification": {"scheme": "github", "secrets": [SOURCE]},
    }
    status, source, _ = stack.request("POST", "/api/v1/sources", source)
    assert status == 201, source
    status, answer, _ = stack.request(
        "POST", "/api/v1/triggers/test", {"trigger_id": made["id"], "event": {"type": "Secretive", "data": {"n": 1}}}
    )
    assert status == 200, answer
    stack.request("POST", "/api/v1/events", [{"type": "Secretive", "data": {"n": n}} for n in range(2)])

    def ended() -> bool:
        found = list(stack.pages(f"/api/v1/deliveries?trigger_id={made['id']}"))
        return len(found) == 6 and all(each["status"] in ("dead", "succeeded") for each in found)

    wait_until("end of all deliveries", 60, ended)
    assert len(telegram.messages) >= 2 and len(hostile.received) == 4, "the secrets were right"
    assert hostile.received[0][0]["authorization"] == HEADER

    secrets = secrets_of(stack)
    shown = answers(stack, made["id"], source["id"]) + json.dumps(answer).encode()
    assert leaks("answers", shown, secrets) == []
    assert everything(stack, secrets) == []
    # The search would have found them.
    assert leaks("PostgreSQL", dump_of_postgres(stack), {"name": "secretive", "kept": "not a secret"}) != []
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


def test_a_rotated_key_takes_everything_along(stack: Stack, telegram: TelegramFake) -> None:
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
