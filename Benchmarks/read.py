"""How long the common questions to `GET /api/v1/events` take over millions of events, beside what PostgreSQL itself
needs for a page by primary key and with a GIN index on the log. Runs on private servers that it starts and stops.

    Benchmarks/read.py --events 5000000
"""

import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if "COLLIDER_TEST_POSTGRES_PORT" not in os.environ:
    runner = str(ROOT / "Tests" / "with-servers")
    os.execv(runner, [runner, sys.executable, __file__, *sys.argv[1:]])
sys.path.insert(0, str(ROOT / "Tests" / "EndToEndTests"))

from stack import free_port, wait_until  # noqa: E402

PROGRAMS = Path(os.environ.get("COLLIDER_PROGRAMS", ROOT / ".build" / "release"))
DAYS = 8
DATABASE = [
    "psql",
    "-h",
    "127.0.0.1",
    "-p",
    os.environ["COLLIDER_TEST_POSTGRES_PORT"],
    "-U",
    "collider",
    "-d",
    "collider_bench",
    "-v",
    "ON_ERROR_STOP=1",
    "-qAt",
]

# Events of about 300 bytes: 20 types of which the first is every fourth event, 100,000 customers, 40 words of text from
# a vocabulary of 3,000 in which frequent words are frequent, a request id that occurs once.
LOAD = """
INSERT INTO events (id, organization_id, part, position, type, source, subject, time, received_at, data)
SELECT
    (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(i::text), 1, 3) || '8'
        || substr(md5(i::text), 4, 15))::uuid,
    '{organization}', {part}, i, 'Type' || floor(20 * r1 * r1)::int, 'service-' || (i % 40),
    'customer-' || floor(100000 * r2)::int, at, at,
    jsonb_build_object(
        'request_id', md5('request' || i), 'amount', round((10000 * r3)::numeric, 2),
        'country', 'C' || floor(60 * r4 * r4)::int,
        'status', (ARRAY['ok', 'ok', 'ok', 'failed', 'pending'])[1 + (i % 5)],
        'customer', jsonb_build_object('id', 'c-' || floor(100000 * r2)::int, 'tier', 'T' || floor(4 * r5)::int),
        'note', 'w' || floor(3000 * r6 * r6 * r6)::int || ' w' || floor(3000 * r3 * r3 * r3)::int || ' w'
            || floor(3000 * r4 * r5 * r6)::int || ' w' || floor(3000 * r1 * r2)::int
            || CASE WHEN i % 50021 = 0 THEN ' unicorn' ELSE '' END)
FROM (
    SELECT i, date_trunc('milliseconds', now() - interval '1 day' * ({days} * (1 - i / {total}::float8))) AS at,
        random() AS r1, random() AS r2, random() AS r3, random() AS r4, random() AS r5, random() AS r6
    FROM generate_series({first}, {last}) AS i
) AS made
"""
PARTITIONS = """
DO $$
DECLARE
    day date;
    parent text;
BEGIN
    FOR day IN SELECT generate_series((now() - interval '{days} days')::date, (now() - interval '2 days')::date,
            interval '1 day')::date LOOP
        FOREACH parent IN ARRAY ARRAY['events', 'event_blocks'] LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                parent || '_' || to_char(day, 'YYYYMMDD'), parent, day || ' 00:00:00+00', day + 1 || ' 00:00:00+00');
        END LOOP;
    END LOOP;
END $$
"""


def sql(statement: str) -> str:
    return subprocess.run([*DATABASE, "-c", statement], check=True, capture_output=True, text=True).stdout.strip()


