"""The HTTP side, asked by a plain client: what is counted, what is refused, and how it ends."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from freqfleet.errors import ExchangeError
from freqfleet.exchange.routes import Query, Reply
from freqfleet.exchange.server import LoopbackServer


def echo(method: str, path: str, query: Query) -> Reply:
    status = {"/known": 200, "/refused": 400}.get(path, 404)
    return Reply(status=status, body={"method": method, "path": path, "query": dict(query)})


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    running = LoopbackServer(0, echo)
    running.start()
    yield running
    running.stop()


def ask(
    server: LoopbackServer, path: str, method: str = "GET", body: str | None = None, **headers: str
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_a_request_reaches_the_answer_with_its_query(server: LoopbackServer) -> None:
    status, body = ask(server, "/known?symbol=BTCUSDT&limit=5")

    assert status == 200
    assert body == {"method": "GET", "path": "/known", "query": {"symbol": "BTCUSDT", "limit": "5"}}


def test_hits_are_counted_by_what_became_of_them_and_do_not_count_themselves(
    server: LoopbackServer,
) -> None:
    for path in ("/known", "/known", "/refused", "/stray"):
        ask(server, path)
    ask(server, "/stray", method="POST", body="a=1")
    ask(server, "/_hits")

    _, hits = ask(server, "/_hits")

    assert hits == {
        "answered": {"GET /known": 2},
        "refused": {"GET /refused": 1},
        "unknown": {"GET /stray": 1, "POST /stray": 1},
    }
    assert server.counter.hits().as_json() == hits
    assert server.counter.hits().total == 5


def test_it_listens_on_the_loopback_address_alone(server: LoopbackServer) -> None:
    assert server.socket.getsockname() == ("127.0.0.1", server.server_port)


def test_a_request_for_another_host_is_refused(server: LoopbackServer) -> None:
    status, _ = ask(server, "/known", Host="evil.example:80")

    assert status == 421
    assert server.counter.hits().refused == {"GET /known": 1}


def test_one_connection_carries_many_requests(server: LoopbackServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)

    for _ in range(3):
        connection.request("POST", "/known", body="x" * 1000)
        response = connection.getresponse()
        assert (response.status, response.will_close) == (200, False)
        response.read()
    connection.close()

    assert server.counter.hits().answered == {"POST /known": 3}


def test_stop_ends_kept_connections_and_frees_the_port() -> None:
    running = LoopbackServer(0, echo)
    running.start()
    port = running.server_port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/known")
    connection.getresponse().read()
    threads_before = threading.active_count()

    running.stop()

    assert threading.active_count() <= threads_before - 2  # the listener's and the connection's
    connection.close()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    again = LoopbackServer(port, echo)
    again.stop()


def test_a_port_in_use_is_an_error_with_the_port_and_the_remedy(server: LoopbackServer) -> None:
    with pytest.raises(ExchangeError, match=rf"port {server.server_port} .* in use; .* another port, or 0"):
        LoopbackServer(server.server_port, echo)


def test_a_port_that_does_not_exist_is_an_error_with_its_value() -> None:
    with pytest.raises(ExchangeError, match="was 70000"):
        LoopbackServer(70_000, echo)
