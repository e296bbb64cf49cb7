"""collider-writer by itself: killed at any point it frames every event once, and alike; with an embedding endpoint that
comes and goes it goes on.

WRITER_KILLS sets how often it is killed; the default takes seconds.
"""

import json
import os
import random
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from collider import Client, FrameFlags, PhysicsConsumer
from gateways import Database, Organization, Replica
from stack import Stack, wait_until

KILLS = int(os.environ.get("WRITER_KILLS", "8"))
Array = npt.NDArray[Any]


class Writer(Replica):
    program = "collider-writer"
    port_key = "WRITER_METRICS_PORT"


@pytest.fixture
def path() -> Iterator[Path]:
    path = Path(f"/dev/shm/collider-writer-{os.getpid()}")
    yield path
    for file in path.parent.glob(path.name + "*"):
        file.unlink()


def events(count: int, first: int) -> Iterator[dict[str, Any]]:
    texts = ["the order is great", "payment failed", "table", "not good at all"]
    for number in range(first, first + count):
        data: dict[str, Any] = {"n": number, "text": f"{texts[number % 4]} {number % 13}"}
        if number % 5 == 0:
            data |= {"sentiment": 0.5, f"field{number % 7}": [1]}
        yield {"type": f"Kind{number % 3}", "subject": f"user-{number % 9}", "data": data}


def frames(path: Path) -> Array:
    with PhysicsConsumer(path) as consumer:
        return consumer.read_batch(consumer.capacity)


def framed(path: Path, database: Database) -> list[Array]:
    """All frames, as the one element, once there are as many as events."""
    count = database.query("SELECT count(*) FROM events")[0][0]
    if not path.exists():
        return []
    found = frames(path)
    return [found] if len(found) >= count else []


def test_a_writer_that_is_killed_at_any_point_frames_every_event_once_and_alike(stack: Stack, path: Path) -> None:
    database, chance = Database(stack), random.Random(3)
    organization = Organization(stack, "killed-writer")
    client = Client(stack.base_url, organization.key)
    # Room for all events, so that each can be looked for.
    ring = {"RING_PATH": str(path), "RING_CAPACITY": str(max(50_000, 500 * KILLS))}
    sent, stop = 0, threading.Event()

    def post() -> None:
        nonlocal sent
        while not stop.is_set() and sent < 400 * KILLS:
            sent += client.send_many(events(40, sent)).accepted

    producer = threading.Thread(target=post)
    producer.start()
    try:
        for _ in range(KILLS):
            writer = Writer(database, **ring)
            # From before it has opened the ring to well within its work.
            time.sleep(chance.uniform(0.02, 0.5))
            writer.stop()
            if path.exists():
                with PhysicsConsumer(path) as reader:
                    # Nothing that is odd or missing holds a reader up, or is returned.
                    batch = reader.read_batch(reader.capacity)
                    assert (batch["sequence"] == batch["frame_id"] * 2 + 2).all() and reader.torn == 0
                    assert len(batch) + reader.lost == reader.position
    finally:
        stop.set()
        producer.join()
    writer = Writer(database, **ring)
    try:
        (found,) = wait_until("frames", 120, lambda: framed(path, database))
    finally:
        writer.stop()
    ids = [uuid.UUID(bytes=bytes(event)) for event in found["event_id"]]
    assert len(set(ids)) == len(ids), "framed exactly once"
    logged = database.query(
        "SELECT id FROM events WHERE organization_id = %s ORDER BY position", uuid.UUID(organization.id)
    )
    own = found["organization_hash"] == found["organization_hash"][ids.index(logged[0][0])]
    assert [ids[place] for place in np.flatnonzero(own)] == [row[0] for row in logged], "in the order of the log"
    assert_same(found[own], rewritten(path, database, ring, found[own]["organization_hash"][0]))


def rewritten(path: Path, database: Database, ring: dict[str, str], organization: int) -> Array:
    """The frames that a writer makes that finds nothing of the others."""
    for file in path.parent.glob(path.name + "*"):
        file.unlink()
    writer = Writer(database, **ring)
    try:
        (found,) = wait_until("frames", 120, lambda: framed(path, database))
    finally:
        writer.stop()
    return found[found["organization_hash"] == organization]


