"""Connections that say nothing, or half of it, by the thousand: bounded memory, others served, and an end to it."""

import resource
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from gateways import Gateway, Organization, gateways, organizations
from raw_http import Answer, Connection, head
from stack import Stack, wait_until

# More than the gateway serves at once, where the system lets this process have so many descriptors.
CROWD = 10_500
MEBIBYTE = 1 << 20
# A debug build with thread stacks and 10,000 connections; a leak of bodies or heads would pass it by far.
MEMORY_LIMIT = 768 * MEBIBYTE
EVENT = b'{"type":"Honest","data":{}}'
# The gateway's own deadlines, shorter than usual so that they can be waited for.
HEAD_SECONDS, BODY_SECONDS, IDLE_SECONDS = 5, 6, 6
DEADLINES = {
    "SERVER_HEAD_SECONDS": str(HEAD_SECONDS),
    "SERVER_BODY_SECONDS": str(BODY_SECONDS),
    "SERVER_IDLE_SECONDS": str(IDLE_SECONDS),
}


@pytest.fixture(scope="module")
def tenant(stack: Stack) -> Organization:
    return organizations(stack, "crowd", parts=1)[0]


@pytest.fixture(scope="module")
def descriptors() -> Iterator[int]:
    """Takes all the descriptors that the system allows; the gateway inherits the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def gateway(stack: Stack, descriptors: int) -> Iterator[Gateway]:
    """One whose deadlines are longer than a crowd takes to come."""
    with gateways(stack, 1, SERVER_HEAD_SECONDS="8") as (_, running):
        yield running[0]


@pytest.fixture(scope="module")
def impatient(stack: Stack, descriptors: int) -> Iterator[Gateway]:
    with gateways(stack, 1, **DEADLINES) as (_, running):
        yield running[0]


def post(gateway: Gateway, tenant: Organization, timeout: float = 5) -> int:
    """The status of an honest producer's request; 0 when nobody answers in time."""
    fields = [("authorization", f"Bearer {tenant.key}"), ("content-type", "application/json")]
    try:
        with Connection(gateway.port, timeout) as connection:
            connection.send(head("POST", "/api/v1/events", *fields, ("content-length", str(len(EVENT)))) + EVENT)
            answer = connection.answer()
            return answer.status if answer else 0
    except OSError:
        return 0


class HonestProducer:
    """Posts all along from a thread of its own, and remembers how long it was not served."""

    def __init__(self, gateway: Gateway, tenant: Organization) -> None:
        self.gateway = gateway
        self.tenant = tenant
        self.served = 0
        self.longest_wait = 0.0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        last = time.monotonic()
        # Without a pause it would take the machine for itself, and the crowd would come drop by drop.
        while not self.stopping.wait(0.05):
            self.served += post(self.gateway, self.tenant, timeout=60) == 201
            now = time.monotonic()
            self.longest_wait = max(self.longest_wait, now - last)
            last = now

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join(timeout=70)


class Crowd:
    """Connections that are opened, given a beginning, and left."""

    def __init__(self, gateway: Gateway, count: int, beginnings: tuple[bytes, ...]) -> None:
        self.sockets: list[socket.socket] = []
        for number in range(count):
            opened = socket.socket()
            opened.settimeout(10)
            try:
                opened.connect(("127.0.0.1", gateway.port))
                opened.sendall(beginnings[number % len(beginnings)])
            except OSError:
                # The queue of the listening socket is full: those that are in are enough of a crowd.
                opened.close()
                break
            self.sockets.append(opened)

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *_: object) -> None:
        for opened in self.sockets:
            opened.close()

    def ended(self) -> int:
        """How many the server has closed."""
        count = 0
        for opened in self.sockets:
            opened.setblocking(False)
            try:
                count += opened.recv(1024) == b""
            except BlockingIOError:
                continue
            except OSError:
                count += 1
        return count


BEGINNINGS = (b"", b"POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bear", b"GET /livez HTTP/1.1\r\n")


def test_thousands_of_connections_opened_and_left_end_and_leave_nothing(
    gateway: Gateway, tenant: Organization, descriptors: int
) -> None:
    assert post(gateway, tenant) == 201
    open_before, memory_before = gateway.descriptors_open(), gateway.memory()
    count = min(CROWD, descriptors - 1_000)
    producer = HonestProducer(gateway, tenant)
    with Crowd(gateway, count, BEGINNINGS) as crowd:
        # Whoever comes now may have to wait for a place, but not for longer than a head may take.
        wait_until("answer for an honest producer", 60, lambda: post(gateway, tenant) == 201)
        assert gateway.memory() < MEMORY_LIMIT
        wait_until("end of those without a head", 60, lambda: crowd.ended() >= len(crowd.sockets))
        producer.stop()
        print(
            f"\n{len(crowd.sockets)} connections; meanwhile {producer.served} honest requests, the longest wait "
            f"{producer.longest_wait:.1f} s; {memory_before >> 20} MiB before and {gateway.memory() >> 20} MiB after"
        )
        assert producer.served > 0
    wait_until("closed descriptors", 60, lambda: gateway.descriptors_open() <= open_before + 10)
    assert post(gateway, tenant) == 201
    assert gateway.process.poll() is None


