"""Servers that several test files share: each is started once, when the first test asks for it. And Ctrl-C.

A machine without them skips these tests and says how to get them. Continuous integration sets
FREQFLEET_REQUIRE_SERVERS=1: a missing server is a failure there.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import TypeVar

import pytest

from freqfleet.testing.servers import (
    InfluxProcess,
    PostgresProcess,
    ServerMissing,
    influx_server,
    postgres_server,
)

REQUIRE = "FREQFLEET_REQUIRE_SERVERS"
TRADE_BUCKETS = {"BOT1": "BOT1_trades", "BOT2": "BOT2_trades", "BOT3": "BOT33_trades", "bot1": "bot1_trades"}
Server = TypeVar("Server")
_numbers = count(1)


def pytest_configure() -> None:
    """Heed SIGINT, and so does every program that a test starts and interrupts.

    A shell lets what it starts in the background ignore it, and children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def installed(server: AbstractContextManager[Server]) -> Iterator[Server]:
    """Run a server; skips the test where it is not installed, or fails it where it must be."""
    try:
        running = server.__enter__()
    except ServerMissing as error:
        if os.environ.get(REQUIRE):
            pytest.fail(f"{error} ({REQUIRE} is set)")
        pytest.skip(str(error))
    try:
        yield running
    finally:
        server.__exit__(None, None, None)


@pytest.fixture(scope="session")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxProcess]:
    with installed(influx_server(tmp_path_factory.mktemp("influxdb"))) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresProcess]:
    with installed(postgres_server()) as server:
        yield server


@pytest.fixture
def influx_url(influx: InfluxProcess) -> str:
    """A store's URL on the shared server, with empty buckets of its own for TRADE_BUCKETS and parameters."""
    prefix = f"t{next(_numbers)}_"
    for bucket in (*TRADE_BUCKETS.values(), "OPTUNA_PARAMS", "bot3_learning"):
        influx.query(f'CREATE DATABASE "{prefix}{bucket}"')
    return f"{influx.url}?prefix={prefix}"


@pytest.fixture
def postgres_url(postgres: PostgresProcess) -> str:
    """An empty database on the shared server."""
    return postgres.create_database(f"t{next(_numbers)}")
