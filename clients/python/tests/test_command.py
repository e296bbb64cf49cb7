import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ring_writer import RingWriter

MakeRing = Callable[..., RingWriter]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "collider.consumer", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=60)


def test_batch_shows_the_newest_frames(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(8).write(20)
    done = run("--batch", "3", "--path", str(ring_path))
    assert done.returncode == 0 and done.stderr == ""
    summary, titles, *lines = done.stdout.splitlines()
    assert "20 frames written, room for 8" in summary and "writing" in summary
    assert titles.split()[0] == "frame"
    assert [line.split()[0] for line in lines] == ["17", "18", "19"]
    assert lines[0].endswith("00000000-0000-0000-0000-000000000011")


def test_json_is_one_object_a_line(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(8).write(2)
    frames = [json.loads(line) for line in run("--batch", "5", "--json", "--path", str(ring_path)).stdout.splitlines()]
    assert [frame["frame_id"] for frame in frames] == [0, 1]
    assert frames[0]["sentiment"] == 0.5 and "semantic" not in frames[0]
    whole = run("--batch", "1", "--json", "--semantic", "--path", str(ring_path))
    assert json.loads(whole.stdout)["semantic"] == [1.0] * 1024


def test_follow_shows_the_last_frames_and_each_new_one_until_interrupted(make_ring: MakeRing, ring_path: Path) -> None:
    writer = make_ring(64)
    writer.write(3)
    with subprocess.Popen(
        command("--follow", "--json", "--path", str(ring_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background of a shell has it ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert [json.loads(process.stdout.readline())["frame_id"] for _ in range(3)] == [0, 1, 2]
        writer.write(1)
        assert json.loads(process.stdout.readline())["frame_id"] == 3
        process.send_signal(signal.SIGINT)
        assert "0 frames lost" in process.stderr.read()
    assert process.returncode == 0


def test_follow_ends_after_the_idle_timeout(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(64).write(30)
    done = run("--follow", "--last", "2", "--idle-timeout", "0.01", "--json", "--path", str(ring_path))
    assert [json.loads(line)["frame_id"] for line in done.stdout.splitlines()] == [28, 29]


def test_a_reader_of_the_output_may_leave(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(512).write(512)
    with subprocess.Popen(
        command("--batch", "512", "--json", "--semantic", "--path", str(ring_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_a_missing_ring_is_one_line(ring_path: Path) -> None:
    done = run("--follow", "--path", str(ring_path))
    assert done.returncode == 1
    assert done.stderr.startswith("error: no ring at ") and len(done.stderr.splitlines()) == 1


def test_one_mode_is_needed() -> None:
    assert run().returncode == 2
    assert run("--follow", "--batch", "3").returncode == 2
    assert run("--batch", "0").returncode == 2


def test_pytorch_shows_shapes_or_says_what_to_install(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(8).write(3)
    done = run("--pytorch", "--device", "cpu", "--path", str(ring_path))
    if importlib.util.find_spec("torch") is None:
        assert done.returncode == 1 and "pip install 'collider[torch]'" in done.stderr
    else:
        assert done.returncode == 0 and "[3, 1024]" in done.stdout


@pytest.mark.usefixtures("torch")
def test_a_device_that_is_not_there_is_one_line(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(8).write(3)
    for device in ("toaster", "cuda:99"):
        done = run("--pytorch", "--json", "--device", device, "--path", str(ring_path))
        assert done.returncode == 1 and done.stdout == ""
        assert done.stderr.startswith(f"error: --device {device}: ") and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("text", ["--follow", "--batch", "--pytorch", "--path", "--json", "examples:"])
def test_help_names_everything(text: str) -> None:
    assert text in run("--help").stdout


def test_the_path_comes_from_the_environment(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(8).write(1)
    done = subprocess.run(
        command("--batch", "1"),
        env=os.environ | {"RING_PATH": str(ring_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and str(ring_path) in done.stdout
