"""A writer at full speed against readers in Swift, C and Python: no frame is ever a mixture, and none is uncounted.

`ring-load` writes frames whose every number follows from their id. RING_FRAMES sets how many, 100,000,000 say, and
RING_KILLS how often a writer is killed; the defaults take seconds. From a million frames on, rings of 100,000 slots are
lapped too.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pytest
from collider import PhysicsConsumer, semantic_of
from documented_reader import DocumentedReader
from stack import PROGRAMS, ROOT

FRAMES = int(os.environ.get("RING_FRAMES", "60000"))
KILLS = int(os.environ.get("RING_KILLS", "15"))
CAPACITIES = [1, 8, 1000, *([100_000] if FRAMES >= 1_000_000 else [])]

PYTHON_READER = """
import json, sys
import numpy as np
from collider import PhysicsConsumer, native, semantic_of
path, until = sys.argv[1], int(sys.argv[2])
assert (native.LIBRARY is not None) == (sys.argv[3] == "library"), "libcolliderring: is there a C compiler?"
with PhysicsConsumer(path) as consumer:
    first, read, mixed = consumer.position, 0, 0
    print("ready", flush=True)
    while consumer.position < until:
        batch = consumer.read_batch(64)
        ids = batch["frame_id"]
        same = np.abs(semantic_of(batch) - (ids % np.uint64(61)).astype(np.float32)[:, None]).max(axis=1) < 0.001
        same &= (batch["organization_hash"] == ids) & (batch["timestamp_us"] == ids.astype(np.int64))
        read += len(batch)
        mixed += int(np.count_nonzero(~same))
    print(json.dumps({"first": first, "read": read, "lost": consumer.lost, "mixed": mixed}))
