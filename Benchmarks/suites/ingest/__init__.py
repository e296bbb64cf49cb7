"""Ingest: single events, batches, with followers and streams attached, and memory; beside peers of the same kind."""

from harness.accounting import Memory
from harness.load import Loads
from harness.report import Report
from harness.servers import Servers
from harness.settings import Settings

from suites.ingest import batches, followers, memory, single, streams
from suites.ingest.bench import Ingest

DATABASES = ("peer", "seed")


def measure(settings: Settings, report: Report) -> None:
    with Servers() as servers:
        for database in DATABASES:
            servers.clone(database)
        bench = Ingest(servers, Loads(servers), report, settings, servers.service("api-gateway"))
        report.note(f"an event is {len(bench.event)} bytes of JSON; 64 connections; medians of {settings.rounds} runs")
        report.note("of each, in turn; ± is half the distance between the extremes; µs are CPU time of one event")
        report.note("ratios are taken within a round; behind each: its lowest and highest round")
        for section in (single, batches, followers, streams, memory):
            section.measure(bench)
            report.memory(Memory.of(bench.gateway.pid))
