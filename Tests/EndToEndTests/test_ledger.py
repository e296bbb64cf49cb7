"""Four writers, two gateways, one PostgreSQL, and everything killed: what was acknowledged is stored exactly once.

Longer than by default: COLLIDER_LEDGER_SECONDS=600. A run's seed is printed; COLLIDER_LEDGER_SEED repeats its choices
(what the machine makes of them is never the same twice). The ledgers stay in pytest's temporary folder.
"""

import os
import random
import signal
import time
from pathlib import Path

import psycopg
from gateways import Database, Gateway, gateways, organizations
from ledger import Ledger, check, read
from stack import Stack, wait_until
from writers import Follower, Writer, take_inventory

SECONDS = float(os.environ.get("COLLIDER_LEDGER_SECONDS", "30"))
SEED = int(os.environ.get("COLLIDER_LEDGER_SEED", str(time.time_ns() % 2**32)))
WRITERS = 4


class Chaos:
    """Kills gateways by turns, stops one for a moment, and restarts PostgreSQL without a checkpoint."""

    def __init__(self, stack: Stack, database: Database, running: list[Gateway]) -> None:
        self.stack = stack
        self.database = database
        self.running = running
        self.random = random.Random(SEED)
        self.gateway_kills = 0
        self.stops = 0
        self.server_quits = 0
        self.backend_kills = 0

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        next_server = time.monotonic() + 3
        while time.monotonic() < end:
            time.sleep(self.random.uniform(0.5, 1.5))
            if time.monotonic() < next_server:
                self._strike(self.running[(self.gateway_kills + self.stops) % len(self.running)])
            elif self.server_quits <= self.backend_kills:
                # The supervisor waits twice as long after each end of a server that ran for less than a minute.
                next_server = time.monotonic() + (4 if self.server_quits < 5 else 65)
                self._quit_server()
            else:
                next_server = time.monotonic() + 4
                self._kill_backend()

    def _strike(self, gateway: Gateway) -> None:
        if self.random.random() < 0.8:
            gateway.send(signal.SIGKILL)
            self.gateway_kills += 1
            return
        self.stops += 1
        gateway.send(signal.SIGSTOP)
        time.sleep(self.random.uniform(0.2, 1.5))
        gateway.send(signal.SIGCONT)

    def _quit_server(self) -> None:
        """SIGQUIT is PostgreSQL's immediate shutdown: every session is cut, and the next start recovers from WAL."""
        old = self.stack.pid("postgres")
        os.kill(old, signal.SIGQUIT)
        self.server_quits += 1
        wait_until("new PostgreSQL", 60, lambda: self.stack.pid("postgres") != old)

    def _kill_backend(self) -> None:
        """A killed backend makes PostgreSQL end all others and recover, without a new process."""
        try:
            found = self.database.query(
                "SELECT pid FROM pg_stat_activity WHERE query LIKE '%%append_events(%%' LIMIT 1"
            )
        except psycopg.OperationalError:
            return
        if found:
            os.kill(found[0][0], signal.SIGKILL)
            self.backend_kills += 1


def test_what_was_acknowledged_is_stored_exactly_once(stack: Stack, tmp_path: Path) -> None:
    print(f"\nseed {SEED}, {SECONDS:.0f} s, ledgers in {tmp_path}")
    tenants = organizations(stack, "ledger", parts=3)
    parts = {tenant.part for tenant in tenants}
    with gateways(stack, 2) as (database, running):
        for gateway in running:
            gateway.keep()
        written, seen = Ledger(tmp_path / "writers.jsonl"), Ledger(tmp_path / "follower.jsonl")
        writers = [Writer(number, SEED, written, running, tenants, ("array", "lines")) for number in range(WRITERS)]
        follower = Follower(database, parts, seen)
        follower.thread.start()
        for writer in writers:
            writer.thread.start()
        wait_until("first events", 30, lambda: sum(sum(writer.acknowledged) for writer in writers) > 20)

        chaos = Chaos(stack, database, running)
        chaos.run(SECONDS)

        for writer in writers:
            writer.stopping.set()
        for writer in writers:
            writer.thread.join(timeout=180)
            assert not writer.thread.is_alive(), f"writer {writer.number} never came to an end"
        wait_until("PostgreSQL", 60, lambda: _answers(database))
        _wait_for_stragglers(database)
        stored = Ledger(tmp_path / "stored.jsonl")
        heads = take_inventory(database, parts, stored)
        wait_until("follower at the heads", 60, lambda: follower.positions == heads or follower.errors)
        follower.stopping.set()
        follower.thread.join(timeout=30)

    verdict = check(read(written.path, seen.path, stored.path))
    unknown = sum(writer.unknown for writer in writers)
    print(
        f"{verdict}\n{unknown} tries without an answer; {chaos.gateway_kills} gateways killed, {chaos.stops} stopped, "
        f"{chaos.server_quits} immediate shutdowns and {chaos.backend_kills} crashes of PostgreSQL; "
        f"{follower.reads} reads, {follower.reconnections} reconnections"
    )
    assert [error for writer in writers for error in writer.errors] == []
    assert follower.errors == []
    assert verdict.is_clean, str(verdict)
    assert all(sum(writer.acknowledged[index] for writer in writers) for index in range(2)), "both gateways took part"
    assert chaos.gateway_kills > 2 and chaos.server_quits > 0 and chaos.backend_kills > 0 and unknown > 0


def _answers(database: Database) -> bool:
    try:
        return bool(database.query("SELECT 1"))
    except psycopg.OperationalError:
        return False


def _wait_for_stragglers(database: Database) -> None:
    """A statement whose gateway was killed still runs to its end."""
    busy = (
        "SELECT pid FROM pg_stat_activity "
        "WHERE state = 'active' AND query LIKE '%%append_events(%%' AND pid <> pg_backend_pid()"
    )
    wait_until("end of all appends", 30, lambda: not database.query(busy))
