"""Servers that several test files share: each is started once, when the first test asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from servers import InfluxProcess, PostgresProcess, influx_server, postgres_server

BOTS = ("BOT1", "BOT2", "BOT3", "bot1")
TRADE_BUCKETS = {bot: f"{bot}_trades" for bot in BOTS}
_numbers = count(1)


@pytest.fixture(scope="session")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxProcess]:
    with influx_server(tmp_path_factory.mktemp("influxdb")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresProcess]:
    with postgres_server(tmp_path_factory.mktemp("postgres")) as server:
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
