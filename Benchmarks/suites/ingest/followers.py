"""Single events while others listen and work: LISTENing sessions, the processor with live triggers, the whole stack."""

import json
import statistics

from harness.rounds import Sample, in_turn
from harness.servers import Child, request

from suites.ingest.bench import EVENT, Ingest

# As many as a stack has: processor, writer, and the gateway for its streams.
LISTENERS = 3
TRIGGERS = 10
LAG = """SELECT f.follower, sum(p.head - f.position)
    FROM follower_positions f JOIN log_parts p USING (part) GROUP BY 1"""
PIPELINE = ("event-processor", "action-workers", "collider-writer")


def measure(bench: Ingest) -> None:
    report = bench.report
    report.section("With wake-ups, live triggers, and the whole stack")
    report.note(f"{TRIGGERS} enabled triggers of the posted type, whose conditions are evaluated and not met")
    add_triggers(bench)
    kept_up: dict[str, list[float]] = {}
    samples = in_turn(
        {
            "off": lambda: bench.post(bench.single),
            "wake-ups": lambda: with_listeners(bench),
            "triggers": lambda: with_services(bench, ("event-processor",), kept_up),
            "stack": lambda: with_services(bench, PIPELINE, kept_up),
        },
        bench.settings.rounds,
    )
    report.rate("collider: gateway alone", samples["off"])
    report.rate(f"  … and {LISTENERS} sessions that LISTEN", samples["wake-ups"])
    report.rate("  … and the processor with live triggers", samples["triggers"])
    report.rate("  … and the whole stack", samples["stack"])
    for follower, share in sorted(kept_up.items()):
        report.note(f"{follower} had done {statistics.median(share):.0%} of the events when the last was posted")
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
    child = bench.loads.subscribers("collider", "new_event", LISTENERS)
    try:
        return measured(bench, {"subscribers": child})
    finally:
        bench.servers.stop(child)


def with_services(bench: Ingest, names: tuple[str, ...], kept_up: dict[str, list[float]]) -> Sample:
    # They begin at the end of the log: what the other runs left behind is not theirs to work off.
    bench.servers.sql(
        "UPDATE follower_positions f SET position = p.head FROM log_parts p WHERE f.part = p.part", "collider"
    )
    for leftover in bench.servers.ring.parent.glob(bench.servers.ring.name + "*"):
        leftover.unlink()
    services = {name: bench.servers.service(name) for name in names}
    try:
        sample = measured(bench, services)
        for row in bench.servers.sql(LAG, "collider").splitlines():
            follower, lag = row.split("|")
            # One that does not run shows as 0 or less.
            if (share := 1 - int(lag) / sample.events) > 0:
                kept_up.setdefault(f"with {len(names)} services: {follower}", []).append(min(1.0, share))
        return sample
    finally:
        for service in services.values():
            bench.servers.stop(service)


def measured(bench: Ingest, others: dict[str, Child]) -> Sample:
    bench.servers.clear("collider")
    bench.loads.post(bench.single, {}, seconds=0.3)
    processes = bench.server | {name: child.pid for name, child in others.items()}
    return bench.loads.post(bench.single, processes, seconds=bench.settings.seconds)
