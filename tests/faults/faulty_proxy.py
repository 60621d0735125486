"""A TCP proxy that delays, cuts and answers with 503, before a real server."""

import random
import socket
import socketserver
import threading
import time

BUSY = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class FaultyProxy(socketserver.ThreadingTCPServer):
    """Listens on a free port of 127.0.0.1; trouble strikes a share of the connections, by seed.

    failing: share of connections that are answered 503 or cut. delay_s: before each connection is passed on.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, seed: int = 0, failing: float = 0.0, delay_s: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.target = ("127.0.0.1", port)
        self.random = random.Random(seed)
        self.failing = failing
        self.delay_s = delay_s
        self.failures = 0
        self.connections = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that breaks is what this is for."""


class _Connection(socketserver.BaseRequestHandler):
    server: FaultyProxy

    def handle(self) -> None:
        server = self.server
        server.connections += 1
        time.sleep(server.delay_s)
        if server.random.random() < server.failing:
            server.failures += 1
            if server.random.random() < 0.5:
                self.request.recv(65536)
                self.request.sendall(BUSY)
            return
        with socket.create_connection(server.target) as other:
            back = threading.Thread(target=_pump, args=(other, self.request), daemon=True)
            back.start()
            _pump(self.request, other)
            back.join(timeout=30)


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass  # the other side has closed
    finally:
        for end, how in ((target, socket.SHUT_WR), (source, socket.SHUT_RD)):
            try:
                end.shutdown(how)
            except OSError:
                continue  # it is closed already
