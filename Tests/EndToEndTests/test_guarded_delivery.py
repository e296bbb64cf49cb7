"""Signatures checked by the reference library, receivers that mean harm, and one dead endpoint among a hundred."""

import base64
import json
import os
import random
import signal
import statistics
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hostile
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from receivers import SIGNING_SECRET, Receiver
from stack import Stack, wait_until
from standardwebhooks import Webhook

NEW_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ED25519_SECRET = "whsk_" + base64.b64encode(bytes(range(32))).decode()
MESSAGES = 1_000


def random_text(chance: random.Random) -> str:
    """Also what encoders and decoders disagree about: quotes, escapes, surrogate pairs, line separators."""
    alphabet = 'aZ0 "\\/\n\t<>&é漢🙂\u2028\u0001{}'
    return "".join(chance.choice(alphabet) for _ in range(chance.randrange(40)))


def random_data(chance: random.Random) -> dict[str, Any]:
    values = [random_text(chance), chance.randrange(-(2**53), 2**53), chance.random(), None, True]
    return {
        "text": random_text(chance),
        "value": chance.choice(values),
        "list": [random_text(chance) for _ in range(chance.randrange(3))],
        "nonce": str(uuid.UUID(int=chance.getrandbits(128))),
    }


class VerifyingReceiver(Receiver):
    """Verifies each request by the old secret, the new one, and the public key."""

    def __init__(self) -> None:
        self.received: dict[str, Any] = {}
        self.refused: list[str] = []
        super().__init__()

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        lowered = {name.lower(): value for name, value in headers.items()}
        try:
            payload = Webhook(SIGNING_SECRET).verify(body, lowered)
            assert payload == Webhook(NEW_SECRET).verify(body, lowered)
            signature = next(part for part in lowered["webhook-signature"].split(" ") if part.startswith("v1a,"))
            signed = f"{lowered['webhook-id']}.{lowered['webhook-timestamp']}.".encode() + body
            ED25519.public_key().verify(base64.b64decode(signature[4:]), signed)
        except Exception as error:
            with self.lock:
                self.refused.append(f"{type(error).__name__}: {error}")
            return 401, {}
        with self.lock:
            self.received[payload["data"]["event"]["data"]["nonce"]] = payload["data"]["event"]["data"]
        return 200, {}


def create(stack: Stack, name: str, actions: list[dict[str, Any]], event_type: str) -> str:
    trigger = {"name": name, "event_types": [event_type], "actions": actions}
    status, answer, _ = stack.request("POST", "/api/v1/triggers", trigger)
    assert status == 201, answer
    return str(answer["id"])


def post(stack: Stack, events: list[dict[str, Any]]) -> None:
    status, answer, _ = stack.request("POST", "/api/v1/events", events)
    assert status == 200 and answer["accepted"] == len(events), answer


def warm_up(stack: Stack, event_type: str) -> None:
    """A trigger reaches the processors by a hint, which an event must not outrun."""

    def fired() -> bool:
        post(stack, [{"type": event_type, "data": {"nonce": "warm"}}])
        return bool(stack.get(f"/api/v1/firings?limit=1&from={started}")["data"])

    started = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    wait_until("first firing", 20, fired)


def test_the_library_verifies_a_thousand_of_our_signatures(stack: Stack) -> None:
    receiver = VerifyingReceiver()
    chance = random.Random(5)
    try:
        config = {"url": receiver.url, "signing_secrets": [NEW_SECRET, SIGNING_SECRET, ED25519_SECRET]}
        create(stack, "Signed", [{"type": "rest", "config": config}], "Signed")
        warm_up(stack, "Signed")
        wait_until("first webhook", 20, lambda: "warm" in receiver.received or receiver.refused)
        sent = {data["nonce"]: data for data in (random_data(chance) for _ in range(MESSAGES))}
        for start in range(0, MESSAGES, 200):
            batch = list(sent.values())[start : start + 200]
            post(stack, [{"type": "Signed", "data": data} for data in batch])
        wait_until("all messages", 120, lambda: len(receiver.received) > MESSAGES or receiver.refused)
        assert receiver.refused == []
        assert all(receiver.received[nonce] == data for nonce, data in sent.items())
    finally:
        receiver.close()


