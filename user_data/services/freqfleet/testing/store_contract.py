"""StoreContract: what every body of the learning store must do, as tests.

A body is accepted when a subclass with a `store` fixture passes:

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self) -> Iterator[LearningStore]:
            ...

`reopened` is overridden by bodies that keep things on disk or on a server.
"""

# ruff: noqa: D102 - the names of the tests are what they document

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from freqfleet.errors import StoreUnavailable
from freqfleet.store.promise import LearningStore, WriteReceipt
from freqfleet.testing.bin_record_contract import BinRecordContract
from freqfleet.testing.records import bin_record
from freqfleet.testing.trade_contract import TradeContract
from freqfleet.testing.trades import closed_trade, version
from freqfleet.testing.version_contract import VersionContract

NOON = datetime(2025, 11, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class StoreContract(TradeContract, VersionContract, BinRecordContract):
    """Inherit, supply `store`, and run pytest."""

    def reopened(self, store: LearningStore) -> LearningStore:
        """Close the store and open the same one again; a body in memory returns it as it is."""
        return store

    def test_threads_share_one_store(self, store: LearningStore) -> None:
        def record(number: int) -> WriteReceipt:
            receipt = store.record_closed_trades([closed_trade(trade_id=number % 20)])
            store.closed_trades(bots=["BOT1"])
            return receipt

        with ThreadPoolExecutor(max_workers=8) as pool:
            receipts = list(pool.map(record, range(40)))

        assert sum(one.accepted for one in receipts) == 20
        assert sum(one.duplicate for one in receipts) == 20
        assert len(store.closed_trades()) == 20

    def test_what_was_stored_is_there_after_reopening(self, store: LearningStore) -> None:
        store.record_closed_trades([closed_trade()])
        store.publish_parameters([version()])
        store.record_bins([bin_record()])

        again = self.reopened(store)

        assert again.closed_trades() == [closed_trade()]
        assert again.parameter_versions() == [version()]
        assert again.bin_records() == [bin_record()]
        assert again.record_closed_trades([closed_trade()]) == WriteReceipt(duplicate=1)

    def test_health_counts_what_is_stored(self, store: LearningStore) -> None:
        empty = store.health()
        store.record_closed_trades([closed_trade(closed_at=NOON)])
        store.publish_parameters([version(recorded_at=NOON + MINUTE)])

        health = store.health()

        assert (empty.trades, empty.versions) == (0, 0)
        assert (empty.last_trade_closed_at, empty.last_version_recorded_at) == (None, None)
        assert (health.trades, health.versions) == (1, 1)
        assert (health.last_trade_closed_at, health.last_version_recorded_at) == (NOON, NOON + MINUTE)
        assert health.latency_ms >= 0.0

    def test_a_closed_store_says_so(self, store: LearningStore) -> None:
        store.close()

        with pytest.raises(StoreUnavailable, match="closed"):
            store.closed_trades()
        with pytest.raises(StoreUnavailable, match="closed"):
            store.trade_columns()
        with pytest.raises(StoreUnavailable, match="closed"):
            store.record_closed_trades([closed_trade()])
