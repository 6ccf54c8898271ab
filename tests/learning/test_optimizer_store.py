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
from optimizercases import END, ETH, RISING, WAVES, finding_of, optimize, settings_for, store_of
from replaycases import BTC, START, WAVE_CANDLES, FakeCandleFiles, after, waves


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


def test_results_wait_in_a_file_while_the_store_cannot_be_written_and_the_next_run_publishes_them(tmp_path):
    candles, trades = waves(RISING)
    store = ReadOnlyStore()
    store.record_closed_trades(trades)
    pending = PendingParameters(tmp_path / "services" / "optimized_parameters.json")

    first = optimize(store, FakeCandleFiles(candles), pending=pending)
    store.full = False
    later = after(5 * WAVE_CANDLES * (WAVES + 3))
    second = optimize(store, FakeCandleFiles(candles), pending=pending, as_of=later)

    assert "not in force yet" in finding_of(first).decision.reason
    assert "the store cannot be written (disk is full)" in first.notes[0]
    (published,) = store.parameter_versions()
    assert published.parameters == finding_of(first).decision.parameters
    assert published.recorded_at == later
    assert "published 1 of 1 results that waited" in second.notes[0]
    assert pending.read() == []
    assert finding_of(second).decision.parameters == published.parameters  # it was the incumbent


def test_waiting_results_give_way_to_what_was_learned_since(tmp_path):
    candles, trades = waves(RISING)
    pending = PendingParameters(tmp_path / "waiting.json")
    pending.add([version(recorded_at=START, take_profit=0.04)])
    newer = version(recorded_at=after(60), stop_loss=-0.03, take_profit=0.06, time_limit_minutes=240)
    store = store_of(trades)
    store.publish_parameters([newer])

    run = optimize(store, FakeCandleFiles(candles), pending=pending)

    assert store.parameter_versions() == [newer]
    assert "published 0 of 1" in run.notes[0]


def test_dry_run_leaves_waiting_results_where_they_are(tmp_path):
    candles, trades = waves(RISING)
    pending = PendingParameters(tmp_path / "waiting.json")
    waiting = version(recorded_at=START)
    pending.add([waiting])

    run = optimize(store_of(trades), FakeCandleFiles(candles), pending=pending, dry_run=True)

    assert pending.read() == [waiting]
    assert "1 results of an earlier run wait" in run.notes[0]


def test_point_in_time_run_without_a_waiting_file_lets_the_failure_through():
    candles, trades = waves(RISING)
    store = ReadOnlyStore()
    store.record_closed_trades(trades)

    with pytest.raises(StoreUnavailable, match="disk is full"):
        optimize(store, FakeCandleFiles(candles))
