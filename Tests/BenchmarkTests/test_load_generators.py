"""The benchmarks' own instruments: a load generator that miscounts would make every figure wrong."""

import itertools
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "Benchmarks"), str(ROOT / "Tests" / "EndToEndTests")]

from harness.load import build  # noqa: E402
from stack import wait_until  # noqa: E402

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{"accepted":1}'
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Server:
    """Answers the requests of each connection, in pieces, as `answer(number of the request)` says; None hangs up."""

    def __init__(self, answer: Callable[[int], list[bytes] | None], is_stream: bool = False) -> None:
        self.answer, self.is_stream = answer, is_stream
        self.requests = self.served = 0
        self.bodies: list[bytes] = []
        self.heads: list[bytes] = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        with connection, reader:
            while head := reader.readline():
                length = 0
                while (line := reader.readline().strip().lower()) != b"":
                    head += line + b"\n"
                    if line.startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                body = reader.read(length)
                with self.lock:
                    self.bodies.append(body)
                    self.heads.append(head)
                    self.requests += 1
                    number = self.requests
                pieces = self.answer(number)
                if pieces is None:
                    return
                for piece in pieces:
                    connection.sendall(piece)
                    if len(pieces) > 1:
                        # So that each piece is a read of its own at the other end.
                        time.sleep(0.002)
                if self.is_stream:
                    break
        with self.lock:
            self.served += 1


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    for name in ("load", "listeners"):
        build(name, folder)
    build("receiver", folder, [])
    return folder


@pytest.fixture
def body(tmp_path: Path) -> Iterator[str]:
    path = tmp_path / "body"
    path.write_bytes(b'{"type":"A","data":{}}')
    yield str(path)


def load(programs: Path, server: Server, body: str, *options: str) -> dict[str, float]:
    command = [programs / "load", "--port", str(server.port), "--path", "/", "--body", body, *options]
    return json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)


def test_as_many_requests_are_sent_and_answered_as_were_asked_for(programs: Path, body: str) -> None:
    server = Server(lambda number: [OK])
    done = load(programs, server, body, "--requests", "500", "--connections", "8")
    assert done["sent"] == done["answered"] == done["good"] == server.requests == 500


def test_a_get_says_nothing_of_a_body(programs: Path) -> None:
    server = Server(lambda number: [OK])
    done = load(programs, server, "/dev/null", "--method", "GET", "--requests", "4", "--connections", "2")
    assert done["good"] == 4
    assert all(head.startswith(b"GET / HTTP/1.1") and b"content-length" not in head for head in server.heads)


def test_an_answer_may_come_in_any_pieces(programs: Path, body: str) -> None:
    server = Server(lambda number: [OK[start : start + number] for start in range(0, len(OK), number)])
    expect = ["--expect", '"accepted":1', "--status", "200"]
    done = load(programs, server, body, "--requests", "60", "--connections", "1", *expect)
    assert (done["good"], done["wrong_body"], done["unintelligible"]) == (60, 0, 0)


