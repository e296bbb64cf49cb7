"""First figures, all in one run on one machine: ingest beside PostgreSQL's own single-row insert, and the time from
post to webhook. `make bench` builds the programs and calls this.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Tests" / "EndToEndTests"))
os.environ.setdefault("COLLIDER_PROGRAMS", str(ROOT / ".build" / "release"))

from receivers import SIGNING_SECRET, WebhookReceiver  # noqa: E402
from stack import Stack, wait_until  # noqa: E402

CONNECTIONS = 64
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


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def wrk(stack: Stack, seconds: int, body: str) -> tuple[float, float, float]:
    """Requests per second, p50 and p99 in milliseconds, of `wrk` posting one body; fails on any answer but 2xx."""
    script = Path(tempfile.mkdtemp(prefix="collider-bench-")) / "post.lua"
    script.write_text(
        f"wrk.method = 'POST'\nwrk.body = [==[{body}]==]\n"
        "wrk.headers['Content-Type'] = 'application/json'\n"
        f"wrk.headers['Authorization'] = 'Bearer {stack.api_key}'\n"
    )
    script.chmod(0o600)
    command = [
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds}s",
        "--latency",
        "-s",
        str(script),
    ]
    printed = subprocess.run(
        [*command, f"{stack.base_url}/api/v1/events"],
        capture_output=True,
        text=True,
        check=True,
    )
    script.unlink()
    assert "Non-2xx" not in printed.stdout, printed.stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", printed.stdout)[1])
    latency = [re.search(rf"{name}%\s+([\d.]+)(us|ms|s)", printed.stdout) for name in (50, 99)]
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    p50, p99 = (float(match[1]) * scale[match[2]] for match in latency)
    return rate, p50, p99


def pgbench(stack: Stack, seconds: int) -> float:
    """Single-row inserts per second into a table like the log's, one a commit, by PostgreSQL's own load generator."""
    ports = json.loads((stack.home / "run" / "ports.json").read_text())
    secrets = json.loads((stack.home / "secrets.json").read_text())
    environment = os.environ | {
        "PGPASSWORD": secrets["database_password"],
        "PGDATABASE": "collider",
    }
    connection = ["-h", "127.0.0.1", "-p", str(ports["postgres"]), "-U", "collider"]
    folder = "/usr/lib/postgresql/15/bin"
    table = """CREATE TABLE IF NOT EXISTS bench_events (LIKE events INCLUDING DEFAULTS);
        CREATE INDEX IF NOT EXISTS bench_events_log ON bench_events (part, position);
        CREATE INDEX IF NOT EXISTS bench_events_type ON bench_events (organization_id, type, received_at);
        CREATE INDEX IF NOT EXISTS bench_events_id ON bench_events (id)"""
    subprocess.run([f"{folder}/psql", *connection, "-q", "-c", table], env=environment, check=True)
    insert = (
        "INSERT INTO bench_events (id, organization_id, part, position, type, source, subject, time, received_at, data)"
        " VALUES (gen_random_uuid(), gen_random_uuid(), 1, :client_id, 'PaymentProcessed', 'bench', 'customer-4711',"
        f" now(), now(), '{json.dumps(EVENT['data'])}');"
    )
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(insert.replace("\n", " "))
        script.flush()
        command = [
            f"{folder}/pgbench",
            *connection,
            "-n",
            "-M",
            "prepared",
            "-c",
            str(CONNECTIONS),
            "-j",
            "1",
        ]
        printed = subprocess.run(
            [*command, "-T", str(seconds), "-f", script.name],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    subprocess.run(
        [f"{folder}/psql", *connection, "-q", "-c", "DROP TABLE bench_events"],
        env=environment,
        check=True,
    )
    return float(re.search(r"tps = ([\d.]+)", printed.stdout)[1])


def post_to_webhook(stack: Stack, rate: int, seconds: int) -> tuple[float, float, int]:
    """Milliseconds from before the post to the receipt of the webhook: p50, p99, and how many were measured."""
    arrivals: dict[int, float] = {}

    class Timed(WebhookReceiver):
        def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, object]:
            now = time.monotonic()
            arrivals.setdefault(json.loads(body)["data"]["event"]["data"]["n"], now)
            return 200, {}

    receiver = Timed()
    trigger = {
        "name": "Bench",
        "event_types": ["Timed"],
        "actions": [
            {
                "type": "rest",
                "config": {
                    "url": f"{receiver.url}/hook",
                    "signing_secret": SIGNING_SECRET,
                },
            }
        ],
    }
    status, answer, _ = stack.request("POST", "/api/v1/triggers", trigger)
    assert status == 201, answer
    sent: dict[int, float] = {}
    total = rate * seconds
    start = time.monotonic() + 0.5

    def write(first: int) -> None:
        for number in range(first, total, 8):
            time.sleep(max(0.0, start + number / rate - time.monotonic()))
            sent[number] = time.monotonic()
            stack.request("POST", "/api/v1/events", {"type": "Timed", "data": {"n": number}})

    writers = [threading.Thread(target=write, args=(first,)) for first in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    wait_until("all webhooks", 60, lambda: len(arrivals) == total)
    receiver.close()
    times = [(arrivals[number] - sent[number]) * 1000 for number in range(rate, total)]
    return statistics.median(times), percentile(times, 0.99), len(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="length of each measurement")
    arguments = parser.parse_args()
    stack = Stack(ring_capacity=100_000)
    try:
        print("Starting a stack of its own for the measurement", flush=True)
        stack.up()
        urllib.request.urlopen(f"{stack.base_url}/api/v1/health", timeout=5).close()
        # Before the load: afterwards the processor is busy with what the load left behind.
        middle, tail, count = post_to_webhook(stack, rate=200, seconds=arguments.seconds)
        print(
            f"post to webhook at 200 a second: p50 {middle:.1f} ms, p99 {tail:.1f} ms over {count} events", flush=True
        )
        limit = pgbench(stack, arguments.seconds)
        print(f"pgbench, one row a commit      {limit:10.0f} events/s", flush=True)
        single, p50, p99 = wrk(stack, arguments.seconds, json.dumps(EVENT))
        print(
            f"single posts                   {single:10.0f} events/s   {single / limit:5.2f} x pgbench"
            f"   p50 {p50:.1f} ms  p99 {p99:.1f} ms",
            flush=True,
        )
        batched, _, _ = wrk(stack, arguments.seconds, json.dumps([EVENT] * 100))
        print(f"posts of 100 events            {batched * 100:10.0f} events/s   {batched * 100 / limit:5.2f} x pgbench")
    finally:
        stack.remove()


if __name__ == "__main__":
    main()