def timed_sql(statements: list[str]) -> list[float]:
    """Milliseconds of each statement, in one session."""
    script = "\\timing on\n" + "".join(f"{statement};\n" for statement in statements)
    printed = subprocess.run(
        [*DATABASE, "-o", "/dev/null", "-c", "SELECT 1", "-f", "-"],
        input=script,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [float(found) for found in re.findall(r"Time: ([\d.]+) ms", printed)]


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def part_of(organization: uuid.UUID) -> int:
    state = 14695981039346656037
    for byte in organization.bytes:
        state = (state ^ byte) * 1099511628211 % 2**64
    return state % 64


class Services:
    """The gateway and the processor, which indexes; without triggers there is nothing else to do."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="collider-read-"))
        self.port, self.metrics = free_port(), free_port()
        self.environment = os.environ | {
            "DATABASE_URL": f"postgres://collider@127.0.0.1:{os.environ['COLLIDER_TEST_POSTGRES_PORT']}/collider_bench",
            "REDIS_PORT": os.environ["COLLIDER_TEST_REDIS_PORT"],
            "JWT_SECRET": "s" * 32,
            "COLLIDER_ENCRYPTION_KEY": bytes(range(32)).hex(),
            "SERVER_PORT": str(self.port),
            "PROCESSOR_METRICS_PORT": str(self.metrics),
            "COLLIDER_HOME": str(self.folder),
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def collider(self, *arguments: str) -> str:
        return subprocess.run(
            [PROGRAMS / "collider", *arguments],
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
            cwd=ROOT,
        ).stdout

    def start(self, name: str) -> None:
        log = (self.folder / f"{name}.log").open("wb")
        self.processes.append(
            subprocess.Popen([PROGRAMS / name], env=self.environment, stdout=log, stderr=log, cwd=self.folder)
        )

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(timeout=30)


def load(organization: uuid.UUID, events: int) -> None:
    sql(PARTITIONS.format(days=DAYS))
    began = time.monotonic()
    step = 100_000
    for first in range(1, events + 1, step):
        last = min(events, first + step - 1)
        sql(
            LOAD.format(
                organization=organization, part=part_of(organization), days=DAYS, total=events, first=first, last=last
            )
        )
        if first // step % 10 == 0:
            print(f"  {last:>10,} events after {time.monotonic() - began:.0f} s", flush=True)
    sql(f"UPDATE log_parts SET head = {events} WHERE part = {part_of(organization)}")
    # Evaluation is not what is measured: it counts as done, and the indexer, which stays behind it, may begin.
    sql(
        "INSERT INTO follower_positions (follower, part, position) SELECT 'event-processor', part, head FROM log_parts"
        " ON CONFLICT (follower, part) DO UPDATE SET position = excluded.position"
    )
    sql("VACUUM ANALYZE events")


def index(organization: uuid.UUID, events: int) -> None:
    position = f"SELECT position FROM follower_positions WHERE follower = 'search' AND part = {part_of(organization)}"
    began = time.monotonic()
    wait_until("index", 3_600, lambda: int(sql(position) or 0) > events - 512)
    seconds = time.monotonic() - began
    size = sql(
        "SELECT string_agg(inhparent::regclass || ' ' || size, ', ') FROM (SELECT inhparent,"
        " pg_size_pretty(sum(pg_total_relation_size(inhrelid))) AS size FROM pg_inherits"
        " WHERE inhparent IN ('events'::regclass, 'event_blocks'::regclass) GROUP BY inhparent) AS sizes"
    )
    rows = sql("SELECT count(*) FROM event_blocks")
    print(f"indexed {events / seconds:,.0f} events/s, {rows} rows, {size}", flush=True)
    sql("VACUUM ANALYZE event_blocks")


class Reader:
    def __init__(self, services: Services, key: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", services.port, timeout=60)
        self.headers = {"Authorization": f"Bearer {key}"}

    def get(self, **parameters: str) -> dict[str, object]:
        query = urllib.parse.urlencode(parameters)
        self.connection.request("GET", f"/api/v1/events?{query}", headers=self.headers)
        answer = self.connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return json.loads(body)

    def measure(self, name: str, question: Callable[[int], dict[str, str]], times: int) -> None:
        spent: list[float] = []
        found: list[int] = []
        short = 0
        for number in range(times):
            parameters = question(number)
            began = time.perf_counter()
            page = self.get(**parameters)
            spent.append((time.perf_counter() - began) * 1000)
            found.append(len(page["data"]))
            short += len(page["data"]) < 50 and page["next_cursor"] is not None
        print(
            f"{name:<44} p50 {percentile(spent, 0.5):7.1f} ms   p99 {percentile(spent, 0.99):7.1f} ms"
            f"   {sum(found) / times:5.1f} events a page{f', {short} pages short' if short else ''}",
            flush=True,
        )


def leaf(field: str, operator: str, value: object) -> dict[str, object]:
    return {"field": field, "operator": operator, "value": value}


def measure(reader: Reader, times: int, events: int, started: float) -> None:
    def condition(*leaves: dict[str, object]) -> str:
        return json.dumps(leaves[0] if len(leaves) == 1 else {"all": leaves})

    def window(number: int, hours: int) -> dict[str, str]:
        begin = started - 86_400 * DAYS * ((number * 37 % 100) + 1) / 102
        form = "%Y-%m-%dT%H:%M:%SZ"
        return {
            "from": time.strftime(form, time.gmtime(begin)),
            "to": time.strftime(form, time.gmtime(begin + 3_600 * hours)),
        }

    deep: list[str] = []

    def deep_cursor(number: int) -> dict[str, str]:
        if not deep:
            for place in range(50):
                page = reader.get(limit="1", **window(place, 1))
                deep.append(page["data"][0]["id"])
        return {"cursor": deep[number % len(deep)]}

    ask = reader.measure
    deep_cursor(0)
    ask("newest page", lambda n: {}, times)
    ask("oldest page", lambda n: {"order": "asc"}, times)
    ask("deep page", deep_cursor, times)
    ask("by type, frequent", lambda n: {"type": "Type0"}, times)
    ask("by type, 2.5 %", lambda n: {"type": f"Type{10 + n % 10}"}, times)
    ask("by source, 2.5 %", lambda n: {"source": f"service-{n % 40}"}, times)
    ask("by subject, 1 in 100,000", lambda n: {"subject": f"customer-{n * 37}"}, times)
    ask("time window of an hour", lambda n: window(n, 1), times)
    ask("type in a time window", lambda n: {"type": "Type7"} | window(n, 6), times)
    ask("eq, 1 in 100,000", lambda n: {"filter": condition(leaf("customer.id", "eq", f"c-{n * 31}"))}, times)
    ask("eq, one event", lambda n: {"filter": condition(leaf("request_id", "eq", request_id(n, events)))}, times)
    ask("eq, no event", lambda n: {"filter": condition(leaf("request_id", "eq", f"none-{n}"))}, times)
    ask("eq, 1 in 4", lambda n: {"filter": condition(leaf("customer.tier", "eq", f"T{n % 4}"))}, times)
    ask("eq, 1 in 100", lambda n: {"filter": condition(leaf("country", "eq", f"C{40 + n % 20}"))}, times)
    ask(
        "type, country, status and tier, 1 in 80,000",
        lambda n: {
            "type": f"Type{10 + n % 10}",
            "filter": condition(
                leaf("country", "eq", f"C{40 + n % 20}"),
                leaf("status", "eq", "pending"),
                leaf("customer.tier", "eq", f"T{n % 4}"),
            ),
        },
        times,
    )
    ask(
        "the same without the type, 1 in 2,000",
        lambda n: {
            "filter": condition(
                leaf("country", "eq", f"C{40 + n % 20}"),
                leaf("status", "eq", "pending"),
                leaf("customer.tier", "eq", f"T{n % 4}"),
            )
        },
        times,
    )
    ask("amount > 9900, 1 in 100", lambda n: {"filter": condition(leaf("amount", "gt", 9900))}, times)
    ask("amount > 9999.9, 1 in 100,000", lambda n: {"filter": condition(leaf("amount", "gt", 9999.9))}, times)
    ask("q, 1 in 50,000", lambda n: {"q": "unicorn"}, times)
    ask("q, frequent", lambda n: {"q": f"w{n % 5}"}, times)
    ask("q, 1 in 1,000", lambda n: {"q": f"w{1500 + n * 3}"}, times)
    ask("q, two words", lambda n: {"q": f"w{n % 50} w{900 + n}"}, times)


def request_id(number: int, events: int) -> str:
    place = 1 + number * 48_611 % events
    return sql(f"SELECT md5('request' || {place})")


def measure_peer(organization: uuid.UUID, times: int, with_gin: bool) -> None:
    def show(name: str, spent: list[float]) -> None:
        print(f"{name:<44} p50 {percentile(spent, 0.5):7.1f} ms   p99 {percentile(spent, 0.99):7.1f} ms", flush=True)

    part = part_of(organization)
    ids = sql(f"SELECT id FROM events TABLESAMPLE SYSTEM (1) WHERE part = {part} LIMIT {times * 50}").split()
    pages = [ids[start : start + 50] for start in range(0, len(ids), 50)]
    show(
        "PostgreSQL: 50 rows by primary key",
        timed_sql(
            ["SELECT * FROM events WHERE id = ANY ('{" + ",".join(page) + "}')" for page in pages if len(page) == 50]
        ),
    )
    newest = (
        "PREPARE newest AS SELECT * FROM events WHERE part = $1 AND position < $2 ORDER BY position DESC LIMIT 50;"
        "SET plan_cache_mode = force_generic_plan"
    )
    page = f"EXECUTE newest ({part}, 1000000000)"
    show("PostgreSQL: the newest 50 by (part, position)", timed_sql([newest, *([page] * times)])[3:])
    if not with_gin:
        return
    began = time.monotonic()
    sql("SET maintenance_work_mem = '512MB'; CREATE INDEX bench_gin ON events USING gin (data jsonb_path_ops)")
    print(f"GIN jsonb_path_ops on the log, made in {time.monotonic() - began:.0f} s", flush=True)
    for name, contents in [
        ("eq, 1 in 100,000", lambda n: {"customer": {"id": f"c-{n * 31}"}}),
        ("eq, 1 in 4", lambda n: {"customer": {"tier": f"T{n % 4}"}}),
        ("eq, 1 in 100", lambda n: {"country": f"C{40 + n % 20}"}),
    ]:
        question = (
            "SELECT * FROM events WHERE part = {} AND organization_id = '{}' AND data @> '{}' "
            "ORDER BY position DESC LIMIT 50"
        )
        statements = [question.format(part, organization, json.dumps(contents(n))) for n in range(times)]
        show(f"with that GIN: {name}", timed_sql(statements))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--times", type=int, default=200, help="requests of each kind")
    parser.add_argument("--gin", action="store_true", help="also make a GIN index on the log and measure with it")
    arguments = parser.parse_args()
    subprocess.run([*DATABASE, "-d", "postgres", "-c", "CREATE DATABASE collider_bench"], check=True)
    services = Services()
    try:
        services.collider("migrate")
        made = services.collider("keys", "create", "--organization", "bench", "--scopes", "admin", "--json")
        key = json.loads(made)
        organization = uuid.UUID(key["organization_id"])
        print(f"loading {arguments.events:,} events over {DAYS} days", flush=True)
        load(organization, arguments.events)
        services.start("event-processor")
        services.start("api-gateway")
        index(organization, arguments.events)
        reader = Reader(services, key["api_key"])
        measure(reader, arguments.times, arguments.events, time.time())
        measure_peer(organization, arguments.times, arguments.gin)
    finally:
        services.stop()


if __name__ == "__main__":
    main()
