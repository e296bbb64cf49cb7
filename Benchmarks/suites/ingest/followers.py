"""Single events while others listen and work: LISTENing sessions, the processor with live triggers, the whole stack."""

import json

from harness.rounds import Sample, in_turn
from harness.servers import Child, request

from suites.ingest.bench import EVENT, Ingest
from suites.ingest.single import PEERS

LISTENERS = 8
TRIGGERS = 10
PIPELINE = ("event-processor", "action-workers", "collider-writer")


def measure(bench: Ingest) -> None:
    report = bench.report
    report.section("With wake-ups, live triggers, and the whole stack")
    report.note(f"{TRIGGERS} enabled triggers of the posted type, whose conditions are evaluated and not met")
    add_triggers(bench)
    samples = in_turn(
        {
            "off": lambda: bench.post(bench.single),
            "wake-ups": lambda: with_listeners(bench),
            "triggers": lambda: with_services(bench, ("event-processor",)),
            "stack": lambda: with_services(bench, PIPELINE),
        },
        bench.settings.rounds,
    )
    report.rate("collider: gateway alone", samples["off"])
    report.rate(f"  … and {LISTENERS} sessions that LISTEN", samples["wake-ups"])
    report.rate("  … and the processor with live triggers", samples["triggers"])
    report.rate("  … and the whole stack", samples["stack"])
    report.ratio("wake-ups on, to off", samples["wake-ups"], samples["off"], at_least=0.97)
    report.ratio("live triggers on, to off", samples["triggers"], samples["off"], at_least=0.97)
    report.ratio("the whole stack, to the gateway alone", samples["stack"], samples["off"])


def add_triggers(bench: Ingest) -> None:
    for number in range(TRIGGERS):
        trigger = {
            "name": f"Bench {number}",
            "event_types": [EVENT["type"]],
            "condition": {
                "all": [
                    {"field": "data.currency", "operator": "eq", "value": "EUR"},
                    {"field": "data.amount", "operator": "gt", "value": 10_000 + number},
                ]
            },
            "actions": [{"type": "rest", "config": {"url": "http://127.0.0.1:9/never"}}],
        }
        body = json.dumps(trigger).encode()
        status, _, answer = request(bench.port, "POST", "/api/v1/triggers", bench.servers.api_key, body)
        assert status == 201, answer


def with_listeners(bench: Ingest) -> Sample:
    command = [bench.settings.python, PEERS / "notification_listeners.py", bench.servers.url("collider")]
    child = bench.servers.start("listeners", [*command, str(LISTENERS), "new_event"], input_pipe=True)
    assert child.process.stdout and child.process.stdout.readline() == b"listening\n", child.tail()
    try:
        return measured(bench, {"listeners": child})
    finally:
        bench.servers.stop(child)


def with_services(bench: Ingest, names: tuple[str, ...]) -> Sample:
    # They begin at the end of the log: what the other runs left behind is not theirs to work off.
    bench.servers.sql(
        "UPDATE follower_positions f SET position = p.head FROM log_parts p WHERE f.part = p.part", "collider"
    )
    for leftover in bench.servers.ring.parent.glob(bench.servers.ring.name + "*"):
        leftover.unlink()
    services = {name: bench.servers.service(name) for name in names}
    try:
        return measured(bench, services)
    finally:
        for service in services.values():
            bench.servers.stop(service)


def measured(bench: Ingest, others: dict[str, Child]) -> Sample:
    bench.servers.clear("collider")
    bench.loads.post(bench.single, {}, seconds=0.3)
    processes = bench.server | {name: child.pid for name, child in others.items()}
    return bench.loads.post(bench.single, processes, seconds=bench.settings.seconds)