def test_we_verify_a_thousand_of_the_librarys_signatures(stack: Stack) -> None:
    chance = random.Random(6)
    definition = {
        "name": "signed by the library",
        "event_type": "Inbound",
        "verification": {"scheme": "standard_webhooks", "secrets": [NEW_SECRET, SIGNING_SECRET]},
    }
    status, source, _ = stack.request("POST", "/api/v1/sources", definition)
    assert status == 201, source
    refused = 0
    for number in range(MESSAGES):
        body = json.dumps(random_data(chance), ensure_ascii=chance.random() < 0.5).encode()
        secret = chance.choice([NEW_SECRET, SIGNING_SECRET])
        now = datetime.now(UTC)
        headers = {
            "webhook-id": f"msg_{number}",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(f"msg_{number}", now, body.decode()),
        }
        # One in twenty is changed on its way.
        is_tampered = number % 20 == 0
        sent = body.replace(b"nonce", b"n0nce") if is_tampered else body
        status, answer, _ = stack.request("POST", source["hook_path"], sent, key="", headers=headers)
        assert status == (401 if is_tampered else 200), (status, answer, sent)
        refused += is_tampered
    stored = sum(1 for event in stack.pages("/api/v1/events?type=Inbound"))
    assert stored == MESSAGES - refused


