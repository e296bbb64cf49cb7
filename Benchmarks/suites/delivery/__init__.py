"""Delivery: the time from a post to its webhook, and how many deliveries a second are worked off, beside job queues."""

from harness.report import Report
from harness.servers import Servers
from harness.settings import Settings

from suites.delivery import latency
from suites.delivery.throughput import Throughput


def measure(settings: Settings, report: Report) -> None:
    latency.measure(settings, report)
    with Servers() as servers:
        Throughput(servers, settings, report).measure()
