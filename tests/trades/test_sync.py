from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.errors import StoreUnavailable, TradeSourceError
from freqfleet.store.sql import SqlStore
from freqfleet.testing.bot_database import amend_bot_database, write_bot_database
from freqfleet.testing.listed_trades import ListedTrades
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.trades import closed_trade
from freqfleet.trades.backtest_export import open_backtest
from freqfleet.trades.freqtrade_db import FreqtradeDatabase
from freqfleet.trades.sync import Checkpoint, sync_bot, sync_reading
from realdata import results_dir

START = datetime(2025, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def daily(count: int, **overrides: object) -> list[ClosedTrade]:
    return [
        closed_trade(trade_id=number, closed_at=START + number * DAY, **overrides)
        for number in range(1, count + 1)
    ]


def test_the_first_sync_takes_everything_and_the_second_changes_nothing():
    store, source = MemoryStore(), ListedTrades(daily(10))

    first = sync_bot(store, source)
    before = store.closed_trades()
    second = sync_bot(store, source)

    assert (first.read, first.accepted, first.duplicate) == (10, 10, 0)
    assert (second.accepted, second.amended) == (0, 0)
    assert store.closed_trades() == before


def test_a_later_sync_reads_only_the_overlap():
    store, source = MemoryStore(), ListedTrades(daily(10))
    sync_bot(store, source)

    report = sync_bot(store, source)

    assert source.read_ids == [8, 9, 10]
    assert (report.read, report.duplicate) == (3, 3)


def test_new_trades_are_added():
    store = MemoryStore()
    sync_bot(store, ListedTrades(daily(5)))

    report = sync_bot(store, ListedTrades(daily(7)))

    assert report.accepted == 2
    assert len(store.closed_trades()) == 7


def test_a_trade_amended_within_the_overlap_replaces_the_stored_one():
    trades = daily(5)
    store = MemoryStore()
    sync_bot(store, ListedTrades(trades))
    trades[-1] = replace(trades[-1], funding_fees_quote=-0.5)

    report = sync_bot(store, ListedTrades(trades))

    assert (report.accepted, report.amended) == (0, 1)
    assert store.closed_trades()[-1].funding_fees_quote == -0.5


def test_a_gap_far_before_the_overlap_is_filled():
    trades = daily(20)
    store = MemoryStore()
    store.record_closed_trades([*trades[:3], *trades[5:]])

    report = sync_bot(store, ListedTrades(trades))

    assert report.accepted == 2
    assert store.closed_trades() == trades


def test_a_database_that_was_reset_counts_anew_and_nothing_is_lost():
    store = MemoryStore()
    sync_bot(store, ListedTrades(daily(5)))
    reset = [replace(one, instance="db:2025-11-02T00:00:00Z") for one in daily(3)]

    report = sync_bot(store, ListedTrades(reset))

    assert report.accepted == 3
    assert len(store.closed_trades()) == 8


def test_trades_of_a_backtest_do_not_hide_older_trades_of_the_bot():
    store = MemoryStore()
    store.record_closed_trades([closed_trade(instance="backtest:abc", closed_at=START + 900 * DAY)])

    report = sync_bot(store, ListedTrades(daily(5)))

    assert report.accepted == 5


def test_dropped_and_rejected_trades_are_counted_with_their_reasons():
    bad = closed_trade(trade_id=2, stake_quote=float("nan"))
    source = ListedTrades([closed_trade(), bad], dropped=("BOT1 trade 3 X: why",))

    report = sync_bot(MemoryStore(), source)

    assert (report.read, report.accepted) == (3, 1)
    assert report.rejected == ("BOT1 trade 2 BTC/USDT:USDT: stake_quote must be a number, was nan",)
    assert report.dropped == ("BOT1 trade 3 X: why",)
    assert report.to_dict()["dropped"] == ["BOT1 trade 3 X: why"]


@given(
    closes=st.lists(st.integers(0, 400), min_size=1, max_size=25),
    cuts=st.lists(st.integers(0, 25), max_size=4),
)
def test_however_often_a_growing_database_is_synced_every_trade_is_stored_once(closes, cuts):
    trades = [
        closed_trade(trade_id=number, closed_at=START + hours * timedelta(hours=6))
        for number, hours in enumerate(closes, start=1)
    ]
    store = MemoryStore()

    reports = [sync_bot(store, ListedTrades(trades[:cut])) for cut in [*sorted(cuts), len(trades)]]

    assert sum(one.accepted for one in reports) == len(trades)
    assert sum(one.amended for one in reports) == 0
    assert sorted(one.trade_id for one in store.closed_trades()) == [one.trade_id for one in trades]
    for one in reports:
        assert one.read == one.accepted + one.amended + one.duplicate + len(one.rejected) + len(one.dropped)


def test_a_store_that_is_down_is_said_and_the_next_sync_catches_up():
    store, source = MemoryStore(), ListedTrades(daily(3))
    store.unavailable = True
    with pytest.raises(StoreUnavailable):
        sync_bot(store, source)
    store.unavailable = False

    assert sync_bot(store, source).accepted == 3


def test_a_missing_source_leaves_the_store_as_it_is(tmp_path: Path):
    store = MemoryStore()

    with pytest.raises(TradeSourceError):
        sync_bot(store, FreqtradeDatabase(f"sqlite:///{tmp_path / 'gone.sqlite'}", bot="BOT1"))

    assert store.closed_trades() == []


def test_a_freqtrade_database_syncs_into_a_sql_store(tmp_path: Path):
    bot_file = tmp_path / "bot1.sqlite"
    started = datetime(2025, 10, 1, tzinfo=UTC)
    write_bot_database(bot_file, daily(5), started_at=started)
    source = FreqtradeDatabase(f"sqlite:///{bot_file}", bot="BOT1")
    store = SqlStore(f"sqlite:///{tmp_path / 'learning.sqlite'}")

    first = sync_bot(store, source)
    write_bot_database(bot_file, daily(6)[5:])
    amend_bot_database(bot_file, 5, funding_fees=-0.75)
    second = sync_bot(store, source)
    third = sync_bot(store, source)

    assert (first.accepted, second.accepted, second.amended) == (5, 1, 1)
    assert (third.accepted, third.amended) == (0, 0)
    assert [one.trade_id for one in store.closed_trades()] == [1, 2, 3, 4, 5, 6]
    assert store.closed_trades()[4].funding_fees_quote == -0.75
    store.close()


def test_a_real_result_is_recorded_once(tmp_path: Path):
    export = open_backtest(results_dir("results-2023") / "backtest-result-2023-08-03_23-08-50.json.gz")
    reading = export.read("MACDStrategy", bot="BOT1")
    store = SqlStore(f"sqlite:///{tmp_path / 'learning.sqlite'}")

    first = sync_reading(store, reading)
    second = sync_reading(store, reading)

    assert (first.accepted, first.rejected) == (1566, ())
    assert (second.accepted, second.amended, second.duplicate) == (0, 0, 1566)
    assert store.closed_trades() == sorted(
        reading.trades, key=lambda one: (one.closed_at, one.bot, one.instance, one.trade_id)
    )
    store.close()


def test_a_service_with_a_checkpoint_reads_the_stores_history_once():
    class Counting(MemoryStore):
        histories = 0

        def closed_trades(self, **window):
            self.histories += 1
            return super().closed_trades(**window)

    store, checkpoint, trades = Counting(), Checkpoint(), daily(10)
    store.record_closed_trades(trades[3:])

    reports = [sync_bot(store, ListedTrades(trades), checkpoint=checkpoint) for _ in range(3)]

    assert [one.accepted for one in reports] == [3, 0, 0]
    assert store.histories == 1


def test_a_checkpoint_of_another_database_is_not_believed():
    store, checkpoint = MemoryStore(), Checkpoint()
    sync_bot(store, ListedTrades(daily(10)), checkpoint=checkpoint)
    reset = [replace(one, instance="db:2025-11-09T00:00:00Z") for one in daily(10)]

    report = sync_bot(store, ListedTrades(reset), checkpoint=checkpoint)

    assert report.accepted == 10
    assert report.noticed == (
        "its database is a new one (db:2025-11-09T00:00:00Z), ids began anew; "
        "10 trades of the earlier db:2025-10-01T00:00:00Z stay in the store",
    )


def test_a_failed_cycle_leaves_the_checkpoint_as_it_was():
    store, checkpoint = MemoryStore(), Checkpoint()
    store.unavailable = True
    with pytest.raises(StoreUnavailable):
        sync_bot(store, ListedTrades(daily(3)), checkpoint=checkpoint)
    store.unavailable = False

    assert sync_bot(store, ListedTrades(daily(3)), checkpoint=checkpoint).accepted == 3
