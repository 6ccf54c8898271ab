"""InfluxStore on a real InfluxDB 1: the contract, and what only this body can do wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conftest import TRADE_BUCKETS
from freqfleet.store.influx import InfluxStore
from freqfleet.store.promise import LearningStore
from freqfleet.testing.store_contract import StoreContract


class TestInfluxStore(StoreContract):
    @pytest.fixture
    def store(self, influx_url: str) -> Iterator[LearningStore]:
        self._url = influx_url
        self._stores = [InfluxStore(influx_url, trade_buckets=TRADE_BUCKETS)]
        yield self._stores[0]
        for one in self._stores:
            one.close()

    def reopened(self, store: LearningStore) -> LearningStore:
        store.close()
        self._stores.append(InfluxStore(self._url, trade_buckets=TRADE_BUCKETS))
        return self._stores[-1]
