"""Batches of 500 in one request, beside COPY of the same rows into the same table with the same indexes."""

import asyncio
import json
import time
import uuid
from datetime import UTC, datetime

import asyncpg
from harness.accounting import Meter
from harness.rounds import Sample, Variants, best, in_turn

from suites.ingest.bench import BATCH, EVENT, Ingest

COLUMNS = ["id", "organization_id", "part", "position", "type", "source", "subject", "time", "received_at", "data"]


def measure(bench: Ingest) -> None:
    report = bench.report
    post = bench.batch_of(bench.event, BATCH)
    form = "NDJSON" if bench.takes_ndjson else "a JSON array (this gateway does not take NDJSON)"
    report.section(f"Batches of {BATCH}")
    report.note(f"posted as {form}, {len(post.body):,} bytes")
    copy = Copy(bench)
    samples = in_turn(
        {
            "ours": lambda: bench.post(post, bench.batch_connections),
            "ours on 4": lambda: bench.post(post, 4),
            "copies": lambda: copy.run(copy.connections, BATCH),
            "one session": lambda: copy.run(1, BATCH),
            "one copy": lambda: copy.run(1, copy.rows),
        },
        bench.settings.rounds,
    )
    report.rate(f"collider, {bench.batch_connections} connections", samples["ours"])
    report.rate("collider, 4 connections", samples["ours on 4"])
    report.rate(f"COPY, {BATCH} rows a commit, {copy.connections} connections", samples["copies"])
    report.rate(f"COPY, {BATCH} rows a commit, 1 connection", samples["one session"])
    report.rate(f"COPY, {copy.rows:,} rows in one commit", samples["one copy"])
    copies = {
        f"to COPY, {BATCH} rows a commit, {copy.connections} connections": samples["copies"],
        f"to COPY, {BATCH} rows a commit, 1 connection": samples["one session"],
        "to one large COPY": samples["one copy"],
    }
    for name, theirs in copies.items():
        report.ratio(name, samples["ours"], theirs, at_least=0.7)


class Copy:
    """COPY from buffers that were made beforehand, so that Python only hands them to the socket."""

    def __init__(self, bench: Ingest) -> None:
        self.bench = bench
        # As many rows as take about the length of a run.
        self.rows = max(BATCH, bench.settings.seconds * 80_000 // BATCH * BATCH)
        made = self._rows()
        self.blocks = [b"".join(made[start : start + BATCH]) for start in range(0, self.rows, BATCH)]
        candidates: Variants = {
            str(count): (lambda connections=count: self.run(connections, BATCH)) for count in (1, 2, 4, 8, 16)
        }
        self.connections = int(best(candidates))

    def run(self, connections: int, rows_a_commit: int) -> Sample:
        self.bench.servers.clear("peer")
        size = rows_a_commit // BATCH
        commits = [b"".join(self.blocks[start : start + size]) for start in range(0, len(self.blocks), size)]
        begun = time.process_time()
        with Meter({"postgres": self.bench.servers.postgres}) as meter:
            seconds = asyncio.run(self._copy(connections, commits))
        own = time.process_time() - begun
        stored = int(self.bench.servers.sql("SELECT count(*) FROM events", "peer"))
        assert stored == self.rows, f"{stored} rows of {self.rows}"
        return Sample(events=self.rows, seconds=seconds, cpu=meter.used | {"load": own})

    async def _copy(self, connections: int, commits: list[bytes]) -> float:
        sessions = [await asyncpg.connect(self.bench.servers.url("peer")) for _ in range(connections)]
        waiting = iter(commits)

        async def work(session: asyncpg.Connection) -> None:
            for rows in waiting:
                await session.copy_to_table("events", source=_Source(rows), columns=COLUMNS)

        start = time.monotonic()
        await asyncio.gather(*(work(session) for session in sessions))
        seconds = time.monotonic() - start
        for session in sessions:
            await session.close()
        return seconds

    def _rows(self) -> list[bytes]:
        """Rows in COPY's text format, with ids and positions that go up, as ours do."""
        now = datetime.now(UTC)
        first = int(now.timestamp() * 1000) << 80 | 7 << 76
        data = json.dumps(EVENT["data"], separators=(",", ":"))
        fixed = "\t".join([EVENT["type"], EVENT["source"], EVENT["subject"], f"{now}", f"{now}", data])
        organization = self.bench.servers.organization_id
        return [
            f"{uuid.UUID(int=first + number)}\t{organization}\t0\t{number}\t{fixed}\n".encode()
            for number in range(self.rows)
        ]


class _Source:
    """What asyncpg reads COPY data from, in pieces of a quarter of a megabyte."""

    def __init__(self, data: bytes) -> None:
        self.data = memoryview(data)
        self.position = 0

    def __aiter__(self) -> "_Source":
        return self

    async def __anext__(self) -> bytes:
        if self.position >= len(self.data):
            raise StopAsyncIteration
        piece = bytes(self.data[self.position : self.position + (1 << 18)])
        self.position += len(piece)
        return piece
