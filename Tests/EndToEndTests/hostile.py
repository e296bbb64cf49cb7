"""Receivers on raw sockets: one that does harm on each port, and one that stands for a hundred endpoints."""

import asyncio
import gzip
import socket
import struct
import threading
import time
from collections.abc import Callable


def read_request(connection: socket.socket) -> bytes:
    """The request up to the end of its body; the head says how long that is."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length and (piece := connection.recv(65536)):
        body += piece
    return head + b"\r\n\r\n" + body


def endless_chunks(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    while True:
        connection.sendall(chunk)


def slow_drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        # The drip itself.
        time.sleep(0.02)


def endless_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    lines = b"".join(b"x-filler-%d: %s\r\n" % (number, b"y" * 1000) for number in range(400))
    for _ in range(1000):
        connection.sendall(lines)


# 64 MiB of zeros, packed twice, in some hundred bytes.
BOMB = gzip.compress(gzip.compress(bytes(64 * 1024 * 1024)))


def gzip_bomb(connection: socket.socket) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip, gzip\r\ncontent-length: {len(BOMB)}\r\n\r\n"
    connection.sendall(head.encode() + BOMB)


def reset_in_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + b"x" * 5000)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class HostileReceiver:
    """Does one thing to everybody who connects, each on a thread of its own."""

    def __init__(self, harm: Callable[[socket.socket], None]) -> None:
        self.harm = harm
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            read_request(connection)
            self.harm(connection)
        except OSError:
            pass  # The other side has gone, as it should.
        finally:
            connection.close()

    def close(self) -> None:
        self.listener.close()


class ManyReceivers:
    """A hundred endpoints, 127.0.0.1 to 127.0.0.100 of one port; one can be dead: it takes and never answers."""

    def __init__(self) -> None:
        self.dead: str | None = None
        self.arrivals: list[tuple[str, float, bytes]] = []
        self.taken_by_the_dead = 0
        started = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve(started)), daemon=True)
        self.thread.start()
        started.wait()

    async def _serve(self, started: threading.Event) -> None:
        self.loop = asyncio.get_running_loop()
        self.stopped = asyncio.Event()
        server = await asyncio.start_server(self._answer, "0.0.0.0", 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self.stopped.wait()
        server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = writer.get_extra_info("sockname")[0]
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
                )
                body = await reader.readexactly(length)
                if host == self.dead:
                    self.taken_by_the_dead += 1
                    await reader.read()
                    return
                self.arrivals.append((host, time.monotonic(), body))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # The other side has gone, or the test is over.
        finally:
            writer.close()

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.stopped.set)
        self.thread.join()
