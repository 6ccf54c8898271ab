"""A deadline over a whole HTTP exchange, not one for every read.

A server that sends a byte a second never lets a read time out. Here every wait on the socket (connect, TLS,
write, read) gets what is left until the deadline of the call, so the call ends at its deadline.
Looking up a host's name is the one wait nobody can bound; use an address where that matters.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore

_ends_at: ContextVar[float] = ContextVar("freqfleet_deadline")


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Run a block of HTTP calls that together end after `seconds`."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def _left(timeout: float | None, late: type[Exception]) -> float:
    left = _ends_at.get() - time.monotonic()
    if left <= 0.0:
        raise late("deadline passed")
    return left if timeout is None else min(timeout, left)


class DeadlineBackend(httpcore.NetworkBackend):
    """httpcore's own sockets, with the deadline of the call on each wait."""

    def __init__(self) -> None:
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect, and watch every wait of the connection."""
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(
            self._sockets.connect_tcp(
                host, port, timeout=left, local_address=local_address, socket_options=socket_options
            )
        )


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout=_left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces: one big write would wait for its timeout after each piece the server takes.
        view = memoryview(buffer)
        for start in range(0, len(view), _PIECE):
            piece = bytes(view[start : start + _PIECE])
            self._stream.write(piece, timeout=_left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, timeout=left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


_PIECE = 1 << 20
