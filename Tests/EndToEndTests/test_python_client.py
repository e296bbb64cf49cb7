"""The Python client over the whole interface: every operation that the gateway describes, once and for real."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from collider import Client, ColliderError
from collider.transport import Transport
from receivers import SIGNING_SECRET, WebhookReceiver
from stack import Stack, wait_until

# What a client has no use for: second paths, and what is for browsers, probes and senders of webhooks.
LEFT_OUT = {
    "ingestAtRoot",
    "getHealthAtRoot",
    "getOpenAPIOfVersion",
    "getDocs",
    "getLiveness",
    "getReadiness",
    "getMetrics",
    "takeHook",
}


class Recorder:
    """Which requests a client made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[tuple[str, str]] = []
        original = Transport._request

        def record(transport: Transport, method: str, path: str, *rest: Any) -> Any:
            self.made.append((method, path))
            return original(transport, method, path, *rest)

        monkeypatch.setattr(Transport, "_request", record)

    def operations(self, document: dict[str, Any]) -> set[str]:
        found = set()
        for method, path in self.made:
            patterns = [known for known in document["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", known), path)]
            best = min(patterns, key=lambda known: known.count("{"))
            found.add(document["paths"][best][method.lower()]["operationId"])
        return found


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    yield Recorder(monkeypatch)


def test_every_operation_has_a_method_that_works(stack: Stack, webhook: WebhookReceiver, recorder: Recorder) -> None:
    client = Client(stack.base_url, stack.api_key)
    assert client.health()["status"] == "healthy" and list(client.usage()) == []
    assert client.budget() == {"tokens_per_day": None, "seconds_per_day": None}
    begin = datetime.now(UTC) - timedelta(minutes=5)

    definition = {
        "name": "py large",
        "event_types": ["PyPayment"],
        "condition": {"field": "data.amount", "operator": "gt", "value": 100},
        "actions": [{"type": "rest", "config": {"url": webhook.url, "signing_secret": SIGNING_SECRET}}],
    }
    triggers(client, definition)
    trigger = client.triggers.create(definition)
    event = client.send("PyPayment", {"amount": 500}, subject="c-1")
    assert client.events.ingest({"type": "PyIngested", "n": 1})["type"] == "PyIngested"
    assert client.events.get(event.id)["data"] == {"amount": 500}
    found = client.events.list(type="PyPayment", filter={"field": "data.amount", "operator": "eq", "value": 500})
    assert [item["id"] for item in found] == [event.id]
    assert client.events.stats(type="PyPayment", since=begin, group_by=["type"])["measure"] == "count"

    wait_until("firing", 30, lambda: list(client.firings.list(trigger=trigger["id"])))
    firing = client.firings.get(next(client.triggers.firings(trigger["id"]))["id"])
    assert firing["event_id"] == event.id and firing["explanation"]["value"] is True
    assert client.events.explain(event.id, trigger["id"])["outcome"] == "fired"
    deliveries(client, trigger["id"])
    breakers(client, trigger["id"])
    backtests(client, trigger["id"], definition, begin)
    sources(client)
    wait_until("schema", 30, lambda: any(schema["event_type"] == "PyPayment" for schema in client.schemas.list()))
    assert client.schemas.get("PyPayment")["fields"]["amount"]["present"] == 1
    follow(client)
    people(stack)

    document = client.openapi()
    described = {operation["operationId"] for item in document["paths"].values() for operation in item.values()}
    assert described - recorder.operations(document) == LEFT_OUT


def triggers(client: Client, definition: dict[str, Any]) -> None:
    preview = client.triggers.preview(definition)
    assert preview["changes"] == [] and preview["trigger"]["name"] == "py large"
    made = client.triggers.create({**definition, "name": "py edited"})
    changed = client.triggers.change(made["id"], {"enabled": False}, version=made["version"])
    assert changed["enabled"] is False and changed["version"] == 2
    with pytest.raises(ColliderError) as caught:
        client.triggers.change(made["id"], {"enabled": True}, version=1)
    assert caught.value.status == 412 and caught.value.type.endswith(":precondition-failed")
    assert caught.value.request_id
    replaced = client.triggers.replace(made["id"], {**definition, "name": "py edited", "actions": []}, version=2)
    assert client.triggers.get(made["id"]) == replaced
    assert client.triggers.preview({**definition, "name": "py edited"}, id=made["id"])["changes"]
    assert [version["version"] for version in client.triggers.versions(made["id"], limit=2)] == [3, 2, 1]
    assert client.triggers.version(made["id"], 1)["trigger"]["enabled"] is True
    assert client.triggers.compare(made["id"], 1, 3)["changes"]
    assert client.triggers.roll_back(made["id"], 1)["version"] == 4
    client.triggers.put_shadow(made["id"], {**definition, "name": "py edited", "condition": None})
    assert client.triggers.shadow(made["id"])["differences"]["both"] == 0
    assert client.triggers.promote_shadow(made["id"])["condition"] is None
    client.triggers.put_shadow(made["id"], {**definition, "name": "py edited"})
    client.triggers.delete_shadow(made["id"])
    assert made["id"] in [trigger["id"] for trigger in client.triggers.list(limit=1)]
    client.triggers.delete(made["id"])
    tried = client.triggers.test(
        [{"type": "A", "data": {"n": 1}}], condition={"field": "n", "operator": "eq", "value": 1}
    )
    assert tried["fired"] == 1
    near = client.triggers.calibrate({"similar_to": "money", "field": "text"}, datetime.now(UTC) - timedelta(hours=1))
    assert near["complete"] is True


