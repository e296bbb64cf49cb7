"""The measurements, each a section of the report. One that is added later is a mode of `trigger-bench` and a method."""

import csv
import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from harness.report import Report
from harness.rounds import Sample, in_turn
from harness.servers import Servers
from harness.settings import Settings

from . import mixes

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "Benchmarks" / "native" / "triggers"
PEERS = {"ZEN, a decision table (zen-engine)": ("zen", 500), "CLIPS, a rule each (clipspy)": ("clips", 100)}
# One of each for every agent, of whom there are a thousand.
STATES = {
    "an average (EMA)": {"aggregate": "ema", "field": "amount", "window": {"events": 20}},
    "a count of the last minute": {"aggregate": "count", "window": "1m"},
    "a sum of the last minute": {"aggregate": "sum", "field": "amount", "window": "1m"},
}
# So few, because a peer takes a while for each.
CHECKED_EVENTS = 1_000
HARD = {
    "numeric ranges": ("ranges", 5),
    "prefixes": ("prefixes", 5),
    "not: nearly all match": ("negations", 1),
    "regular expressions": ("expressions", 5),
    "wildcards in types": ("wildcards", 5),
}


class Bench:
    def __init__(self, folder: Path, settings: Settings, report: Report) -> None:
        self.folder, self.settings, self.report = folder, settings, report
        self.world = mixes.World()
        # A hundred times as many types and regions, and ten times as many of the others.
        self.wide = mixes.World(types=2_000, regions=500, agents=10_000, paths=500)
        self.events = mixes.write_events(folder, self.world)
        self.program = self.build()

    @staticmethod
    def build() -> Path:
        scratch = ROOT / ".build" / "trigger-bench"
        options = ["--package-path", PACKAGE, "--scratch-path", scratch, "-c", "release", "--product", "trigger-bench"]
        subprocess.run(["swift", "build", "--quiet", *options], check=True)
        return scratch / "release" / "trigger-bench"

    def check(self) -> None:
        """Nothing is compared that doesn't find the same."""
        events = self.folder / "checked.ndjson"
        events.write_text("".join(self.events.read_text().splitlines(keepends=True)[:CHECKED_EVENTS]))
        triggers = self.usual_triggers(1_000)
        own = self.run([self.program, "list", triggers, events, "0"]).splitlines()[:CHECKED_EVENTS]
        for name, (engine, _) in PEERS.items():
            assert self.run(self.peer(engine, "list", triggers, events)).splitlines() == own, f"{name} finds others"
        matches = sum(len(line.split()) for line in own)
        self.report.note(f"the peers find the same {matches} matches in {CHECKED_EVENTS:,} events")

    def usual(self) -> None:
        self.report.section("The usual mix")
        counts = (100, 1_000, 10_000, 100_000)
        none = "no triggers, the same fields read"
        wide = "100,000 triggers, matches as of 1,000"
        variants = {none: self.own("read", self.usual_triggers(100))}
        variants |= {f"{count:,} triggers": self.own("match", self.usual_triggers(count)) for count in counts}
        wide_triggers = mixes.write(self.folder, "usual", 100_000, self.wide)
        variants[wide] = self.own("match", wide_triggers, mixes.write_events(self.folder, self.wide))
        for name, (engine, _) in PEERS.items():
            variants[name] = self.sampled(self.peer(engine, "match", self.usual_triggers(1_000), self.events))
        samples = self.measured(variants)
        ratio = self.report.ratio
        for name, (_, target) in PEERS.items():
            ratio(f"1,000 triggers to {name}", samples["1,000 triggers"], samples[name], at_least=target)
        ratio("10,000 triggers to no triggers", samples["10,000 triggers"], samples[none], at_least=0.6)
        ratio("100,000 to 1,000 triggers, as many matches", samples[wide], samples["1,000 triggers"], at_least=0.5)

    def hard(self) -> None:
        self.report.section("Mixes meant to be hard, 10,000 triggers")
        variants = {}
        for title, (name, _) in HARD.items():
            triggers = mixes.write(self.folder, name, 10_000, self.world)
            variants[title] = self.own("match", triggers)
            variants[f"{title}, linear scan"] = self.own("linear", triggers)
        samples = self.measured(variants)
        for title, (_, target) in HARD.items():
            self.report.ratio(f"{title} to the scan", samples[title], samples[f"{title}, linear scan"], at_least=target)

    def door(self) -> None:
        self.report.section(f"Reading five fields of {mixes.EVENT_BYTES} bytes")
        triggers = self.usual_triggers(100)
        own, peer = "strict parse", "Foundation's JSONDecoder"
        samples = self.measured({own: self.own("door", triggers), peer: self.own("decode", triggers)})
        self.report.ratio("to JSONDecoder", samples[own], samples[peer], at_least=10)

    def changes(self) -> None:
        self.report.section("100,000 triggers (here a trigger is an event)")
        triggers = self.usual_triggers(100_000)
        load, change = "loading", "replacing one of them"
        samples = self.measured({load: self.own("load", triggers), change: self.own("change", triggers)})
        seconds = sorted(100_000 / sample.rate for sample in samples[load])
        self.report.target("loading 100,000", seconds[len(seconds) // 2], at_most=1, unit="s")
        times = sorted(1_000 / sample.rate for sample in samples[change])
        self.report.target("replacing one", times[len(times) // 2], at_most=1, unit="ms")

    def states(self, servers: Servers) -> None:
        self.report.section("A state for each of 1,000 keys")
        peer = "Redis, INCR of one of 1,000 keys, a round trip"
        variants = {name: self.own("engine", self.stateful_trigger(leaf)) for name, leaf in STATES.items()}
        samples = self.measured(variants | {peer: lambda: self.increments(servers.redis_port)})
        for name in STATES:
            self.report.ratio(f"{name} to INCR", samples[name], samples[peer], at_least=30)

    def stateful_trigger(self, leaf: mixes.Condition, **members: object) -> Path:
        """A file with a whole trigger that never fires."""
        condition = leaf | {"group_by": ["agent"], "operator": "lt", "value": -1}
        actions = [{"type": "rest", "config": {"url": "http://127.0.0.1:9/never"}}]
        trigger = {"name": "Bench", "condition": condition, "actions": actions} | members
        path = self.folder / f"stateful-{leaf['aggregate']}.ndjson"
        path.write_text(json.dumps(trigger) + "\n")
        return path

    def increments(self, port: int) -> Sample:
        count = 20_000 * self.settings.seconds
        command = ["redis-benchmark", "-p", str(port), "-t", "incr", "-c", "1", "-r", "1000", "-n", str(count), "--csv"]
        row = next(csv.DictReader(self.run(command).splitlines()))
        return Sample(events=count, seconds=count / float(row["rps"]))

    def usual_triggers(self, count: int) -> Path:
        return mixes.write(self.folder, "usual", count, self.world)

    def measured(self, variants: dict[str, Callable[[], Sample]]) -> dict[str, list[Sample]]:
        samples = in_turn(variants, self.settings.rounds)
        for name, runs in samples.items():
            self.report.rate(name, runs)
        return samples

    def own(self, mode: str, triggers: Path, events: Path | None = None) -> Callable[[], Sample]:
        return self.sampled([self.program, mode, triggers, events or self.events, str(self.settings.seconds)])

    def peer(self, engine: str, mode: str, triggers: Path, events: Path) -> list[str | Path]:
        script = ROOT / "Benchmarks" / "peers" / "rules.py"
        return [self.settings.python, script, engine, mode, triggers, events, str(self.settings.seconds)]

    def sampled(self, command: list[str | Path]) -> Callable[[], Sample]:
        return partial(self.sample, command)

    def sample(self, command: list[str | Path]) -> Sample:
        outcome = json.loads(self.run(command).splitlines()[-1])
        return Sample(events=outcome["events"], seconds=outcome["seconds"])

    @staticmethod
    def run(command: list[str | Path]) -> str:
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