def test_wrong_answers_are_counted_by_kind(programs: Path, body: str) -> None:
    other = OK.replace(b'"accepted":1', b'"accepted":0')
    answers = {1: [OK], 2: [b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"], 3: [other], 4: [OK + OK], 5: None}
    server = Server(lambda number: answers.get(number, [OK]))
    done = load(programs, server, body, "--requests", "10", "--connections", "1", "--expect", '"accepted":1')
    assert done["wrong_status"] == 1
    assert done["first_wrong_status"] == 503
    assert done["wrong_body"] == 1
    assert done["unintelligible"] == 1
    assert done["broken"] == 1
    assert done["good"] == 6


def test_a_paced_load_charges_a_stall_to_every_request_that_was_due_meanwhile(programs: Path, body: str) -> None:
    def answer(number: int) -> list[bytes]:
        if number == 10:
            # The stall.
            time.sleep(0.5)
        return [OK]

    options = ["--requests", "200", "--connections", "1"]
    paced = load(programs, Server(answer), body, *options, "--rate", "200")
    # A hundred requests fall due while one is answered; half of them wait for a quarter of a second or more.
    assert paced["good"] == 200
    assert paced["p90_us"] > 100_000
    unpaced = load(programs, Server(answer), body, *options)
    assert unpaced["max_us"] > 500_000
    assert unpaced["p90_us"] < paced["p90_us"]


def test_requests_are_numbered_and_their_times_written_down(programs: Path, tmp_path: Path) -> None:
    body, times = tmp_path / "numbered", tmp_path / "times"
    body.write_bytes(b'[{"n": ########}, {"n": ########}]')
    server = Server(lambda number: [OK])
    before = time.monotonic()
    load(programs, server, str(body), "--requests", "30", "--connections", "3", "--rate", "300", "--times", str(times))
    assert sorted(json.loads(each)[0]["n"] for each in server.bodies) == list(range(30))
    assert all(first == second for first, second in map(json.loads, server.bodies))
    lines = [[float(word) for word in line.split()] for line in times.read_text().splitlines()]
    assert len(lines) == 30
    assert all(before < due <= sent < time.monotonic() for due, sent in lines)
    gaps = [later[0] - earlier[0] for earlier, later in itertools.pairwise(lines)]
    assert gaps == pytest.approx([1 / 300] * 29, abs=1e-5)


class Receiving:
    """`receiver.c` with two ports, and the file in which it notes arrivals."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.arrivals = folder / "arrivals"
        command = [programs / "receiver", "2", self.arrivals]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.ports = json.loads(self.process.stdout.readline())

    def get(self, path: str) -> dict[str, float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[0]}{path}", timeout=10) as answer:
            return json.loads(answer.read())

    def post(self, port: int, body: bytes) -> socket.socket:
        """Sends a request, and returns the connection."""
        connection = socket.create_connection(("127.0.0.1", self.ports[port]), timeout=10)
        connection.sendall(b"POST /hook HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        return connection

    def came(self, count: int) -> list[float]:
        times = array("d")
        with self.arrivals.open("rb") as file:
            times.fromfile(file, count)
        return list(times)


@pytest.fixture
def receiving(programs: Path, tmp_path: Path) -> Iterator[Receiving]:
    receiving = Receiving(programs, tmp_path)
    yield receiving
    receiving.process.kill()
    receiving.process.communicate()


def test_a_number_is_noted_at_its_port_when_it_first_comes(receiving: Receiving) -> None:
    begun = time.monotonic()
    for port, number in ((0, 0), (1, 0), (1, 2), (1, 2)):
        text = b'{"type":"trigger.fired","data":{"event":{"data":{"bench_number":%8d,"note":"x"}}}}' % number
        with receiving.post(port, text) as connection:
            assert connection.recv(1024).startswith(b"HTTP/1.1 200")
    first = receiving.came(6)
    assert [time > 0 for time in first] == [True, True, False, False, False, True]
    assert all(begun < each < time.monotonic() for each in first if each)
    with receiving.post(0, b'{"data": "without a number"}') as connection:
        assert connection.recv(1024).startswith(b"HTTP/1.1 200")
    assert receiving.get("/count?reset")["received"] == 5
    assert receiving.came(6) == [0] * 6


def test_a_port_that_is_mute_takes_requests_and_holds_them(receiving: Receiving) -> None:
    receiving.get("/mute?1-1")
    with receiving.post(1, b"{}") as held, receiving.post(1, b"{}") as left, receiving.post(0, b"{}") as answered:
        assert answered.recv(1024).startswith(b"HTTP/1.1 200")
        wait_until("held requests", 10, lambda: receiving.get("/count")["held"] == 2)
        assert receiving.get("/count")["received"] == 3
        # A client that gives up is held no more.
        left.close()
        wait_until("one held request", 10, lambda: receiving.get("/count")["held"] == 1)
        receiving.get("/mute")
        assert held.recv(1024) == b"", "hung up on, without an answer"
    assert receiving.get("/count")["held"] == 0
    with receiving.post(1, b"{}") as answered:
        assert answered.recv(1024).startswith(b"HTTP/1.1 200")


def chunks(stream: bytes, size: int) -> bytes:
    parts = [stream[start : start + size] for start in range(0, len(stream), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_events_of_a_stream_are_counted_however_it_is_chunked(programs: Path, size: int) -> None:
    stream = b"".join(b': beat\n\nid: %d\nevent: event\ndata: {"a":"data: \\ndata:"}\n\n' % n for n in range(20))
    server = Server(lambda number: [STREAM, *(chunks(stream, size)[i : i + 501] for i in range(0, 9000, 501))], True)
    process = subprocess.Popen(
        [programs / "listeners", "--port", str(server.port), "--path", "/", "--count", "3"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"open\n"
    wait_until("end of the streams", 30, lambda: server.served == 3)
    printed, _ = process.communicate()
    done = json.loads(printed)
    assert (done["delivered"], done["ended"]) == (60, 3)
