"""Event streams: what a thousand open ones cost ingest, and how fast events reach them, beside aiohttp."""

from dataclasses import replace
from pathlib import Path

from harness.load import Post
from harness.rounds import Sample, in_turn
from harness.servers import Child, request
from stack import free_port

from suites.ingest.bench import EVENT, Ingest, encoded

PEERS = Path(__file__).resolve().parents[2] / "peers"
LISTENERS = 1000
STREAM = "/api/v1/events/stream"
# Events of one burst, and bursts under way.
BURST, WINDOW = 20, 4


def measure(bench: Ingest) -> None:
    report = bench.report
    status, media, _ = request(bench.port, "GET", STREAM, bench.servers.api_key)
    report.section(f"{LISTENERS:,} open event streams")
    if media != "text/event-stream":
        report.note(f"skipped: GET {STREAM} answers {status}, so this gateway has no event streams")
        return
    samples = in_turn(
        {"none": lambda: bench.post(bench.single), "open": lambda: with_open_streams(bench)}, bench.settings.rounds
    )
    report.rate("collider, no streams", samples["none"])
    report.rate(f"collider, {LISTENERS:,} streams of another type open", samples["open"])
    report.ratio(f"{LISTENERS:,} open streams, to none", samples["open"], samples["none"], at_least=0.97)

    peer = Aiohttp(bench)
    samples = in_turn({"ours": lambda: fan_out(bench), "aiohttp": peer.fan_out}, bench.settings.rounds)
    report.section(f"Fan-out to {LISTENERS:,} streams")
    report.note(f"events that arrive, counted at the listeners; bursts of {BURST}, {WINDOW} under way")
    report.note("collider's events are stored before they are sent; aiohttp's are not")
    report.rate("collider", samples["ours"])
    report.rate("aiohttp (uvloop)", samples["aiohttp"])
    report.ratio("to aiohttp's fan-out", samples["ours"], samples["aiohttp"], at_least=4)
    peer.close()


def with_open_streams(bench: Ingest) -> Sample:
    quiet = replace(bench.single, path=f"{STREAM}?type=SomethingElse")
    with bench.loads.open_streams(quiet, LISTENERS):
        return bench.post(bench.single)


def fan_out(bench: Ingest) -> Sample:
    bench.servers.clear("collider")
    stream = replace(bench.single, path=f"{STREAM}?type={EVENT['type']}")
    processes = bench.server | {"postgres": bench.servers.postgres}
    return bench.loads.fan_out(
        stream,
        bench.batch_of(bench.event, BURST),
        processes,
        listeners=LISTENERS,
        seconds=bench.settings.seconds,
        window=WINDOW,
    )


class Aiohttp:
    """Sends the same bytes: the event as Collider shows it when it has been stored."""

    def __init__(self, bench: Ingest) -> None:
        self.bench = bench
        self.port = free_port()
        command = [bench.settings.python, PEERS / "aiohttp_streams.py", str(self.port)]
        self.child: Child = bench.servers.start("aiohttp", command)
        self.child.wait_for(f"http://127.0.0.1:{self.port}/health")
        stored = {
            "id": "0190c2f4-7b1e-7c3a-9d5e-2f6a8b4c1d0e",
            "received_at": "2026-01-01T00:00:00.000000Z",
            "time": "2026-01-01T00:00:00.000000Z",
            "producer_id": None,
        }
        self.line = encoded(EVENT | stored)

    def fan_out(self) -> Sample:
        return self.bench.loads.fan_out(
            Post(self.port, "/stream", b""),
            Post(self.port, "/publish", b"\n".join([self.line] * BURST), events=BURST),
            {"server": self.child.pid, "postgres": self.bench.servers.postgres},
            listeners=LISTENERS,
            seconds=self.bench.settings.seconds,
            window=WINDOW,
        )

    def close(self) -> None:
        self.bench.servers.stop(self.child)
