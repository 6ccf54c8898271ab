"""FaultProxy: stands between a store and its server and does what networks, proxies and servers do.

Loopback only. The mode may be changed at any time; connections that are open feel it, too.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

_TRICKLE_SECONDS = 0.2


class Mode(StrEnum):
    """What the proxy does. Any HTTP status is a mode, too: `FaultProxy.answer`."""

    THROUGH = "through"
    DOWN = "down"  # connections are reset
    HANG = "hang"  # connections are taken, nothing is answered
    TRICKLE = "trickle"  # the server's answer comes byte by byte
    CUT = "cut"  # the request reaches the server in part, then the connection ends
    ANSWER = "answer"  # an HTTP answer of the proxy's own


class FaultProxy:
    """Forwards to 127.0.0.1:target_port, unless told otherwise."""

    def __init__(self, target_port: int) -> None:
        self.mode = Mode.THROUGH
        self.requests = 0
        self.target_port = target_port
        self._answer = b""
        self._stopped = threading.Event()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, name="fault-proxy", daemon=True).start()

    def set(self, mode: Mode) -> None:
        """Change what happens; connections that are open are ended, as a restart of a proxy would."""
        self.mode = mode
        self._end_connections()

    def answer(self, status: int, *, headers: str = "", body: str = "{}") -> None:
        """Answer every request with this HTTP status; `headers` are lines that end in CRLF."""
        self._answer = (
            f"HTTP/1.1 {status} Fault\r\nContent-Type: application/json\r\n{headers}"
            f"Content-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n{body}"
        ).encode()
        self.set(Mode.ANSWER)

    def stop(self) -> None:
        """End everything."""
        self._stopped.set()
        self._listener.close()
        self._end_connections()

    def _end_connections(self) -> None:
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.requests += 1
            self._open.append(client)
            threading.Thread(target=self._serve, args=(client, self.mode), daemon=True).start()

    def _serve(self, client: socket.socket, mode: Mode) -> None:
        with suppress(OSError):
            if mode is Mode.HANG:
                while client.recv(65_536):
                    pass
            elif mode is Mode.ANSWER:
                client.recv(65_536)
                client.sendall(self._answer)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65_536):  # take the rest of the request, or the answer is reset away
                    pass
            elif mode is not Mode.DOWN:
                self._forward(client, mode)
        client.close()

    def _forward(self, client: socket.socket, mode: Mode) -> None:
        with socket.create_connection(("127.0.0.1", self.target_port)) as server:
            self._open.append(server)
            back = threading.Thread(target=self._back, args=(server, client, mode), daemon=True)
            back.start()
            while request := client.recv(65_536):
                if mode is Mode.CUT:
                    server.sendall(request[: len(request) // 2])
                    return
                server.sendall(request)
            with suppress(OSError):
                server.shutdown(socket.SHUT_WR)
            back.join(timeout=60)

    def _back(self, server: socket.socket, client: socket.socket, mode: Mode) -> None:
        with suppress(OSError):
            while answer := server.recv(65_536):
                if mode is not Mode.TRICKLE:
                    client.sendall(answer)
                    continue
                for number in range(len(answer)):
                    client.sendall(answer[number : number + 1])
                    if self._stopped.wait(_TRICKLE_SECONDS):
                        return
            client.shutdown(socket.SHUT_WR)


@contextmanager
def fault_proxy(target_port: int) -> Iterator[FaultProxy]:
    """Run a proxy in front of a port of 127.0.0.1."""
    proxy = FaultProxy(target_port)
    try:
        yield proxy
    finally:
        proxy.stop()
