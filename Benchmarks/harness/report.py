"""What is printed, and written as JSON: a table of rates with their costs, and ratios beside their targets."""

import json
import statistics
from pathlib import Path
from typing import Any

from harness.accounting import Memory
from harness.rounds import Sample, median_of, ratios

NAME, NUMBER = 57, 11
COSTS = {"server": "server µs", "postgres": "PG µs", "load": "load µs"}


class Report:
    def __init__(self) -> None:
        self.suites: dict[str, Any] = {}
        self.current: dict[str, Any] = {}
        self.missed = 0

    def suite(self, name: str) -> None:
        self.current = {"rates": {}, "targets": {}, "notes": []}
        self.suites[name] = self.current
        print(f"\n== {name} ==", flush=True)

    def section(self, title: str) -> None:
        heads = ["events/s", "± %", "p50 ms", "p99 ms", *COSTS.values()]
        print(f"\n{title:<{NAME}.{NAME}}" + "".join(f"{head:>{NUMBER}}" for head in heads), flush=True)

    def note(self, text: str) -> None:
        """A line that says how to read what follows."""
        self.current["notes"].append(text)
        print(f"  {text}", flush=True)

    def memory(self, memory: Memory) -> None:
        """Of the server, so far."""
        self.current["memory_megabytes"] = {"now": memory.now, "peak": memory.peak}
        print(f"  gateway: {memory.now:.0f} MB in memory, at most {memory.peak:.0f} MB so far", flush=True)

    def rate(self, name: str, samples: list[Sample]) -> None:
        """The median of the runs, half the distance between the extremes, and the CPU time of one event."""
        rates = sorted(sample.rate for sample in samples)
        middle = statistics.median(rates)
        spread = (rates[-1] - rates[0]) / 2 / middle * 100
        row: dict[str, Any] = {"events_per_second": middle, "lowest": rates[0], "highest": rates[-1]}
        cells = [f"{middle:,.0f}", f"{spread:.0f}"]
        for key in ("p50_ms", "p99_ms"):
            known = [value for sample in samples if (value := getattr(sample, key)) is not None]
            row[key] = statistics.median(known) if known else None
            cells.append(f"{row[key]:.1f}" if known else "")
        names = list(samples[0].cpu)
        costs = {cost: median_of(samples, lambda sample, cost=cost: sample.cpu_microseconds(cost)) for cost in names}
        row["cpu_microseconds"] = costs
        cells += [f"{costs[name]:.1f}" if name in costs else "" for name in COSTS]
        others = "  ".join(f"{cost} {value:.1f}" for cost, value in costs.items() if cost not in COSTS)
        self.current["rates"][name] = row
        line = f"  {name:<{NAME - 2}}" + "".join(f"{cell:>{NUMBER}}" for cell in cells)
        print(line + (f"   {others} µs" if others else ""), flush=True)

    def ratio(self, name: str, upper: list[Sample], lower: list[Sample], at_least: float | None = None) -> None:
        """The median of the rounds' ratios, with the lowest and the highest."""
        values = ratios(upper, lower)
        self.target(name, statistics.median(values), at_least=at_least, unit="x", extremes=(min(values), max(values)))

    def times(self, name: str, upper: list[float], lower: list[float], **bounds: float) -> None:
        """The same of other values than rates, each list with one of each round."""
        values = [over / under for over, under in zip(upper, lower, strict=True)]
        self.target(name, statistics.median(values), unit="x", extremes=(min(values), max(values)), **bounds)

    def difference(self, name: str, upper: list[float], lower: list[float], **bounds: float) -> None:
        """How much more the one takes than the other in the same round, in microseconds."""
        values = [over - under for over, under in zip(upper, lower, strict=True)]
        self.target(name, statistics.median(values), unit="µs", extremes=(min(values), max(values)), **bounds)

    def target(
        self,
        name: str,
        value: float,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        unit: str = "",
        extremes: tuple[float, float] | None = None,
    ) -> None:
        bound, sign = (at_least, "≥") if at_least is not None else (at_most, "≤")
        is_met = bound is None or (value >= bound if at_least is not None else value <= bound)
        self.missed += not is_met
        self.current["targets"][name] = {"value": value, "extremes": extremes, "unit": unit} | (
            {} if bound is None else {"bound": f"{sign} {bound:g}", "met": is_met}
        )
        range_text = f"({extremes[0]:.2f}-{extremes[1]:.2f})" if extremes else ""
        verdict = "" if bound is None else f"target {sign} {bound:g} {unit}  {'ok' if is_met else 'MISSED'}"
        print(f"  → {name:<{NAME + 2}}{value:>8.2f} {unit:<3} {range_text:<16} {verdict}".rstrip(), flush=True)

    def write(self, path: Path, about: dict[str, Any]) -> None:
        path.write_text(json.dumps({"about": about, "suites": self.suites}, indent=2) + "\n")
