"""Single events, one a request: beside pgbench's insert, the seed's design, a usual Python service, and no work."""

from dataclasses import replace
from pathlib import Path

from harness.load import Post
from harness.rounds import Sample, Variants, best, in_turn
from harness.servers import Child, request
from stack import free_port

from suites.ingest.bench import EVENT, Ingest, encoded

PEERS = Path(__file__).resolve().parents[2] / "peers"
# Each client counts up for itself, so its rows go to the right-hand end of what it writes of each index. The data comes
# with every row as a parameter, as it does for everybody else: a constant would be parsed once.
INSERT = """\\set n :n + 1
\\set id :client_id * 1000000000000 + :n
INSERT INTO events (id, organization_id, part, position, type, source, subject, time, received_at, data) VALUES (
    lpad(to_hex(:id::bigint), 32, '0')::uuid, '{organization}', 0, :id, '{type}', '{source}', '{subject}', now(), now(),
    :data);
"""
SEED_TRIGGER = """
    CREATE FUNCTION notify_row() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_notify(''new_event'', NEW.id::text); RETURN NEW; END';
    CREATE TRIGGER notify_row AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION notify_row()"""


def measure(bench: Ingest) -> None:
    report = bench.report
    report.section("Single events, the gateway alone with PostgreSQL")
    peers = Peers(bench)
    reached: list[float] = []

    def ours() -> Sample:
        sample = bench.post(bench.single)
        reached.append(sample.rate)
        return sample

    samples = in_turn(
        {
            "ours": ours,
            # Long enough for a p99 that is not one pause.
            "paced": lambda: bench.post(bench.single, rate=reached[-1] / 2, seconds=max(2, bench.settings.seconds)),
            "pgbench": lambda: peers.pgbench("peer", peers.clients, peers.threads),
            "seed": lambda: peers.pgbench("seed", 64, 1),
            "fastapi": lambda: peers.fastapi(peers.plain),
            "seed over HTTP": lambda: peers.fastapi(peers.seed),
            "no-op": lambda: bench.post(no_op(bench)),
            "refused": lambda: bench.post(refused(bench)),
        },
        bench.settings.rounds,
    )
    report.rate("collider", samples["ours"])
    report.rate("collider at half that rate", samples["paced"])
    report.rate(f"pgbench, one row a commit (-c {peers.clients} -j {peers.threads})", samples["pgbench"])
    report.rate("seed's design: pgbench -c 64, row NOTIFY, 1 listener", samples["seed"])
    report.rate(f"FastAPI + granian ({peers.workers}) + asyncpg", samples["fastapi"])
    report.rate("seed's design over HTTP: the same with the trigger", samples["seed over HTTP"])
    report.rate("no-op post (empty array of the same length)", samples["no-op"])
    report.rate("refused post (no type, 422)", samples["refused"])
    report.ratio("to the seed's design over HTTP", samples["ours"], samples["seed over HTTP"], at_least=10)
    report.ratio("to the seed's design by pgbench, without HTTP", samples["ours"], samples["seed"], at_least=10)
    report.ratio("to pgbench's best single-row insert", samples["ours"], samples["pgbench"], at_least=1.5)
    report.ratio("to FastAPI + granian + asyncpg", samples["ours"], samples["fastapi"], at_least=10)
    report.ratio("to our own no-op post", samples["ours"], samples["no-op"], at_least=0.5)
    report.ratio("to our own refused post", samples["ours"], samples["refused"])
    p99 = sorted(sample.p99_ms or 0 for sample in samples["paced"])
    report.target("p99 at half the highest rate", p99[len(p99) // 2], at_most=15, unit="ms", extremes=(p99[0], p99[-1]))
    peers.close()


def no_op(bench: Ingest) -> Post:
    """A post that is authenticated, read to its end, parsed and answered with 200, and has nothing to store.

    The product has no route that does nothing. An empty array blown up with blanks to the length of the event is one in
    all but name. A refused event does more than that (an event is looked at, a problem is written).
    """
    body = b"[" + b" " * (len(bench.event) - 2) + b"]"
    return replace(bench.single, body=body, status=200)


def refused(bench: Ingest) -> Post:
    body = encoded(EVENT | {"type": ""})
    status, _, _ = request(bench.port, "POST", "/api/v1/events", bench.servers.api_key, body)
    assert status in (400, 422), f"an event without type was answered with {status}"
    return replace(bench.single, body=body, status=status)


class Peers:
    """The peers, each in its best set-up, found by one short run of each."""

    def __init__(self, bench: Ingest) -> None:
        self.bench = bench
        servers = bench.servers
        servers.sql(SEED_TRIGGER, "seed")
        self.listener = bench.loads.subscribers("seed", "new_event", 1)
        sizes = [(clients, threads) for clients in (16, 32, 64, 128) for threads in (1, 2)]
        tried: Variants = {
            f"{clients} {threads}": (lambda c=clients, t=threads: self.pgbench("peer", c, t, seconds=1))
            for clients, threads in sizes
        }
        self.clients, self.threads = map(int, best(tried).split())
        candidates = {str(workers): self._serve("peer", workers) for workers in (1, 2)}
        runs: Variants = {name: (lambda peer=peer: self.fastapi(peer)) for name, peer in candidates.items()}
        self.workers = best(runs)
        self.plain = candidates.pop(self.workers)
        for other, _ in candidates.values():
            servers.stop(other)
        self.seed = self._serve("seed", int(self.workers))

    def pgbench(self, database: str, clients: int, threads: int, seconds: float | None = None) -> Sample:
        script = INSERT.format(
            organization=self.bench.servers.organization_id,
            type=EVENT["type"],
            source=EVENT["source"],
            subject=EVENT["subject"],
        )
        self.bench.servers.clear(database)
        seconds = seconds or self.bench.settings.seconds
        variables = {"n": "0", "data": encoded(EVENT["data"]).decode()}
        return self.bench.loads.pgbench(database, script, variables, clients=clients, threads=threads, seconds=seconds)

    def fastapi(self, peer: tuple[Child, Post], seconds: float | None = None) -> Sample:
        child, post = peer
        for database in ("peer", "seed"):
            self.bench.servers.clear(database)
        self.bench.loads.post(post, {}, seconds=0.3)
        return self.bench.loads.post(post, {"server": child.pid}, seconds=seconds or self.bench.settings.seconds)

    def close(self) -> None:
        for child in (self.plain[0], self.seed[0], self.listener):
            self.bench.servers.stop(child)

    def _serve(self, database: str, workers: int) -> tuple[Child, Post]:
        port = free_port()
        command = [self.bench.settings.python, "-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--no-ws"]
        size = ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers), "--log-level", "warning"]
        child = self.bench.servers.start(
            f"fastapi-{database}-{workers}",
            [*command, *size, "fastapi_app:app"],
            environment={"PEER_DATABASE_URL": self.bench.servers.url(database), "PYTHONPATH": str(PEERS)},
        )
        child.wait_for(f"http://127.0.0.1:{port}/health")
        return child, Post(port, "/api/v1/events", self.bench.event, status=201)
