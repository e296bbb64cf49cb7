"""A gateway that is to stop: what it has taken it answers, and its clients go elsewhere without losing anything."""

import http.client
import signal
import threading
import time

import httpx
import pytest
import raw_http
import raw_http2
from gateways import Gateway, Organization, gateways, organizations
from stack import Stack, wait_until

EVENT = b'{"type":"Drained","data":{"n":1}}'


@pytest.fixture(scope="module")
def tenant(stack: Stack) -> Organization:
    return organizations(stack, "drained", parts=1)[0]


class Producer:
    """Posts one event after the other over a connection that it keeps, and goes to the next gateway when told to."""

    def __init__(self, gateways: list[Gateway], tenant: Organization) -> None:
        self.ports, self.tenant = [gateway.port for gateway in gateways], tenant
        self.answered, self.lost, self.moves = 0, 0, 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        for port in self.ports:
            self._produce(port)
            self.moves += 1

    def _produce(self, port: int) -> None:
        fields = [
            ("authorization", f"Bearer {self.tenant.key}"),
            ("content-type", "application/json"),
            ("content-length", str(len(EVENT))),
        ]
        with raw_http.Connection(port) as connection:
            while not self.stopping.is_set():
                connection.send(raw_http.head("POST", "/api/v1/events", *fields) + EVENT)
                answer = connection.answer()
                if answer is None or answer.status != 201:
                    self.lost += 1
                    return
                self.answered += 1
                if answer.headers.get("connection") == "close":
                    return


class SecondProducer(Producer):
    """The same over HTTP/2, several at a time. What is refused was not taken, and may be asked for again."""

    def _produce(self, port: int) -> None:
        fields = [
            ("authorization", f"Bearer {self.tenant.key}"),
            ("content-type", "application/json"),
        ]
        with raw_http2.Connection(port) as connection:
            first = 1
            while connection.goaway is None and not connection.is_closed and not self.stopping.is_set():
                streams = range(first, first + 10, 2)
                for number in streams:
                    connection.request(number, "POST", "/api/v1/events", *fields, body=EVENT)
                for number in streams:
                    known = connection.answers.get(number)
                    answer = known if known and known.is_ended else connection.answer(number)
                    is_refused = number > connection.last_stream or answer.reset == raw_http2.REFUSED_STREAM
                    self.answered += answer.status == 201
                    self.lost += answer.status != 201 and not is_refused
                first += 10


def stored(stack: Stack, tenant: Organization) -> int:
    count, cursor = 0, ""
    while True:
        path = "/api/v1/events?limit=1000" + (f"&cursor={cursor}" if cursor else "")
        _, page, _ = stack.request("GET", path, key=tenant.key)
        count += len(page["data"])
        cursor = page["next_cursor"]
        if not cursor:
            return count


def test_nothing_that_was_taken_is_lost(stack: Stack, tenant: Organization) -> None:
    with gateways(stack, 2, SERVER_DRAIN_SECONDS="1") as (_, running):
        producers = [kind(running, tenant) for kind in [Producer] * 8 + [SecondProducer] * 3]
        wait_until("events", 30, lambda: all(producer.answered > 20 for producer in producers))
        running[0].send(signal.SIGTERM)
        assert running[0].process.wait(timeout=30) == 0
        answered = [producer.answered for producer in producers]
        busy = zip(producers, answered, strict=True)
        wait_until(
            "more events",
            30,
            lambda: all(producer.answered > before + 20 for producer, before in busy),
        )
        for producer in producers:
            producer.stopping.set()
            producer.thread.join(timeout=30)
        total, lost = (
            sum(producer.answered for producer in producers),
            sum(producer.lost for producer in producers),
        )
        losers = {(type(producer).__name__, producer.lost) for producer in producers if producer.lost}
        print(f"\n{total} requests answered, {lost} lost; {len(producers)} producers, all moved")
        assert lost == 0, losers
        assert all(producer.moves for producer in producers)
        assert stored(stack, tenant) == total


