from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.errors import StoreUnavailable
from freqfleet.store.sql import SqlStore
from freqfleet.testing.listed_trades import ListedTrades
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.trades import closed_trade
from freqfleet.trades.reconcile import reconcile_bot

START = datetime(2025, 11, 1, 12, tzinfo=UTC)


def trades_of(count: int, hours: float = 6.0) -> list[ClosedTrade]:
    return [
        closed_trade(
            trade_id=number, closed_at=START + timedelta(hours=hours * number), profit_quote=number / 7.0
        )
        for number in range(1, count + 1)
    ]


def stored(trades: list[ClosedTrade]) -> MemoryStore:
    store = MemoryStore()
    store.record_closed_trades(trades)
    return store


def test_two_sides_in_step_have_no_difference_and_nothing_is_written():
    trades = trades_of(10)

    found = reconcile_bot(stored(trades), ListedTrades(trades))

    assert (found.differences, found.restored, found.amended, found.unrepaired) == ((), 0, 0, ())
    assert (found.days, found.trades) == (4, 10)


def test_missing_and_changed_trades_are_named_by_day_and_put_right():
    trades = trades_of(8)
    wrong = replace(trades[4], profit_quote=99.0)
    store = stored([*trades[:2], *trades[3:4], wrong, *trades[5:]])

    found = reconcile_bot(store, ListedTrades(trades))

    assert [(one.day, one.missing, one.changed) for one in found.differences] == [
        (date(2025, 11, 2), (3,), (5,))
    ]
    (day,) = found.differences
    assert (day.source_trades, day.store_trades) == (4, 3)
    assert day.source_profit_quote == pytest.approx((2 + 3 + 4 + 5) / 7)
    assert day.store_profit_quote == pytest.approx((2 + 4) / 7 + 99.0)
    assert (found.restored, found.amended, found.unrepaired) == (1, 1, ())
    assert store.closed_trades() == trades


def test_a_trade_only_the_store_has_is_named_and_kept():
    trades = trades_of(4)
    store = stored(trades)

    found = reconcile_bot(store, ListedTrades([*trades[:1], *trades[2:]]))

    assert [one.only_in_store for one in found.differences] == [(2,)]
    assert (found.only_in_store, found.restored, found.unrepaired) == (1, 0, ())
    assert store.closed_trades() == trades


def test_a_trade_that_moved_to_another_day_is_amended_not_doubled():
    trades = trades_of(4)
    moved = replace(trades[0], closed_at=trades[0].closed_at + timedelta(days=3))

    store = stored(trades)
    found = reconcile_bot(store, ListedTrades([moved, *trades[1:]]))

    assert (found.restored, found.amended, found.unrepaired) == (0, 1, ())
    assert len(store.closed_trades()) == 4
    assert found.only_in_store == 0


def test_trades_of_earlier_databases_and_backtests_are_counted_not_compared():
    trades = trades_of(3)
    earlier = [replace(one, instance="db:2024-01-01T00:00:00Z") for one in trades_of(5)]

    found = reconcile_bot(stored([*trades, *earlier]), ListedTrades(trades))

    assert found.differences == ()
    assert dict(found.other_instances) == {"db:2024-01-01T00:00:00Z": 5}


def test_what_can_be_stored_by_nobody_is_told_and_no_difference():
    bad = closed_trade(trade_id=9, exit_reason="a\x00b", closed_at=START)

    found = reconcile_bot(stored([]), ListedTrades([*trades_of(2), bad], dropped=("BOT1 trade 10: no rate",)))

    assert "exit_reason holds characters no database keeps" in found.rejected[0]
    assert found.dropped == ("BOT1 trade 10: no rate",)
    assert (found.restored, found.unrepaired) == (2, ())


def test_a_store_that_is_down_is_told_as_such():
    store = stored([])
    store.unavailable = True

    with pytest.raises(StoreUnavailable):
        reconcile_bot(store, ListedTrades(trades_of(2)))


@settings(max_examples=40, deadline=None)
@given(kept=st.sets(st.integers(1, 30)), changed=st.sets(st.integers(1, 30)))
def test_whatever_was_lost_or_changed_exactly_that_is_restored(kept: set[int], changed: set[int]):
    trades = trades_of(30, hours=5.0)
    held = [replace(one, close_rate=1.0) if one.trade_id in changed else one for one in trades]
    store = stored([one for one in held if one.trade_id in kept])

    found = reconcile_bot(store, ListedTrades(trades))

    assert {one for day in found.differences for one in day.missing} == set(range(1, 31)) - kept
    assert {one for day in found.differences for one in day.changed} == kept & changed
    assert (found.restored, found.amended) == (30 - len(kept), len(kept & changed))
    assert store.closed_trades() == trades
    assert reconcile_bot(store, ListedTrades(trades)).differences == ()


def test_1433_random_trades_deleted_from_the_store_are_found_and_exactly_these_come_back(tmp_path: Path):
    file = tmp_path / "learning.sqlite"
    trades = trades_of(2_448, hours=0.9)
    store = SqlStore(f"sqlite:///{file}")
    store.record_closed_trades(trades)
    deleted = random.Random(1433).sample(range(1, 2_449), 1_433)
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.execute(
            text("DELETE FROM closed_trades WHERE trade_id = :trade_id"),
            [{"trade_id": one} for one in deleted],
        )
    engine.dispose()

    found = reconcile_bot(store, ListedTrades(trades))

    assert sorted(one for day in found.differences for one in day.missing) == sorted(deleted)
    assert (found.restored, found.amended, found.only_in_store) == (1_433, 0, 0)
    assert store.closed_trades() == trades
    store.close()
