"""TradeFeed: a look reads what is new, and everything where that cannot be told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.errors import StoreUnavailable
from freqfleet.learning.trade_feed import Kind, TradeFeed
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.trades import closed_trade

NOON = datetime(2025, 11, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def closing(at: datetime, trade_id: int, **more) -> ClosedTrade:
    return closed_trade(trade_id=trade_id, opened_at=at - 30 * MINUTE, closed_at=at, **more)


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.record_closed_trades([closing(NOON - 600 * MINUTE, 1), closing(NOON - 60 * MINUTE, 2)])
    return store


@pytest.fixture
def feed(store: MemoryStore) -> TradeFeed:
    feed = TradeFeed(store, bots=["BOT1"], days_back=90)
    assert feed.look(NOON).trades.trade_id.tolist() == [1, 2]
    return feed


def ids(feed: TradeFeed, now: datetime = NOON + MINUTE) -> tuple[Kind, list[int]]:
    look = feed.look(now)
    return look.kind, look.trades.trade_id.tolist()


def test_nothing_new_reads_nothing(feed: TradeFeed):
    assert ids(feed) == (Kind.NOTHING, [])


def test_what_closed_since_is_read_once(store: MemoryStore, feed: TradeFeed):
    store.record_closed_trades([closing(NOON, 3)])

    assert ids(feed) == (Kind.MORE, [3])
    assert ids(feed) == (Kind.NOTHING, [])


def test_a_trade_that_closed_shortly_before_the_newest_is_read_too(store: MemoryStore, feed: TradeFeed):
    store.record_closed_trades([closing(NOON - 90 * MINUTE, 3)])

    assert ids(feed) == (Kind.MORE, [3])


def test_a_trade_that_came_very_late_makes_it_read_all(store: MemoryStore, feed: TradeFeed):
    store.record_closed_trades([closing(NOON - 20_000 * MINUTE, 3)])

    assert ids(feed) == (Kind.ALL, [3, 1, 2])


def test_every_day_begins_with_reading_all_so_that_old_trades_leave(store: MemoryStore, feed: TradeFeed):
    store.record_closed_trades([closing(NOON - 60 * MINUTE, 2, margin_profit_ratio=0.5)])  # amended

    assert ids(feed) == (Kind.NOTHING, [])
    assert ids(feed, NOON + 720 * MINUTE) == (Kind.ALL, [1, 2])
    assert ids(feed, NOON + timedelta(days=89, minutes=720)) == (Kind.ALL, [1, 2])
    assert ids(feed, NOON + timedelta(days=91)) == (Kind.ALL, [])


def test_a_trade_from_the_future_takes_part_when_its_time_has_come(store: MemoryStore, feed: TradeFeed):
    store.record_closed_trades([closing(NOON + 30 * MINUTE, 3)])

    look = feed.look(NOON + MINUTE)

    assert (len(look.trades), look.ahead) == (0, 1)
    assert ids(feed, NOON + 31 * MINUTE) == (Kind.ALL, [1, 2, 3])


def test_trades_of_other_bots_are_counted_and_left_out(store: MemoryStore, feed: TradeFeed):
    store.record_closed_trades([closing(NOON, 3, bot="BOT9")])

    look = feed.look(NOON + MINUTE)

    assert (look.kind, len(look.trades), look.strangers) == (Kind.MORE, 0, {"BOT9": 1})


def test_a_look_that_failed_is_made_again(store: MemoryStore, feed: TradeFeed):
    store.record_closed_trades([closing(NOON, 3)])
    store.unavailable = True
    with pytest.raises(StoreUnavailable):
        feed.look(NOON + MINUTE)
    store.unavailable = False

    assert ids(feed) == (Kind.MORE, [3])