def test_what_runs_ends_and_what_is_kept_is_told(stack: Stack, tenant: Organization) -> None:
    authorization = {"authorization": f"Bearer {tenant.key}"}
    with gateways(stack, 1, SERVER_DRAIN_SECONDS="4") as (_, running):
        gateway = running[0]
        base = f"http://127.0.0.1:{gateway.port}"
        kept = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
        kept.request("GET", "/readyz")
        ready = kept.getresponse()
        assert (ready.status, ready.headers["connection"]) == (
            200,
            None,
        ) and ready.read()
        begun = raw_http.Connection(gateway.port)
        length = ("content-length", str(len(EVENT)))
        json_type = ("content-type", "application/json")
        begun.send(raw_http.head("POST", "/api/v1/events", *authorization.items(), json_type, length) + EVENT[:5])
        second = raw_http2.Connection(gateway.port)
        second.request(1, "GET", "/livez")
        assert second.answer(1).status == 200
        with (
            httpx.stream("GET", f"{base}/api/v1/events/stream", headers=authorization, timeout=30) as first_stream,
            raw_http2.Connection(gateway.port) as second_stream,
        ):
            second_stream.request(1, "GET", "/api/v1/events/stream", *authorization.items())
            started = time.monotonic()
            gateway.send(signal.SIGTERM)
            wait_until(
                "word that it is not ready",
                10,
                lambda: httpx.get(f"{base}/readyz").status_code == 503,
            )
            # It still takes what comes, once on each connection.
            kept.request("GET", "/livez")
            last = kept.getresponse()
            assert (last.status, last.headers["connection"]) == (
                200,
                "close",
            ) and last.read()
            new = httpx.post(
                f"{base}/api/v1/events",
                content=EVENT,
                headers=authorization | dict([json_type]),
            )
            assert (new.status_code, new.headers["connection"]) == (201, "close")
            second.request(3, "GET", "/livez")
            assert second.answer(3).status == 200
            second.read_to_end()
            assert second.goaway == raw_http2.NO_ERROR
            # A request that was begun before ends after the listening has.
            wait_until("end of the listening", 20, lambda: is_refused(gateway))
            begun.send(EVENT[5:])
            answer = begun.answer()
            assert answer and (answer.status, answer.headers["connection"]) == (
                201,
                "close",
            )
            assert '"reason":"shutdown"' in first_stream.read().decode()
            second_stream.read_to_end()
            last_word = second_stream.answers[1]
            assert last_word.is_ended and b'"reason":"shutdown"' in last_word.body
        assert gateway.process.wait(timeout=30) == 0
        assert time.monotonic() - started >= 4
        kept.close()
        begun.socket.close()
        second.socket.close()


def is_refused(gateway: Gateway) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{gateway.port}/livez")
    except httpx.HTTPError:
        return True
    return False


def test_a_second_signal_ends_it_at_once(stack: Stack, tenant: Organization) -> None:
    with gateways(stack, 1, SERVER_DRAIN_SECONDS="10") as (_, running):
        gateway = running[0]
        gateway.send(signal.SIGTERM)
        wait_until(
            "word of the first",
            10,
            lambda: "process.stopping" in gateway.log.read_text(),
        )
        gateway.send(signal.SIGTERM)
        assert gateway.process.wait(timeout=5) == 1
        assert "stopped by a second signal" in gateway.log.read_text()


def test_idle_connections_hold_nothing_up(stack: Stack, tenant: Organization) -> None:
    with gateways(stack, 1, SERVER_DRAIN_SECONDS="0") as (_, running):
        gateway = running[0]
        idle = [raw_http.Connection(gateway.port) for _ in range(20)]
        for connection in idle[10:]:
            connection.send(raw_http.head("GET", "/livez"))
            answer = connection.answer()
            assert answer and answer.status == 200
        second = [raw_http2.Connection(gateway.port) for _ in range(10)]
        for other in second:
            other.request(1, "GET", "/livez")
            assert other.answer(1).status == 200
        gateway.send(signal.SIGTERM)
        assert gateway.process.wait(timeout=10) == 0
        for other in second:
            other.read_to_end()
            assert other.goaway == raw_http2.NO_ERROR
