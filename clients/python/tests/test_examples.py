import importlib.util
import json
import math
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from collider import FrameFlags
from ring_writer import RingWriter

MakeRing = Callable[..., RingWriter]
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def run(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, EXAMPLES / script, *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COLLIDER_")}
    return subprocess.run(command, env=clean | environment, capture_output=True, text=True, timeout=120)


def load(script: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(script.removesuffix(".py"), EXAMPLES / script)
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def posted() -> Iterator[list[Any]]:
    """Events that were posted; where to stands in the first."""
    events: list[Any] = []

    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            events.append(event)
            answer = {"id": str(uuid.uuid4()), "type": event["type"], "received_at": "", "duplicate": False}
            content = json.dumps(answer).encode()
            self.send_response(201)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Gateway)
    events.append(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield events
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("frames", "compact"), [(0, False), (300, False), (300, True)])
def test_the_picture_is_drawn_without_a_screen(
    make_ring: MakeRing, ring_path: Path, tmp_path: Path, frames: int, compact: bool
) -> None:
    pytest.importorskip("matplotlib")
    writer = make_ring(512, compact=compact)
    for number in range(frames):
        writer.write(sentiment=math.sin(number), conversation=number % 5)
    picture = tmp_path / "frames.png"
    done = run("live_picture.py", "--path", str(ring_path), "--output", str(picture), "--frames", "200")
    assert done.returncode == 0, done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 10_000


def test_the_two_dimensions_are_those_in_which_vectors_differ_most() -> None:
    places = load("live_picture.py").principal_components
    random = np.random.default_rng(5)
    plane = random.normal(size=(2, 64))
    where = random.normal(size=(50, 2)) * [9, 3]
    found = places((where @ np.linalg.qr(plane.T)[0].T).astype(np.float32))
    between = np.linalg.norm(where[:, None] - where[None], axis=2)
    assert np.allclose(np.linalg.norm(found[:, None] - found[None], axis=2), between, atol=1e-3)
    assert places(np.zeros((1, 64), np.float32)).shape == (1, 2)


def test_the_model_learns_from_the_stream_and_posts_what_it_foresees(
    make_ring: MakeRing, ring_path: Path, posted: list[Any]
) -> None:
    writer = make_ring(2048)
    events: dict[str, int] = {}
    # In each conversation what sounds good is followed by what sounds bad, and the other way round.
    for number in range(1200):
        event = uuid.uuid4()
        is_good = number // 8 % 2 == 0
        writer.write(
            event_id=event,
            sentiment=0.6 if is_good else -0.6,
            conversation=1 + number % 8,
            flags=int(FrameFlags.SENTIMENT_OF_WORDS),
        )
        events[str(event)] = is_good
        if number % 100 == 0:
            writer.write(sentiment=-1, conversation=1 + number % 8, flags=2, actor=2)
    done = run(
        "score_stream.py", "--path", str(ring_path), "--idle-timeout", "0.2", "--above", "0.7",
        COLLIDER_URL=posted[0], COLLIDER_API_KEY="ck_test",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    scores = posted[1:]
    assert len(scores) > 300 and f"posted {len(scores):,} scores" in done.stdout
    assert all(score["type"] == "Score" and score["data"]["name"] == "next_is_bad" for score in scores)
    assert all(events[score["cause"]] for score in scores[-200:])


def test_the_model_needs_to_know_where_to_post(make_ring: MakeRing, ring_path: Path) -> None:
    make_ring(8)
    done = run("score_stream.py", "--path", str(ring_path))
    assert done.returncode == 1 and done.stderr == "error: COLLIDER_URL is not set\n"
