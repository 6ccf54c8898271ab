"""The HTTP side of the loopback exchange: sockets, threads and the log; every thought is in `routes`."""

from __future__ import annotations

import errno
import json
import logging
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from freqfleet.errors import ExchangeError
from freqfleet.exchange.hits import HitCounter
from freqfleet.exchange.overlay import HOST
from freqfleet.exchange.routes import OK, Query, Reply

logger = logging.getLogger(__name__)

HITS_PATH = "/_hits"
MISDIRECTED = 421

_POLL_SECONDS = 0.05  # how long `stop` waits for the listening thread, at most

Answer = Callable[[str, str, Query], Reply]


class LoopbackServer(ThreadingHTTPServer):
    """Serves an `Answer` on 127.0.0.1, a thread a connection, until `stop`.

    There is no other host to choose: it has no authentication and its prices are not today's.
    """

    daemon_threads = False  # stop() waits for them: no request is cut in two
    request_queue_size = 64

    def __init__(self, port: int, answer: Answer) -> None:
        self.answer = answer
        self.counter = HitCounter()
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        self._thread = threading.Thread(
            target=self.serve_forever, args=(_POLL_SECONDS,), name="loopback-exchange", daemon=True
        )
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            raise ExchangeError(_why_not(port, error)) from None

    def server_bind(self) -> None:
        """Bind without asking the name service who we are, as the base class would."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    def start(self) -> None:
        """Answer from a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection; returns when all threads have ended."""
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        with self._connections_lock:
            for connection in self._connections:
                _hang_up(connection)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection: one that is kept alive would keep its thread waiting at `stop`."""
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection, and close it."""
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what broke a connection; the base class would print it to stderr."""
        logger.exception("a request of %s broke", client_address)


class _Handler(BaseHTTPRequestHandler):
    server: LoopbackServer

    protocol_version = "HTTP/1.1"  # keep-alive
    disable_nagle_algorithm = True  # header and body leave at once, not 40 ms apart
    wbufsize = -1
    timeout = 300

    def _serve(self) -> None:
        began = time.perf_counter()
        parts = urlsplit(self.path)
        length = self.headers.get("Content-Length", "0")
        self.rfile.read(int(length) if length.isdigit() else 0)
        if self.headers.get("Host", HOST).rpartition(":")[0] not in (HOST, "localhost", ""):
            # A web page whose name was pointed at this machine has no business here.
            reply = Reply(status=MISDIRECTED, body={"code": -1, "msg": f"this is {HOST}, not that host"})
        elif parts.path == HITS_PATH:
            self._send(Reply(status=OK, body=dict(self.server.counter.hits().as_json())))
            return
        else:
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            reply = self.server.answer(self.command, parts.path, query)
        self.server.counter.count(self.command, parts.path, reply.status)
        level = logging.DEBUG if reply.status == OK else logging.WARNING
        text = "" if reply.status == OK else f" {reply.body}"
        spent_ms = (time.perf_counter() - began) * 1000
        logger.log(level, "%s %s %d %.1f ms%s", self.command, self.path, reply.status, spent_ms, text)
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        body = json.dumps(reply.body, separators=(",", ":")).encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    # The base class looks these names up.
    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class named it
        """Stay silent: `_serve` logs each request with its answer."""


def _why_not(port: int, error: OSError | OverflowError) -> str:
    another = "give another port, or 0 for any free one"
    if isinstance(error, OverflowError):
        return f"a port lies within 0..65535, was {port}; {another}"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {HOST} is in use; end what listens there, or {another}"
    return f"cannot listen on {HOST}:{port}: {error.strerror}; {another}"


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        if error.errno not in (errno.ENOTCONN, errno.EBADF):  # the other side was faster
            raise
