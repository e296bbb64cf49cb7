"""What 10,000 retries that fall due at once, and a million rows of history, change of the rate and of the latency."""

from harness.report import Report
from harness.rounds import Sample, in_turn
from harness.settings import Settings
from stack import wait_until

from suites.delivery.bench import BATCH, ENDPOINTS, KINDS, Collider, p50s, p99s
from suites.delivery.receiver import Receiver
from suites.delivery.throughput import JOBS, worked_off

RETRIES = 10_000
HISTORY = 1_000_000
RATE = 500
# However short the runs: the retries take some seconds of it.
LEAST_SECONDS = 5
# Today's rows stand in the partitions in which everything new is written and looked for, which is the hardest case.
FILL = f"""
    CREATE TEMPORARY TABLE history AS
        SELECT n, at, (ms || '70008' || lpad(to_hex(n), 15, '0'))::uuid AS firing,
            (ms || '70009' || lpad(to_hex(n), 15, '0'))::uuid AS delivery,
            (ms || '7000a' || lpad(to_hex(n), 15, '0'))::uuid AS event
        FROM (SELECT n, at, lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') AS ms
            FROM (SELECT n, day + (now() - day) * (n / {HISTORY + 1}.0) AS at
                FROM generate_series(1, {HISTORY}) AS n, date_trunc('day', now(), 'UTC') AS day) AS times) AS ids;
    CREATE TEMPORARY TABLE chosen AS
        SELECT id, organization_id, row_number() OVER () - 1 AS number FROM triggers;
    INSERT INTO firings (id, created_at, organization_id, trigger_id, trigger_version, event_id, event_received_at,
            part, position)
        SELECT firing, at, organization_id, id, 1, event, at, 0, n
        FROM history JOIN chosen ON number = n % (SELECT count(*) FROM chosen);
    INSERT INTO deliveries (id, created_at, organization_id, firing_id, trigger_id, trigger_version, event_id,
            event_received_at, action_index, kind, status, attempt, max_attempts, run_at, pushed_at, started_at,
            finished_at, endpoint)
        SELECT delivery, at, organization_id, firing, id, 1, event, at, 0, 'rest', 'succeeded', 1, 10, at, at, at, at,
            'http://127.0.0.1:80'
        FROM history JOIN chosen ON number = n % (SELECT count(*) FROM chosen);
    INSERT INTO attempts (delivery_id, delivery_created_at, attempt, organization_id, started_at, duration_ms,
            status_code, request, response, created_at)
        SELECT delivery, at, 1, organization_id, at, 3, 200, 'POST http://127.0.0.1/hook' || repeat('x', 300), 'ok', at
        FROM history JOIN chosen ON number = n % (SELECT count(*) FROM chosen)"""


class Backlog:
    def __init__(
        self, collider: Collider, aged: Collider, receiver: Receiver, settings: Settings, report: Report
    ) -> None:
        self.collider, self.aged = collider, aged
        self.receiver, self.settings, self.report = receiver, settings, report
        self.jobs = RETRIES + JOBS["ours"] * settings.seconds // BATCH * BATCH
        self.seconds = max(LEAST_SECONDS, settings.seconds)

    def measure(self) -> None:
        self.report.section(f"{RETRIES:,} retries due at once; {HISTORY:,} rows of history")
        self.report.note(f"the rate: {self.jobs:,} deliveries that wait, and of them none or {RETRIES:,} are retries")
        self.report.note(
            f"the latency: {RATE} events a second for {self.seconds} s, in the second of which they fall due"
        )
        self.report.note("history: as many firings, deliveries and attempts of today")
        self.fill()
        samples = in_turn(
            {
                "rate": lambda: self.rate(self.collider, 0),
                "rate, retries": lambda: self.rate(self.collider, RETRIES),
                "rate, history": lambda: self.rate(self.aged, 0),
                "latency": lambda: self.latency(self.collider, 0),
                "latency, retries": lambda: self.latency(self.collider, RETRIES),
                "latency, history": lambda: self.latency(self.aged, 0),
            },
            self.settings.rounds,
        )
        for kind in ("rate", "latency"):
            for name in (kind, f"{kind}, retries", f"{kind}, history"):
                self.report.rate(name, samples[name])
        for case in ("retries", "history"):
            upper = samples[f"rate, {case}"]
            self.report.ratio(f"rate with {case}, to without", upper, samples["rate"], at_least=0.8)
            beside, alone = samples[f"latency, {case}"], samples["latency"]
            self.report.times(f"p50 with {case}, to without", p50s(beside), p50s(alone), at_most=1.2)
            self.report.times(f"p99 with {case}, to without", p99s(beside), p99s(alone), at_most=1.2)

    def fill(self) -> None:
        self.aged.sql(FILL)
        # What autovacuum would do in the midst of it otherwise.
        for table in ("firings", "deliveries", "attempts"):
            self.aged.sql(f"VACUUM (ANALYZE) {table}")
        assert self.aged.count() == HISTORY

    def prepare(self, collider: Collider, retries: int, *, due: str) -> None:
        """An emptied log, and retries that are due at some time."""
        if collider is self.aged:
            collider.servers.clear(collider.database)
        else:
            collider.empty()
        if not retries:
            return
        collider.post_events(KINDS, retries)
        collider.sql(f"UPDATE deliveries SET status = 'scheduled', attempt = 1, run_at = {due} WHERE status = 'ready'")
        collider.servers.redis("FLUSHDB")

    def rate(self, collider: Collider, retries: int) -> Sample:
        self.prepare(collider, retries, due="now()")
        collider.post_events(KINDS, self.jobs - retries)
        return worked_off(collider, self.receiver, self.jobs, [])

    def latency(self, collider: Collider, retries: int) -> Sample:
        self.prepare(collider, retries, due="now() + interval '1 day'")
        with collider.workers() as workers:
            # The load begins a moment later, and its first second does not count.
            collider.sql("UPDATE deliveries SET run_at = now() + interval '2 s' WHERE status = 'scheduled'")
            sample = collider.timed(
                ["Timed0"], self.receiver, workers, first=ENDPOINTS, rate=RATE, seconds=self.seconds
            )
            wait_until("end of all retries", 60, lambda: collider.count("status <> 'succeeded'") == 0)
        return sample
