"""What the sections of the suite share: the event, the gateway and how it is posted to."""

import json
from dataclasses import dataclass
from functools import cached_property

from harness.load import CONNECTIONS, Loads, Post, WrongAnswer
from harness.report import Report
from harness.rounds import Sample
from harness.servers import Child, Servers, request
from harness.settings import Settings

EVENT = {
    "type": "PaymentProcessed",
    "source": "bench",
    "subject": "customer-4711",
    "data": {
        "amount": 1250.5,
        "currency": "EUR",
        "country": "DE",
        "customer": {"id": "c-4711", "name": "Ada Lovelace", "tier": "gold"},
        "items": [{"sku": "A-1", "quantity": 2}, {"sku": "B-7", "quantity": 1}],
        "note": "first order of the year, please wrap",
    },
}
BATCH = 500


def encoded(event: object) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


@dataclass
class Ingest:
    servers: Servers
    loads: Loads
    report: Report
    settings: Settings
    gateway: Child

    event = encoded(EVENT)

    @property
    def port(self) -> int:
        return self.gateway.port

    @property
    def server(self) -> dict[str, int]:
        return {"server": self.gateway.pid}

    @cached_property
    def single(self) -> Post:
        return Post(self.port, "/api/v1/events", self.event, key=self.servers.api_key, status=201)

    def batch_of(self, event: bytes, count: int) -> Post:
        """NDJSON, or an array where the gateway does not take NDJSON."""
        common = {"events": count, "key": self.servers.api_key, "expect": f'"accepted":{count},', "status": 200}
        if self.takes_ndjson:
            body = b"\n".join([event] * count) + b"\n"
            return Post(self.port, "/api/v1/events", body, media="application/x-ndjson", **common)
        return Post(self.port, "/api/v1/events", b"[" + b",".join([event] * count) + b"]", **common)

    @cached_property
    def takes_ndjson(self) -> bool:
        media = "application/x-ndjson"
        body = self.event + b"\n"
        status, _, _ = request(self.port, "POST", "/api/v1/events", self.servers.api_key, body, media)
        return status == 200

    @cached_property
    def batch_connections(self) -> int:
        """64, or as many as may post batches at once without being told to wait (503)."""
        for connections in (CONNECTIONS, CONNECTIONS // 2, CONNECTIONS // 4):
            self.servers.clear("collider")
            try:
                self.loads.post(self.batch_of(self.event, BATCH), {}, seconds=0.5, connections=connections)
                return connections
            except WrongAnswer as refusal:
                self.report.note(f"{connections} connections are too many for batches of {BATCH}: {refusal}")
        raise WrongAnswer(f"batches of {BATCH} are refused on {CONNECTIONS // 4} connections")

    def post(self, post: Post, connections: int = CONNECTIONS, **options: float) -> Sample:
        """Posts to the gateway from an empty log."""
        self.servers.clear("collider")
        # Connections, caches and compiled statements are ready when the measurement begins.
        self.loads.post(post, {}, seconds=0.3, connections=connections)
        options = {"seconds": self.settings.seconds} | options
        return self.loads.post(post, self.server, connections=connections, **options)
