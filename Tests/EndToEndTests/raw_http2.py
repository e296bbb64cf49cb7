"""HTTP/2 frame by frame over a bare socket, for what no client would send."""

import socket
import ssl
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateways import Gateway, Organization
from hpack import Decoder, Encoder

(
    DATA,
    HEADERS,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    PING,
    GOAWAY,
    WINDOW_UPDATE,
    CONTINUATION,
) = 0, 1, 2, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK = 0x1, 0x4, 0x1
INITIAL_WINDOW_SIZE = 4
NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 0, 1, 7, 8, 11
EVENT = b'{"type":"Second","data":{"n":1}}'
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@dataclass
class Frame:
    kind: int
    flags: int
    stream: int
    payload: bytes


@dataclass
class Answer:
    """What has come on one stream."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_ended: bool = False
    reset: int | None = None

    @property
    def status(self) -> int:
        return int(self.headers.get(":status", "0"))


class Connection:
    """One connection; answers are collected by their stream."""

    def __init__(
        self,
        port: int,
        timeout: float = 30,
        *,
        security: ssl.SSLContext | None = None,
        **settings: int,
    ) -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket = security.wrap_socket(plain, server_hostname="localhost") if security else plain
        self.encoder, self.decoder = Encoder(), Decoder()
        self.buffer = b""
        self.is_closed = False
        self.answers: dict[int, Answer] = {}
        self.goaway: int | None = None
        # The last that the server says that it has taken.
        self.last_stream = 0x7FFF_FFFF
        self.settings: dict[int, int] = {}
        window = settings.get("window")
        wanted = struct.pack(">HI", INITIAL_WINDOW_SIZE, window) if window is not None else b""
        self.send(PREFACE + frame(SETTINGS, 0, 0, wanted))

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """A server that has ended the connection is noticed by what is read."""
        try:
            self.socket.sendall(data)
        except OSError:
            self.is_closed = True

    def fields(self, method: str, path: str, *others: tuple[str, str]) -> bytes:
        pseudo = [
            (":method", method),
            (":scheme", "http"),
            (":authority", "localhost"),
            (":path", path),
        ]
        return bytes(self.encoder.encode(pseudo + list(others)))

    def request(
        self,
        stream: int,
        method: str,
        path: str,
        *others: tuple[str, str],
        body: bytes | None = None,
    ) -> None:
        flags = END_HEADERS | (END_STREAM if body is None else 0)
        self.send(frame(HEADERS, flags, stream, self.fields(method, path, *others)))
        if body is not None:
            self.send(frame(DATA, END_STREAM, stream, body))

    def reset(self, stream: int) -> None:
        self.send(frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL)))

    def frames(self) -> Iterator[Frame]:
        """What comes until the server closes; settings and pings are acknowledged."""
        while True:
            while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
                try:
                    data = self.socket.recv(65536)
                except TimeoutError:
                    raise
                except OSError:
                    data = b""
                if not data:
                    self.is_closed = True
                    return
                self.buffer += data
            length = int.from_bytes(self.buffer[:3], "big")
            kind, flags = self.buffer[3], self.buffer[4]
            stream = int.from_bytes(self.buffer[5:9], "big") & 0x7FFF_FFFF
            payload, self.buffer = (
                self.buffer[9 : 9 + length],
                self.buffer[9 + length :],
            )
            self._note(Frame(kind, flags, stream, payload))
            yield Frame(kind, flags, stream, payload)

    def _note(self, came: Frame) -> None:
        answer = self.answers.setdefault(came.stream, Answer())
        if came.kind == HEADERS:
            answer.headers |= {str(name): str(value) for name, value in self.decoder.decode(came.payload)}
        elif came.kind == DATA:
            answer.body += came.payload
        elif came.kind == RST_STREAM:
            answer.reset = int.from_bytes(came.payload, "big")
        elif came.kind == GOAWAY:
            self.last_stream = int.from_bytes(came.payload[:4], "big")
            self.goaway = int.from_bytes(came.payload[4:8], "big")
        elif came.kind == SETTINGS and not came.flags & ACK:
            for name, value in struct.iter_unpack(">HI", came.payload):
                self.settings[name] = value
            self.send(frame(SETTINGS, ACK, 0, b""))
        elif came.kind == PING and not came.flags & ACK:
            self.send(frame(PING, ACK, 0, came.payload))
        if came.kind in (HEADERS, DATA) and came.flags & END_STREAM:
            answer.is_ended = True

    def answer(self, stream: int) -> Answer:
        """The whole answer of a stream, or what of it has come when the stream or the connection has ended."""
        for _ in self.frames():
            known = self.answers.get(stream)
            if known and (known.is_ended or known.reset is not None):
                break
        return self.answers.get(stream, Answer())

    def read_to_end(self) -> None:
        for _ in self.frames():
            pass


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def authorized(tenant: Organization) -> tuple[str, str]:
    return ("authorization", f"Bearer {tenant.key}")


def assert_alive(gateway: Gateway, tenant: Organization) -> None:
    with Connection(gateway.port) as connection:
        json_type = ("content-type", "application/json")
        connection.request(1, "POST", "/api/v1/events", authorized(tenant), json_type, body=EVENT)
        assert connection.answer(1).status == 201
    assert gateway.process.poll() is None, gateway.log.read_text()[-2000:]
