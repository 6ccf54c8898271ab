from __future__ import annotations

import pytest

from freqfleet.errors import StoreUnavailable
from freqfleet.store.promise import LearningStore
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.store_contract import StoreContract
from freqfleet.testing.trades import closed_trade


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> LearningStore:
        return MemoryStore()


def test_a_memory_store_can_play_a_store_that_is_down_and_comes_back():
    store = MemoryStore()
    store.record_closed_trades([closed_trade()])

    store.unavailable = True
    with pytest.raises(StoreUnavailable):
        store.health()
    store.unavailable = False

    assert store.closed_trades() == [closed_trade()]
