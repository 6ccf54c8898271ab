from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from freqfleet.errors import StoreUnavailable
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


class TestMemorySeries(SeriesContract):
    @pytest.fixture
    def keeper(self) -> SeriesKeeper:
        return MemoryStore()


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