def assert_same(ones: Array, others: Array) -> None:
    """Equal in all but their numbers and how long they took."""
    assert len(ones) == len(others)
    for name in set(ones.dtype.names or ()) - {"sequence", "frame_id", "duration_ms"}:
        assert (ones[name] == others[name]).all(), name


class Endpoint:
    """An embedding endpoint with the rules of the real one; it can be told to say nothing."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.is_silent = False
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                while endpoint.is_silent:
                    # The silence.
                    time.sleep(0.01)
                texts = body.get("input")
                if self.path != "/v1/embeddings" or self.headers["Authorization"] != "Bearer sk-e2e":
                    return self._answer(401, {"error": {"message": "Incorrect API key provided"}})
                if body.get("model") != "e2e" or not isinstance(texts, list) or not all(texts) or len(texts) > 2048:
                    return self._answer(400, {"error": {"message": "'$.input' is invalid"}})
                endpoint.texts += texts
                data = [
                    {"object": "embedding", "index": index, "embedding": [len(text), 1.0, -2.0]}
                    for index, text in enumerate(texts)
                ]
                return self._answer(200, {"object": "list", "data": data[::-1], "model": "e2e"})

            def _answer(self, status: int, answer: Any) -> None:
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @contextmanager
    def silence(self) -> Iterator[None]:
        self.is_silent = True
        try:
            yield
        finally:
            self.is_silent = False

    def close(self) -> None:
        self.is_silent = False
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def test_frames_have_the_embeddings_of_the_endpoint_and_go_on_without_it(stack: Stack, path: Path) -> None:
    database, endpoint = Database(stack), Endpoint()
    client = Client(stack.base_url, Organization(stack, "embedded").key)
    settings = {"EMBEDDING_API_KEY": "sk-e2e", "EMBEDDING_MODEL": "e2e"}
    writer = Writer(
        database,
        RING_PATH=str(path),
        RING_CAPACITY="50000",
        EMBEDDING_BASE_URL=f"http://127.0.0.1:{endpoint.server.server_port}/v1/",
        **settings,
    )

    def frame_of(text: str) -> Any:
        """The frame of an event that is sent now."""
        stored = uuid.UUID(client.send("Text", {"text": text}).id).bytes
        with PhysicsConsumer(path, start="newest") as consumer:
            consumer.seek_last(1000)
            return next(frame for frame in consumer.follow(idle_timeout=30) if frame.event_id.bytes == stored)

    try:
        wait_until("frames", 60, lambda: framed(path, database))
        frame = wait_until(
            "embedding", 30, lambda: (found := frame_of("hello")).flags & FrameFlags.EMBEDDING_MODEL and found
        )
        assert frame.semantic_dimensions == 3
        expected = np.array([len("Text\nhello"), 1, -2]) / np.linalg.norm([len("Text\nhello"), 1, -2])
        assert np.allclose(frame.semantic[:3], expected, atol=1e-6) and not frame.semantic[3:].any()
        asked = endpoint.texts.count("Text\nhello")
        assert frame_of("hello").flags & FrameFlags.EMBEDDING_MODEL and endpoint.texts.count("Text\nhello") == asked
        with endpoint.silence():
            away = [frame_of(f"unheard of {number}") for number in range(20)]
            known = frame_of("hello")
        assert all(FrameFlags.EMBEDDING_STAND_IN | FrameFlags.EMBEDDING_LEXICAL in frame.flags for frame in away)
        assert all(frame.semantic_dimensions == 1024 for frame in away)
        assert known.flags & FrameFlags.EMBEDDING_MODEL, "what is cached needs no endpoint"
        wait_until("endpoint", 60, lambda: frame_of(str(uuid.uuid4())).flags & FrameFlags.EMBEDDING_MODEL)
    finally:
        endpoint.close()
        writer.stop()
    assert "sk-e2e" not in writer.log.read_text()
