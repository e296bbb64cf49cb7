"""Writing: the Swift writer with its protocol beside memcpy without one, alone and with readers."""

import json
import statistics

from harness.report import Report
from harness.rounds import Sample, in_turn
from harness.settings import Settings

from suites.ring.programs import Programs, sample


def measure(programs: Programs, settings: Settings, report: Report) -> None:
    frames = 400_000 * settings.seconds
    # Makes both rings, and fills them, so that no variant meets pages that were never touched.
    for layout in ("full", "compact"):
        programs.write(layout, programs.capacity)
    scratch = programs.memory / "memcpy"
    compact = programs.memory / "compact-store"
    scratch.write_bytes(programs.ring("full").read_bytes())
    compact.write_bytes(programs.ring("compact").read_bytes())
    report.section("Writing, as fast as it goes")
    samples = in_turn(
        {
            "memcpy": lambda: sample(programs.run("memcpy", scratch, frames)),
            "store": lambda: sample(programs.run("store", scratch, frames)),
            "compact store": lambda: sample(programs.run("store", compact, frames)),
            "full": lambda: programs.write("full", frames),
            "compact": lambda: programs.write("compact", frames),
        },
        settings.rounds,
    )
    scratch.unlink()
    compact.unlink()
    report.rate("memcpy of 4,224 bytes into such a ring, no protocol", samples["memcpy"])
    report.rate("C: a frame as it lies, by the protocol", samples["store"])
    report.ratio("to memcpy", samples["store"], samples["memcpy"], at_least=1.4)
    report.rate("C: the same, 1,152 bytes", samples["compact store"])
    report.ratio("to that of 4,224", samples["compact store"], samples["store"], at_least=5)
    report.rate("the writer: encodes a frame, and writes it", samples["full"])
    report.ratio("to memcpy", samples["full"], samples["memcpy"], at_least=1.4)
    report.rate("the writer, RING_LAYOUT=compact: makes bytes of floats too", samples["compact"])
    report.ratio("to the writer", samples["compact"], samples["full"], at_least=5)

    report.section("Writing with two readers at full speed")
    beside = in_turn(
        {"alone": lambda: programs.write("full", frames), "readers": lambda: with_readers(programs, frames)},
        settings.rounds,
    )
    report.rate("the writer alone", beside["alone"])
    report.rate("with two readers that validate and compare each frame", beside["readers"])
    costs = [
        after.cpu_microseconds("load") / before.cpu_microseconds("load")
        for before, after in zip(beside["alone"], beside["readers"], strict=True)
    ]
    report.note("three processes may have fewer cores than that, so the cost is the writer's CPU time of a frame")
    report.target(
        "CPU time of a frame, to that alone",
        statistics.median(costs),
        at_most=1.1,
        unit="x",
        extremes=(min(costs), max(costs)),
    )


def with_readers(programs: Programs, frames: int) -> Sample:
    path = programs.ring("full")
    with programs.writer("full", frames) as writer:
        until = int.from_bytes(path.open("rb").read(32)[24:], "little") + frames
        readers = [programs.start("read", path, until) for _ in range(2)]
        written = sample(writer.communicate("\n")[0])
        for reader in readers:
            done = json.loads(reader.communicate()[0])
            assert done["mixed"] == 0 and done["first"] + done["read"] + done["lost"] == until, done
    return written
