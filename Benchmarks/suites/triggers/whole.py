"""What is left of the engine's rate in a whole event-processor, beside ingest, and in a backtest, beside the engine."""

import json
import random
import re
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.accounting import Meter
from harness.load import Loads, Post
from harness.rounds import Sample, in_turn
from harness.servers import Child, Servers, request
from stack import wait_until

from . import mixes
from .bench import STATES, Bench

TRIGGERS = 1_000
BATCH = 500


class Whole:
    def __init__(self, bench: Bench, servers: Servers) -> None:
        self.bench, self.servers, self.report = bench, servers, bench.report
        self.loads = Loads(servers)
        self.gateway = servers.service("api-gateway")
        chance = random.Random(3)
        lines = [json.dumps(bench.world.event(chance), separators=(",", ":")) for _ in range(BATCH)]
        self.events = bench.folder / "whole.ndjson"
        self.events.write_text("".join(f"{line}\n" for line in lines))
        self.post = Post(
            self.gateway.port,
            "/api/v1/events",
            self.events.read_bytes(),
            events=BATCH,
            media="application/x-ndjson",
            key=servers.api_key,
            status=200,
            expect=f'"accepted":{BATCH},',
        )

    def processor(self) -> None:
        self.report.section(f"A whole processor, {TRIGGERS:,} triggers")
        self.add_triggers()
        self.backlog = 60_000 * self.bench.settings.seconds // BATCH * BATCH
        self.report.note(f"the processor works off {self.backlog:,} events: follow, evaluate, learn, write, commit")
        fired: list[float] = []
        samples = in_turn(
            {"ingest": self.ingest, "processor": lambda: self.work_off(fired)}, self.bench.settings.rounds
        )
        self.report.rate(f"the gateway takes batches of {BATCH}", samples["ingest"])
        self.report.rate("the processor, alone", samples["processor"])
        self.report.note(f"of the events, {max(fired):.2%} fired a trigger")
        self.report.ratio("the processor to ingest", samples["processor"], samples["ingest"], at_least=0.5)

    def backtest(self) -> None:
        """Of the events that the last round has left."""
        name, leaf = next((name, leaf) for name, leaf in STATES.items() if leaf["aggregate"] == "count")
        self.report.section(f"A backtest with {name}, over {self.backlog:,} events")
        trigger = self.bench.stateful_trigger(leaf)
        service = self.servers.service("event-processor")
        try:
            samples = self.bench.measured(
                {
                    "the engine alone": self.bench.own("engine", trigger, self.events),
                    "a backtest": lambda: self.run_backtest(trigger, service),
                }
            )
        finally:
            self.servers.stop(service)
        self.report.ratio("a backtest to the engine", samples["a backtest"], samples["the engine alone"], at_least=0.5)

    def add_triggers(self) -> None:
        """Each asks for a type, a region and a high amount: one event in a hundred matches one."""
        for number in range(TRIGGERS):
            parts = [
                mixes.leaf("region", "eq", f"region-{number // self.bench.world.types}"),
                mixes.leaf("amount", "gt", 9_000),
            ]
            trigger = {
                "name": f"Bench {number}",
                "event_types": [f"shop.order{number % self.bench.world.types}.changed"],
                "condition": {"all": parts},
                "actions": [{"type": "rest", "config": {"url": "http://127.0.0.1:9/never"}}],
            }
            self.ask("POST", "/api/v1/triggers", trigger, 201)

    def ask(self, method: str, path: str, body: object = None, status: int = 200) -> dict[str, object]:
        data = None if body is None else json.dumps(body).encode()
        answered, _, answer = request(self.gateway.port, method, path, self.servers.api_key, data)
        assert answered == status, answer
        found: dict[str, object] = json.loads(answer)
        return found

    def ingest(self) -> Sample:
        self.servers.sql("TRUNCATE firings, deliveries")
        self.servers.clear("collider")
        self.servers.sql("UPDATE follower_positions f SET position = p.head FROM log_parts p WHERE f.part = p.part")
        self.loads.post(self.post, {}, seconds=0.3)
        processes = {"server": self.gateway.pid}
        return self.loads.post(self.post, processes, requests=self.backlog // BATCH)

    def work_off(self, fired: list[float]) -> Sample:
        """From the first batch that it commits to the last."""
        service = self.servers.service("event-processor")
        try:
            with Meter({"server": service.pid, "postgres": self.servers.postgres}) as meter:
                start, done = self.wait_for_events(service, 1)
                end, _ = self.wait_for_events(service, self.backlog)
        finally:
            self.servers.stop(service)
        fired.append(int(self.servers.sql("SELECT count(*) FROM firings")) / self.backlog)
        return Sample(events=self.backlog - done, seconds=end - start, cpu=meter.used)

    @staticmethod
    def wait_for_events(service: Child, count: int) -> tuple[float, int]:
        """When a processor has evaluated so many events or more, and how many."""
        while True:
            with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/metrics") as answer:
                found = re.search(rb"^processor_events_total (\d+)", answer.read(), re.MULTILINE)
            done = int(found[1]) if found else 0
            if done >= count:
                return time.monotonic(), done
            # The end is told to within this, of a run of seconds; to ask more often would cost the processor.
            time.sleep(0.02)

    def run_backtest(self, trigger: Path, service: Child) -> Sample:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        order = {"trigger": json.loads(trigger.read_text()), "from": yesterday.isoformat()}
        made = self.ask("POST", "/api/v1/triggers/backtest", order, 202)
        with Meter({"server": service.pid, "postgres": self.servers.postgres}) as meter:
            place = f"/api/v1/backtests/{made['id']}"
            wait_until("end of the backtest", 300, lambda: self.ask("GET", place)["finished_at"])
        found = self.ask("GET", place)
        assert found["status"] == "succeeded", found
        start, end = (datetime.fromisoformat(str(found[name])) for name in ("started_at", "finished_at"))
        return Sample(events=int(str(found["events_read"])), seconds=(end - start).total_seconds(), cpu=meter.used)