def test_a_head_of_a_byte_now_and_then_is_cut_off(impatient: Gateway, tenant: Organization) -> None:
    with Connection(impatient.port) as connection:
        line = b"GET /livez HTTP/1.1\r\nx-a: "
        deadline = time.monotonic() + 30
        while not connection.is_closed and time.monotonic() < deadline:
            connection.send(line[:1] or b"a")
            line = line[1:]
            connection.is_closed_within(0.5)
        assert connection.is_closed, "a head may take as long as it likes"
    assert post(impatient, tenant) == 201


def test_connections_that_were_served_and_left_do_not_hold_up_others(gateway: Gateway, tenant: Organization) -> None:
    """Kept-alive connections may idle for longer than those that never said anything."""
    beginning = (head("GET", "/livez"),)
    with Crowd(gateway, 3_000, beginning) as crowd:
        assert len(crowd.sockets) == 3_000
        assert post(gateway, tenant) == 201
        assert gateway.memory() < MEMORY_LIMIT
    assert post(gateway, tenant) == 201


def test_bodies_begun_and_left_stay_small(gateway: Gateway, tenant: Organization) -> None:
    """A declared length is not reserved before its bytes have come."""
    fields = [("authorization", f"Bearer {tenant.key}"), ("content-type", "application/json")]
    beginning = head("POST", "/api/v1/events", *fields, ("content-length", str(16 * MEBIBYTE))) + b"[" * 100
    assert post(gateway, tenant) == 201
    with Crowd(gateway, 500, (beginning,)) as crowd:
        assert len(crowd.sockets) == 500
        assert post(gateway, tenant) == 201
        assert gateway.memory() < MEMORY_LIMIT, f"{gateway.memory() >> 20} MiB for 500 bodies of 100 bytes"
    assert post(gateway, tenant) == 201


def test_a_gateway_without_descriptors_survives_and_recovers(stack: Stack, tenant: Organization) -> None:
    with gateways(stack, 1, descriptors=256) as (_, running):
        gateway = running[0]
        assert post(gateway, tenant) == 201
        with Crowd(gateway, 400, (b"",)):
            # Time for the server to have met the end of its descriptors, if it was to fall over that.
            time.sleep(1)
            assert gateway.process.poll() is None, gateway.log.read_text()[-2000:]
        wait_until("answer after the crowd has gone", 30, lambda: post(gateway, tenant) == 201)


def test_slow_bodies_and_unread_answers_are_cut_off(impatient: Gateway, tenant: Organization) -> None:
    """Both wait for the gateway's own deadlines, so they wait at the same time."""
    with ThreadPoolExecutor() as pool:
        for waiting in [pool.submit(attack, impatient, tenant) for attack in (send_slow_bodies, leave_answers_unread)]:
            waiting.result()


def send_slow_bodies(gateway: Gateway, tenant: Organization) -> None:
    fields = [("authorization", f"Bearer {tenant.key}"), ("content-type", "application/json")]
    lengths = (1_000, 200_000)
    with Connection(gateway.port) as short, Connection(gateway.port) as long:
        bodies = list(zip((short, long), lengths, strict=True))
        for connection, length in bodies:
            connection.send(head("POST", "/api/v1/events", *fields, ("content-length", str(length))) + b'{"type":"')
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline and not (short.is_closed and long.is_closed):
            for connection, _ in bodies:
                if not connection.is_closed:
                    connection.send(b"a")
                    connection.is_closed_within(0.5)
        for connection, length in bodies:
            assert connection.is_closed, f"a body of {length} bytes may take as long as it likes"


def leave_answers_unread(gateway: Gateway, tenant: Organization) -> None:
    """A client that asks for much and reads nothing may hold its connection and our memory for a while only."""
    authorization = ("authorization", f"Bearer {tenant.key}")
    events = b"[" + b",".join([b'{"type":"Big","data":{"t":"' + b"x" * 15_000 + b'"}}'] * 1_000) + b"]"
    with Connection(gateway.port) as connection:
        fields = [authorization, ("content-type", "application/json"), ("content-length", str(len(events)))]
        connection.send(head("POST", "/api/v1/events", *fields) + events)
        answer: Answer | None = connection.answer()
        assert answer and answer.status == 200
    open_before = gateway.descriptors_open()
    crowd = Crowd(gateway, 20, (head("GET", "/api/v1/events?limit=1000", authorization),))
    with crowd:
        wait_until("connections", 60, lambda: gateway.descriptors_open() >= open_before + 20)
        wait_until("end of those connections", 40, lambda: gateway.descriptors_open() <= open_before + 10)
