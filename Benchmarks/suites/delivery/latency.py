"""Delivery: the time from before a post to the receipt of its webhook, through a whole stack."""

import json
import statistics
import threading
import time

from harness.report import Report
from harness.settings import Settings
from receivers import SIGNING_SECRET, WebhookReceiver
from stack import Stack, wait_until

RATE = 200
WRITERS = 8


class TimedReceiver(WebhookReceiver):
    """Notes when the webhook of each event first arrived."""

    def __init__(self) -> None:
        self.arrivals: dict[int, float] = {}
        super().__init__()

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, object]:
        now = time.monotonic()
        self.arrivals.setdefault(json.loads(body)["data"]["event"]["data"]["n"], now)
        return 200, {}


def measure(settings: Settings, report: Report) -> None:
    stack = Stack(ring_capacity=100_000)
    try:
        stack.up()
        times = sorted(post_to_webhook(stack, settings.seconds + 1))
    finally:
        stack.remove()
    report.note(f"{RATE} events a second for {settings.seconds} s through the whole stack, one webhook each")
    report.target("post to webhook, p50", statistics.median(times), unit="ms")
    report.target("post to webhook, p99", times[int(len(times) * 0.99)], unit="ms")


def post_to_webhook(stack: Stack, seconds: int) -> list[float]:
    """Milliseconds from before each post to the receipt of its webhook, without those of the first second."""
    receiver = TimedReceiver()
    action = {"type": "rest", "config": {"url": f"{receiver.url}/hook", "signing_secret": SIGNING_SECRET}}
    trigger = {"name": "Bench", "event_types": ["Timed"], "actions": [action]}
    status, answer, _ = stack.request("POST", "/api/v1/triggers", trigger)
    assert status == 201, answer
    sent: dict[int, float] = {}
    total = RATE * seconds
    start = time.monotonic() + 0.5

    def write(first: int) -> None:
        for number in range(first, total, WRITERS):
            time.sleep(max(0.0, start + number / RATE - time.monotonic()))
            sent[number] = time.monotonic()
            stack.request("POST", "/api/v1/events", {"type": "Timed", "data": {"n": number}})

    writers = [threading.Thread(target=write, args=(first,)) for first in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    wait_until("all webhooks", 60, lambda: len(receiver.arrivals) == total)
    receiver.close()
    return [(receiver.arrivals[number] - sent[number]) * 1000 for number in range(RATE, total)]
