from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conftest import TRADE_BUCKETS
from freqfleet.errors import InputError, StoreUnavailable
from freqfleet.store.deadline_store import DeadlineStore
from freqfleet.store.influx import InfluxStore
from freqfleet.store.series import DECAY_Z, SeriesKeeper
from freqfleet.store.sql import SqlStore
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.series_contract import SeriesContract

NOON = datetime(2025, 11, 1, 12, tzinfo=UTC)


class TestSqlSeries(SeriesContract):
    @pytest.fixture
    def keeper(self, tmp_path: Path) -> Iterator[SeriesKeeper]:
        store = SqlStore(f"sqlite:///{tmp_path / 'learning.sqlite'}")
        yield store
        store.close()


class TestPostgresSeries(SeriesContract):
    @pytest.fixture
    def keeper(self, postgres_url: str) -> Iterator[SeriesKeeper]:
        store = SqlStore(postgres_url)
        yield store
        store.close()


class TestMemorySeries(SeriesContract):
    @pytest.fixture
    def keeper(self) -> SeriesKeeper:
        return MemoryStore()


class TestDeadlineSeries(SeriesContract):
    @pytest.fixture
    def keeper(self) -> SeriesKeeper:
        return DeadlineStore(MemoryStore, seconds=30.0)


class TestInfluxSeries(SeriesContract):
    @pytest.fixture
    def keeper(self, influx_url: str) -> Iterator[SeriesKeeper]:
        store = InfluxStore(influx_url, trade_buckets=TRADE_BUCKETS)
        yield store
        store.close()


def test_influx_keeps_the_last_of_several_amendments(influx_url: str):
    store = InfluxStore(influx_url, trade_buckets=TRADE_BUCKETS)
    for value in (1.0, 2.0, 1.0):
        store.record_series(DECAY_Z, NOON, {"BTC/USDT:USDT long": value, "all": 0.5})

    assert [(one.key, one.value) for one in store.series(DECAY_Z)] == [
        ("BTC/USDT:USDT long", 1.0),
        ("all", 0.5),
    ]
    store.close()


def test_influx_says_which_key_it_cannot_hold(influx_url: str):
    store = InfluxStore(influx_url, trade_buckets=TRADE_BUCKETS)

    receipt = store.record_series(DECAY_Z, NOON, {"a\\b": 1.0, "c": 2.0})

    assert receipt.accepted == 1
    assert "cannot be a tag of InfluxDB" in receipt.rejected[0]
    store.close()


def test_a_body_without_series_is_named():
    body = MemoryStore()
    store = DeadlineStore(lambda: _Plain(body), seconds=30.0)

    with pytest.raises(InputError, match="keeps no series"):
        store.record_series(DECAY_Z, NOON, {"a": 1.0})


class _Plain:
    """A learning store without the two methods."""

    def __init__(self, body: MemoryStore) -> None:
        self._body = body

    def close(self) -> None:
        self._body.close()


def test_numbers_are_there_when_the_store_is_opened_again(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'learning.sqlite'}"
    first = SqlStore(url)
    first.record_series(DECAY_Z, NOON, {"BTC/USDT:USDT long": 2.25})
    first.close()

    again = SqlStore(url)

    assert [(one.key, one.value) for one in again.series(DECAY_Z)] == [("BTC/USDT:USDT long", 2.25)]
    again.close()


def test_a_store_that_is_down_says_so():
    store = MemoryStore()
    store.unavailable = True

    with pytest.raises(StoreUnavailable):
        store.record_series(DECAY_Z, NOON, {"a": 1.0})