"""


@pytest.fixture
def path() -> Iterator[Path]:
    path = Path(f"/dev/shm/collider-readers-{os.getpid()}")
    yield path
    for file in path.parent.glob(path.name + "*"):
        file.unlink()


@pytest.fixture(scope="module")
def c_reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("clang")
    assert compiler
    program = tmp_path_factory.mktemp("native") / "ring"
    sources = [ROOT / "Sources/C" / name for name in ("CFrameLayout", "ColliderRing")]
    command = [compiler, "-O2", "-std=gnu11", "-o", program, ROOT / "Benchmarks/native/ring.c"]
    command += [source / f"{source.name}.c" for source in sources]
    subprocess.run([*command, *(f"-I{source / 'include'}" for source in sources), "-lm"], check=True)
    return program


def start_writer(path: Path, capacity: int, layout: str, frames: int) -> subprocess.Popen[str]:
    """One that has made the ring, and begins when a line is sent to it."""
    command = [PROGRAMS / "ring-load", "write", path, str(capacity), layout, str(frames)]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert writer.stdout and writer.stdout.readline() == "ready\n"
    return writer


def finish(process: subprocess.Popen[str]) -> dict[str, int]:
    printed, _ = process.communicate("\n")
    assert process.returncode == 0
    return json.loads(printed.splitlines()[-1])  # type: ignore[no-any-return]


def assert_whole(batch: npt.NDArray[Any]) -> None:
    assert (semantic_of(batch) == (batch["frame_id"] % 61)[:, None]).all()
    assert (batch["organization_hash"] == batch["frame_id"]).all()


@pytest.mark.parametrize("layout", ["full", "compact"])
@pytest.mark.parametrize("capacity", CAPACITIES)
def test_no_reader_accepts_a_mixture_of_two_frames(path: Path, c_reader: Path, capacity: int, layout: str) -> None:
    writer = start_writer(path, capacity, layout, FRAMES)
    until = str(FRAMES)
    readers = {
        "swift": [PROGRAMS / "ring-load", "read", path, layout, until],
        "c": [c_reader, "read", path, until],
        "library": [sys.executable, "-c", PYTHON_READER, path, until, "library"],
        "numpy": [sys.executable, "-c", PYTHON_READER, path, until, "numpy"],
    }
    running = {}
    for name, command in readers.items():
        environment = os.environ | ({"COLLIDER_RING_LIBRARY": ""} if name == "numpy" else {})
        running[name] = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        if "python" in str(command[0]):
            assert running[name].stdout.readline() == "ready\n"
    assert finish(writer)["head"] == FRAMES
    for name, process in running.items():
        done = finish(process)
        assert done["mixed"] == 0, name
        assert done["first"] + done["read"] + done["lost"] == FRAMES, (name, done)


@pytest.mark.parametrize("capacity", CAPACITIES)
def test_who_sleeps_for_laps_counts_exactly_what_it_missed(path: Path, capacity: int) -> None:
    writer = start_writer(path, capacity, "full", FRAMES)
    with PhysicsConsumer(path) as consumer:
        assert writer.stdin
        writer.stdin.write("\n")
        writer.stdin.flush()
        read = naps = 0
        while consumer.position < FRAMES:
            # Three laps behind, or as far as it goes.
            while consumer.lag < 3 * capacity and consumer.head < FRAMES:
                pass
            batch = consumer.read_batch(capacity)
            read += len(batch)
            naps += 1
            assert_whole(batch)
            assert read + consumer.lost == consumer.position
        assert naps > 1 and consumer.lost > 0
        assert read + consumer.lost == consumer.head == FRAMES
    finish(writer)


@pytest.mark.parametrize("capacity", [2, 100])
def test_a_killed_writer_leaves_whole_frames_and_the_next_goes_on_without_a_gap(path: Path, capacity: int) -> None:
    chance = random.Random(capacity)
    finish(start_writer(path, capacity, "full", 0))
    with PhysicsConsumer(path) as reader:
        for _ in range(KILLS):
            writer = start_writer(path, capacity, "full", 1_000_000_000)
            assert writer.stdin
            writer.stdin.write("\n")
            writer.stdin.flush()
            time.sleep(chance.uniform(0, 0.01))
            writer.kill()
            writer.communicate()
            head = reader.head
            while reader.lag:
                assert_whole(reader.read_batch(capacity))
            # The next one may publish a burst that was whole already. What was half written it empties, so that the
            # slots have neither those frames nor the ones before them.
            burst = max(1, min(16, capacity // 8))
            after = finish(start_writer(path, capacity, "full", 0))["head"]
            assert head <= after <= head + burst
            with PhysicsConsumer(path) as fresh:
                oldest = fresh.position
                batch = fresh.read_batch(capacity)
                assert 0 <= oldest - max(0, after - capacity) <= burst
                assert batch["frame_id"].tolist() == list(range(oldest, after)) and fresh.lost == 0
                assert_whole(batch)
        assert reader.head > KILLS


@pytest.mark.parametrize("layout", ["full", "compact"])
def test_the_page_of_the_format_is_enough_to_read_a_ring(path: Path, layout: str) -> None:
    finish(start_writer(path, 16, layout, 40))
    reader = DocumentedReader(path)
    frames = list(reader.frames())
    assert [frame["frame_id"] for frame in frames] == list(range(24, 40)) and reader.lost == 0
    with PhysicsConsumer(path) as consumer:
        batch = consumer.read_batch(16)
    semantic = semantic_of(batch)
    for frame, record, embedding in zip(frames, batch, semantic, strict=True):
        assert frame["semantic"] == pytest.approx(embedding.tolist(), rel=1e-6)
        assert frame["organization_hash"] == frame["timestamp_us"] == frame["frame_id"]
        for name in set(record.dtype.names) - {"semantic", "sequence"}:
            expected = record[name].tolist()
            assert frame[name] == (tuple(expected) if isinstance(expected, list) else expected), name
    finish(start_writer(path, 16, layout, 20))
    rest = list(reader.frames())
    assert reader.lost + len(rest) == 20 and reader.lost == 4
