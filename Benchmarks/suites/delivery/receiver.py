"""The C program that takes webhooks on many ports, each of them an endpoint."""

import json
import urllib.request
from array import array
from collections.abc import Sequence

from harness.load import build
from harness.servers import Child, Servers
from stack import wait_until

# Doubles that the program's file of arrivals holds.
ARRIVALS = 1 << 21


class Receiver:
    def __init__(self, servers: Servers, ports: int) -> None:
        self.arrivals = servers.folder / f"arrivals-{ports}"
        program = build("receiver", servers.folder, [])
        command = [program, str(ports), self.arrivals]
        self.child = servers.start(f"receiver-{ports}", command, input_pipe=True)
        assert self.child.process.stdout
        self.ports: list[int] = json.loads(self.child.process.stdout.readline())
        self.urls = [f"http://127.0.0.1:{port}/hook" for port in self.ports]

    def count(self) -> int:
        """How many requests have come; the clock begins anew with the next."""
        return int(self.ask("/count?reset")["received"])

    def held(self) -> int:
        """How many requests it has taken and not answered, whose clients still wait."""
        return int(self.ask("/count")["held"])

    def mute(self, first: int, last: int) -> None:
        """Has some ports take requests and not answer them."""
        self.ask(f"/mute?{first}-{last}")

    def answer_again(self) -> None:
        self.ask("/mute")

    def ask(self, path: str) -> dict[str, float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[0]}{path}", timeout=10) as answer:
            found: dict[str, float] = json.loads(answer.read())
        return found

    def wait_for(self, total: int, child: Child | None) -> float:
        """Seconds from the first to the last of the requests that make so many."""
        wait_until(
            "requests", 100, lambda: (not child or child.check_alive()) and self.ask("/count")["received"] >= total
        )
        found = self.ask("/count")
        assert found["received"] == total, f"{found['received']} requests instead of {total}"
        return found["seconds"]

    def wait_for_numbers(self, count: int, places: list[int], child: Child) -> list[Sequence[float]]:
        """When each of so many numbers came at some of the ports, in seconds of the monotonic clock."""
        assert count * len(self.ports) <= ARRIVALS, f"{count} numbers at {len(self.ports)} ports are too many"

        def all_of_them() -> list[Sequence[float]] | None:
            times = array("d")
            with self.arrivals.open("rb") as file:
                times.fromfile(file, count * len(self.ports))
            found = [times[place :: len(self.ports)] for place in places]
            return found if child.check_alive() and all(all(port) for port in found) else None

        return wait_until("webhooks of all events", 120, all_of_them)