def deliveries(client: Client, trigger: str) -> None:
    wait_until("delivery", 30, lambda: list(client.deliveries.list(trigger_id=trigger, status="succeeded")))
    delivery = client.deliveries.get(next(client.deliveries.list(trigger_id=trigger))["id"])
    assert delivery["attempts"][0]["status_code"] == 200
    for change in (client.deliveries.retry, client.deliveries.cancel):
        with pytest.raises(ColliderError) as caught:
            change(delivery["id"])
        assert caught.value.status == 409
    assert client.deliveries.purge({"status": "dead", "trigger_id": trigger}) == {"purged": 0, "complete": True}
    replay = client.replays.start(filter={"trigger_id": trigger, "status": "succeeded"}, rate=100)
    *_, last = client.replays.watch(replay["id"])
    assert last["status"] == "succeeded" and last["made"] == 1
    assert client.replays.get(replay["id"])["made"] == 1
    assert client.replays.cancel(replay["id"])["status"] == "succeeded"
    assert replay["id"] in [known["id"] for known in client.replays.list()]


def breakers(client: Client, trigger: str) -> None:
    assert client.triggers.open_breakers(trigger, duration="30m")["state"] == "open"
    breaker = next(client.breakers.list(state="open"))
    assert client.breakers.get(breaker["id"])["open_until"] is not None
    assert client.triggers.close_breakers(trigger)["state"] == "closed"
    assert client.triggers.reset_breakers(trigger) == client.triggers.breakers(trigger)


def backtests(client: Client, trigger: str, definition: dict[str, Any], begin: datetime) -> None:
    backtest = client.backtests.start(begin, trigger_id=trigger)
    *_, last = client.backtests.watch(backtest["id"])
    assert last["result"]["fired"] == 1
    draft = client.backtests.start(begin, trigger=definition)
    assert client.backtests.cancel(draft["id"])["id"] == draft["id"]
    assert client.backtests.get(backtest["id"])["status"] == "succeeded"
    assert backtest["id"] in [known["id"] for known in client.backtests.list(trigger=trigger)]
    with pytest.raises(ValueError):
        client.backtests.start(begin)


def sources(client: Client) -> None:
    definition = {"name": "py shop", "event_type": "Order", "verification": {"scheme": "none"}}
    source = client.sources.create(definition)
    assert client.sources.replace(source["id"], {**definition, "enabled": False})["enabled"] is False
    assert client.sources.get(source["id"])["name"] == "py shop"
    assert source["id"] in [known["id"] for known in client.sources.list()]
    client.sources.delete(source["id"])


def follow(client: Client) -> None:
    first = client.send("PyFollowed", {"n": 0})
    client.send_many({"type": "PyFollowed", "data": {"n": n}} for n in (1, 2))
    stream = client.events.stream(type="PyFollowed", after=first.id)
    assert [next(stream)["data"]["n"] for _ in range(2)] == [1, 2]


def people(stack: Stack) -> None:
    nobody = Client(stack.base_url, "nobody")
    alice = nobody.account.register("py-alice", "py-alice@example.com", "correct horse")
    pair = nobody.account.log_in("py-alice@example.com", "correct horse")
    pair = nobody.account.refresh(pair["refresh_token"])
    owner = Client(stack.base_url, pair["access_token"])
    own = owner.account.me()["organization_id"]
    assert own == alice["organization"]["id"] and owner.organizations.rename(own, "py team")["name"] == "py team"

    invited = owner.organizations.invite(own, "py-bob@example.com", "viewer")
    assert [known["id"] for known in owner.organizations.invitations(own)] == [invited["id"]]
    bob = nobody.account.register("py-bob", "py-bob@example.com", "battery staple")
    member = Client(stack.base_url, nobody.account.log_in("py-bob@example.com", "battery staple")["access_token"])
    assert own in [joined["id"] for joined in member.organizations.accept(invited["token"])]
    spare = owner.organizations.invite(own, "py-carol@example.com", "member")
    owner.organizations.take_back(own, spare["id"])
    assert {known["username"] for known in owner.organizations.members(own)} == {"py-alice", "py-bob"}
    assert owner.organizations.set_role(own, bob["id"], "admin")["role"] == "admin"
    assert owner.organizations.get(own)["member_count"] == 2

    made = owner.keys.create("py key", ["events:write"], allowed_addresses=["127.0.0.0/8"])
    assert Client(stack.base_url, made["api_key"]).send("PyKeyed", {}).type == "PyKeyed"
    successor = owner.keys.rotate(made["id"], overlap_seconds=60)
    assert owner.keys.get(made["id"])["replaced_by"] == successor["id"]
    assert {known["id"] for known in owner.keys.list()} == {made["id"], successor["id"]}
    owner.keys.revoke(successor["id"])
    assert [entry["target"] for entry in owner.organizations.audit(action="key.revoked")] == [successor["id"]]

    second = member.organizations.create("py second")
    pair = nobody.account.log_in("py-bob@example.com", "battery staple", organization_id=own)
    guest = Client(stack.base_url, pair["access_token"])
    assert second["id"] in [known["id"] for known in guest.organizations.list()]
    owner.organizations.transfer(own, bob["id"])
    owner.organizations.leave(own)
    carol = nobody.account.register("py-carol", "py-carol@example.com", "staple battery")
    again = guest.organizations.invite(own, "py-carol@example.com", "viewer")
    pair = nobody.account.log_in("py-carol@example.com", "staple battery")
    Client(stack.base_url, pair["access_token"]).organizations.accept(again["token"])
    guest.organizations.remove(own, carol["id"])
    guest.account.change_password("battery staple", "horse correct")
    guest.account.log_out()
    with pytest.raises(ColliderError) as caught:
        guest.account.me()
    assert caught.value.status == 401
