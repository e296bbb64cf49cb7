"""Delivery: the time from a post to its webhook, how many a second are worked off, and what receivers can do to it.

Beside the parts it is made of, beside job queues, and beside itself without what may disturb it.
"""

from harness.report import Report
from harness.servers import Servers
from harness.settings import Settings

from suites.delivery.backlog import Backlog
from suites.delivery.bench import ENDPOINTS, Collider
from suites.delivery.burden import Burden
from suites.delivery.latency import Latency
from suites.delivery.receiver import Receiver
from suites.delivery.throughput import Throughput


def measure(settings: Settings, report: Report) -> None:
    with Servers() as servers:
        # Before anything is connected to the first one.
        for database in ("history", "peer"):
            servers.clone(database)
        collider, receiver = Collider(servers), Receiver(servers, ENDPOINTS + 1)
        collider.add_triggers("Bench", receiver.urls[:ENDPOINTS])
        Latency(collider, receiver, settings, report).measure()
        Throughput(collider, receiver, settings, report).measure()
        aged = Collider(servers, "history")
        aged.add_triggers("Bench", receiver.urls[:ENDPOINTS])
        aged.add_triggers("Timed", receiver.urls[ENDPOINTS:])
        Backlog(collider, aged, receiver, settings, report).measure()
        aged.stop()
        burden = Burden(collider, settings, report)
        burden.hold()
        burden.one_dead()
        burden.mean_harm()
