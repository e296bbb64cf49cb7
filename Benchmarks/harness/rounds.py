"""Repetition: what is compared is run in turn, A B C A B C …, because a shared machine drifts more than it scatters."""

import statistics
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sample:
    """One run of one variant."""

    events: int
    seconds: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    # CPU seconds by process: `server`, `postgres`, `load`, and others by name.
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return self.events / self.seconds

    def cpu_microseconds(self, name: str) -> float:
        """Of one event."""
        return self.cpu[name] * 1e6 / max(1, self.events)


Variants = Mapping[str, Callable[[], Sample]]


def in_turn(variants: Variants, rounds: int) -> dict[str, list[Sample]]:
    """Runs every variant once in each round; samples of one round stand at the same index."""
    samples: dict[str, list[Sample]] = {name: [] for name in variants}
    for number in range(rounds):
        for name, run in variants.items():
            if sys.stderr.isatty():
                print(f"\r\033[K  round {number + 1} of {rounds}: {name}", end="", file=sys.stderr, flush=True)
            samples[name].append(run())
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    return samples


def best(candidates: Variants) -> str:
    """The name of the candidate with the highest rate in one run each."""
    rates = {name: samples[0].rate for name, samples in in_turn(candidates, 1).items()}
    return max(rates, key=lambda name: rates[name])


def median_of(samples: list[Sample], value: Callable[[Sample], float]) -> float:
    return statistics.median(value(sample) for sample in samples)


def ratios(upper: list[Sample], lower: list[Sample]) -> list[float]:
    """Rate against rate, each within its own round."""
    return [over.rate / under.rate for over, under in zip(upper, lower, strict=True)]