def memory(pid: int, line: str) -> int:
    """KiB of `VmRSS` (now) or `VmHWM` (at most since the last reset)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(row.split()[1]) for row in status.splitlines() if row.startswith(line))


def test_hostile_receivers_cost_no_memory(stack: Stack) -> None:
    # Those that are answered with a success may come often; of the others fewer than open a breaker.
    harms = [
        (hostile.endless_chunks, 20, "succeeded"),
        (hostile.gzip_bomb, 20, "succeeded"),
        (hostile.endless_headers, 4, "dead"),
        (hostile.slow_drip, 4, "dead"),
        (hostile.reset_in_body, 4, "dead"),
    ]
    receivers = [hostile.HostileReceiver(harm) for harm, _, _ in harms]
    pid = stack.pid("action-workers")
    try:
        triggers = []
        for receiver, (harm, _, _) in zip(receivers, harms, strict=True):
            action = {
                "type": "rest",
                "config": {"url": receiver.url, "timeout_ms": 1500},
                "retry": {"max_attempts": 1},
            }
            triggers.append(create(stack, harm.__name__, [action], harm.__name__))
        # One success for each first, so that what is made once is there; it is one of theirs.
        for harm, _, _ in harms[:2]:
            warm_up(stack, harm.__name__)
        wait_until("first deliveries", 30, lambda: all(receiver.connections for receiver in receivers[:2]))
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        before = memory(pid, "VmRSS")
        for harm, count, _ in harms:
            post(stack, [{"type": harm.__name__, "data": {"n": number}} for number in range(count)])

        def outcomes() -> list[list[Any]] | None:
            found = [stack.get(f"/api/v1/deliveries?trigger_id={trigger}&limit=100")["data"] for trigger in triggers]
            done = all(
                sum(delivery["status"] == status for delivery in deliveries) >= count
                for deliveries, (_, count, status) in zip(found, harms, strict=True)
            )
            return found if done else None

        found = wait_until("all outcomes", 60, outcomes)
        growth = (memory(pid, "VmHWM") - before) / 1024
        print(f"\nhostile receivers: worker at {before / 1024:.1f} MB grew by {growth:.1f} MB at most")
        assert growth < 10
        for deliveries, (harm, _, status) in zip(found, harms, strict=True):
            assert {delivery["status"] for delivery in deliveries} == {status}, harm.__name__
        drip = stack.get(f"/api/v1/deliveries/{found[3][0]['id']}")["attempts"][0]
        assert drip["details"]["timings"]["total_us"] >= 1_400_000 and "time" in drip["error"].lower()
        assert stack.pid("action-workers") == pid
    finally:
        for receiver in receivers:
            receiver.close()


def newest(stack: Stack, trigger: str) -> Any:
    return stack.get(f"/api/v1/deliveries?trigger_id={trigger}&limit=1")["data"][0]


@pytest.fixture(scope="module")
def many() -> Any:
    receivers = hostile.ManyReceivers()
    yield receivers
    receivers.close()


def test_one_dead_endpoint_among_a_hundred_holds_up_nobody(stack: Stack, many: hostile.ManyReceivers) -> None:
    rounds = 20
    hosts = [f"127.0.0.{number}" for number in range(1, 101)]
    dead = hosts[42]
    triggers = {}
    for host in hosts:
        action = {"type": "rest", "config": {"url": f"http://{host}:{many.port}/", "timeout_ms": 1000}}
        triggers[host] = create(stack, host, [action], f"Fair {host}")
    for host in (hosts[-1],):
        warm_up(stack, f"Fair {host}")
    wait_until("warm endpoint", 20, lambda: many.arrivals)

    def run(living: list[str]) -> list[float]:
        many.arrivals.clear()
        sent: dict[str, float] = {}
        for _ in range(rounds):
            nonce = uuid.uuid4()
            events = [{"type": f"Fair {host}", "data": {"nonce": f"{host} {nonce}"}} for host in hosts]
            now = time.monotonic()
            sent |= {event["data"]["nonce"]: now for event in events}
            post(stack, events)
            # A steady load, below what the machine can do.
            time.sleep(max(0.0, 0.2 - (time.monotonic() - now)))
        # Those of the warm-up may come in between.
        expected = len(living) * rounds
        nonces: dict[str, float] = {}

        def collect() -> bool:
            for _, moment, body in list(many.arrivals):
                nonces.setdefault(json.loads(body)["data"]["event"]["data"]["nonce"], moment)
            return sum(nonce in nonces for nonce in sent) >= expected

        wait_until("all deliveries to the living", 90, collect)
        return [nonces[nonce] - moment for nonce, moment in sent.items() if nonce in nonces]

    living = [host for host in hosts if host != dead]
    # The first run opens connections, and has everything in memory.
    run(hosts)
    alone = run(hosts)
    many.dead = dead
    beside = run(living)
    # The living have everything while the dead one's deliveries still wait.
    waiting = stack.get(f"/api/v1/deliveries?trigger_id={triggers[dead]}&limit=100")["data"]
    unfinished = [delivery for delivery in waiting if delivery["status"] in ("ready", "running", "scheduled")]
    assert len(unfinished) == rounds
    taken = many.taken_by_the_dead
    assert taken <= 16, taken

    def percentile(times: list[float], number: int) -> float:
        return statistics.quantiles(times, n=100)[number - 1] * 1000

    for number in (50, 99):
        without, beside_it = percentile(alone, number), percentile(beside, number)
        print(f"\np{number} of the others {without:.0f} ms, beside a dead endpoint {beside_it:.0f} ms", end="")
    print(f"; {taken} requests reached it")

    def breaker() -> Any:
        shown = stack.get(f"/api/v1/triggers/{triggers[dead]}/circuit-breaker")
        return shown if shown["state"] != "closed" else None

    state = wait_until("open breaker", 60, breaker)
    assert state["endpoints"][0]["endpoint"] == f"http://{dead}:{many.port}"
    opened = stack.get("/api/v1/events?type=collider.breaker.opened")["data"]
    subjects = [event["subject"] for event in opened if event["subject"].endswith(f":{many.port}")]
    assert subjects == [f"http://{dead}:{many.port}"]
    # A worker that was killed, and comes back knowing nothing, leaves the endpoint alone too. It is held open, because
    # the time in which a probe goes out may come meanwhile.
    status, _, _ = stack.request("PATCH", f"/api/v1/triggers/{triggers[dead]}/circuit-breaker", {"state": "open"})
    assert status == 200
    taken = many.taken_by_the_dead
    pid = stack.pid("action-workers")
    os.kill(pid, signal.SIGKILL)
    wait_until(
        "another worker",
        30,
        lambda: (stack.home / "run" / "action-workers.pid").exists() and stack.pid("action-workers") != pid,
    )
    last = newest(stack, triggers[dead])["id"]
    post(stack, [{"type": f"Fair {dead}", "data": {"nonce": "after the kill"}}])

    def put_off_since() -> Any:
        delivery = newest(stack, triggers[dead])
        return delivery if delivery["id"] != last and delivery["next_attempt_reason"] else None

    delivery = wait_until("delivery that is put off", 30, put_off_since)
    assert "circuit breaker" in delivery["next_attempt_reason"] and delivery["attempt"] == 0, delivery
    assert many.taken_by_the_dead == taken
    # Nothing is lost: when the endpoint is back and the breaker closed by hand, all of it arrives.
    many.dead = None
    many.arrivals.clear()
    put_off = [delivery for delivery in unfinished if delivery["attempt"] == 0]
    status, _, _ = stack.request("POST", f"/api/v1/triggers/{triggers[dead]}/circuit-breaker/reset")
    assert status == 200
    wait_until(
        "the dead one's deliveries",
        90,
        lambda: len({body for host, _, body in list(many.arrivals) if host == dead}) > len(put_off),
    )
