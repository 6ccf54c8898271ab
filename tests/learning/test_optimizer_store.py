"""What a run asks of the store, and what becomes of results while that cannot be written."""

from dataclasses import replace

import pytest

from freqfleet.clock import FixedClock
from freqfleet.domain.decisions import Evidence, Verdict
from freqfleet.errors import StoreUnavailable
from freqfleet.learning.optimizer import Optimizer
from freqfleet.learning.pending import PendingParameters
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.trades import version
from optimizercases import END, ETH, RISING, finding_of, optimize, settings_for, store_of
from replaycases import BTC, FakeCandleFiles, waves


def test_a_run_reads_the_versions_of_the_store_once():
    asked: list[str] = []

    class WatchedStore(MemoryStore):
        def parameter_versions(self, **window):
            asked.append("versions")
            return super().parameter_versions(**window)

        def parameter_history(self, *key):
            asked.append("history")
            return super().parameter_history(*key)

    candles, trades = waves(RISING)
    store = WatchedStore()
    store.record_closed_trades(trades)
    optimize(store, FakeCandleFiles(candles))
    (published,) = MemoryStore.parameter_versions(store)
    after_it = version(recorded_at=END, evidence=Evidence(parent_version=published.version_id))
    store.publish_parameters([after_it])
    asked.clear()

    optimize(store, FakeCandleFiles(candles), settings=settings_for(trials=50))

    assert asked == ["versions"]


def test_finished_pairs_stay_published_when_the_run_is_interrupted():
    btc, btc_trades = waves(RISING)
    eth, eth_trades = waves(RISING, pair=ETH)
    store = store_of(btc_trades, [replace(trade, trade_id=trade.trade_id + 1000) for trade in eth_trades])
    optimizer = Optimizer(
        store=store,
        candles=FakeCandleFiles(btc, eth),
        settings=settings_for(),
        clock=FixedClock(END),
        search="random",
    )

    def interrupt(outcome):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optimizer.run(None, interrupt)

    assert [one.key.pair for one in store.parameter_versions()] == [BTC]


def test_dry_run_stores_nothing():
    candles, trades = waves(RISING)
    store = store_of(trades)

    run = optimize(store, FakeCandleFiles(candles), dry_run=True)

    assert finding_of(run).decision.verdict is Verdict.PUBLISHED
    assert finding_of(run).decision.version is None
    assert store.parameter_versions() == []


def test_store_that_cannot_be_read_ends_the_run():
    store = MemoryStore()
    store.unavailable = True

    with pytest.raises(StoreUnavailable):
        optimize(store, FakeCandleFiles(waves(RISING)[0]))


class ReadOnlyStore(MemoryStore):
    """A store whose disk is full: it answers, and takes nothing."""

    full = True

    def publish_parameters(self, versions):
        if self.full:
            raise StoreUnavailable("disk is full")
        return super().publish_parameters(versions)


def test_results_wait_in_a_file_while_the_store_cannot_be_written(tmp_path):
    candles, trades = waves(RISING)
    store = ReadOnlyStore()
    store.record_closed_trades(trades)
    pending = PendingParameters(tmp_path / "services" / "optimized_parameters.json")

    run = optimize(store, FakeCandleFiles(candles), pending=pending)

    assert "not in force yet" in finding_of(run).decision.reason
    assert "the store cannot be written (disk is full)" in run.notes[0]
    assert store.parameter_versions() == []
    assert [one.parameters for one in pending.read()] == [finding_of(run).decision.parameters]


def test_point_in_time_run_without_a_waiting_file_lets_the_failure_through():
    candles, trades = waves(RISING)
    store = ReadOnlyStore()
    store.record_closed_trades(trades)

    with pytest.raises(StoreUnavailable, match="disk is full"):
        optimize(store, FakeCandleFiles(candles))
