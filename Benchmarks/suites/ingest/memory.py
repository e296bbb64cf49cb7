"""Memory of the gateway at full load, and whether it stays flat."""

from harness.accounting import Memory
from harness.rounds import Sample

from suites.ingest.bench import BATCH, Ingest

# Events after which the memory is read: in the long run, and otherwise.
LONG = (1_000_000, 10_000_000)
SHORT = (100_000, 400_000)
# Most events in the log at a time, so that ten million do not fill the disk.
KEPT = 500_000


def measure(bench: Ingest) -> None:
    report = bench.report
    first, last = LONG if bench.settings.is_long else SHORT
    report.section("Memory of the gateway at full load")
    how = "--long" if bench.settings.is_long else "--long: 10 million"
    report.note(f"a tenth of the events posted one by one, the rest in batches of {BATCH}; {last:,} in all ({how})")
    begun = Memory.of(bench.gateway.pid)
    early = load_up_to(bench, first)
    after_first = Memory.of(bench.gateway.pid)
    late = load_up_to(bench, last - first)
    after_last = Memory.of(bench.gateway.pid)
    report.rate(f"the first {first:,} events", [early])
    report.rate(f"up to {last:,} events", [late])
    for what, memory in (("before", begun), (f"after {first:,}", after_first), (f"after {last:,}", after_last)):
        report.note(f"{what} events of this section: {memory.now:.0f} MB in memory")
    report.target("most memory at full load, all sections", after_last.peak, at_most=100, unit="MB")
    report.target(f"memory after {last:,}, to after {first:,}", after_last.now / after_first.now, at_most=1.1, unit="x")


def load_up_to(bench: Ingest, count: int) -> Sample:
    """Posts so many events; the log is emptied on the way, between runs."""
    batch = bench.batch_of(bench.event, BATCH)
    samples = []
    while count > 0:
        piece = min(count, KEPT)
        bench.servers.clear("collider")
        samples.append(bench.loads.post(bench.single, bench.server, requests=piece // 10))
        batches = -(-piece * 9 // 10 // BATCH)
        samples.append(bench.loads.post(batch, bench.server, requests=batches, connections=bench.batch_connections))
        count -= piece
    return Sample(
        events=sum(sample.events for sample in samples),
        seconds=sum(sample.seconds for sample in samples),
        cpu={name: sum(sample.cpu[name] for sample in samples) for name in samples[0].cpu},
    )
