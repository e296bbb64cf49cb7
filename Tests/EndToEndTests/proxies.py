"""A TCP proxy that can cut the connections of one side and leave the other side waiting."""

import socket
import struct
import threading


class CuttingProxy:
    """Passes bytes to and from a server on the loopback interface.

    `cut` resets the client's side and keeps the server's open and silent, as a firewall that forgets a connection
    does: the client knows that its connection is gone, the server does not.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self.orphans: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            with self.lock:
                self.pairs.append((client, server))
            threading.Thread(target=self._pump, args=(client, server, server), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, server), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, server: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        with self.lock:
            if server in self.orphans:
                return
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def cut(self) -> int:
        """Resets all clients; returns how many there were. Later connections pass again."""
        with self.lock:
            pairs, self.pairs = self.pairs, []
            self.orphans += [server for _, server in pairs]
        for client, _ in pairs:
            # Closing with a linger of 0 s sends a reset.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            try:
                client.shutdown(socket.SHUT_RD)
            except OSError:
                continue
        for client, _ in pairs:
            client.close()
        return len(pairs)

    def close(self) -> None:
        self.listener.close()
        with self.lock:
            ends = [end for pair in self.pairs for end in pair] + self.orphans
        for end in ends:
            end.close()
