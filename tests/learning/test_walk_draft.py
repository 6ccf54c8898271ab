"""Draft: of the trades of a walk, those that were known at its time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from freqfleet.learning.walk_draft import Draft
from freqfleet.market.trade_columns import NO_TRADES
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.trade_rows import rows_of, rows_of_trades
from freqfleet.testing.trades import closed_trade

NOON = datetime(2025, 11, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TRADES = [
    closed_trade(
        trade_id=number,
        closed_at=NOON + number * HOUR,
        bot=f"BOT{number % 3 + 1}",
        pair=("BTC/USDT:USDT", "ETH/USDT:USDT")[number % 2],
    )
    for number in range(12)
]


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.record_closed_trades(TRADES)
    return store


@pytest.mark.parametrize(
    "window",
    [
        {},
        {"closed_from": NOON + 3 * HOUR},
        {"closed_from": NOON + 3 * HOUR + timedelta(microseconds=1), "closed_to": NOON + 5 * HOUR},
        {"closed_to": NOON + 100 * HOUR, "bots": ["BOT1", "BOT3"]},
        {"pairs": ["ETH/USDT:USDT"]},
        {"closed_from": NOON + 9 * HOUR, "closed_to": NOON + 2 * HOUR},
        {"bots": []},
    ],
)
def test_a_draft_answers_as_a_store_that_holds_what_was_closed_by_then(store: MemoryStore, window):
    at = NOON + 7 * HOUR
    known = MemoryStore()
    known.record_closed_trades([one for one in TRADES if one.closed_at < at])

    draft = Draft(store.trade_columns(), (), at=at)

    assert rows_of(draft.trade_columns(**window)) == rows_of_trades(known.closed_trades(**window))


def test_a_trade_that_closes_at_the_step_is_known_at_the_next_one(store: MemoryStore):
    draft = Draft(store.trade_columns(), (), at=NOON + HOUR)
    before = draft.health()

    draft.go_to(NOON + HOUR + timedelta(milliseconds=1))
    after = draft.health()

    assert (before.trades, before.last_trade_closed_at) == (1, NOON)
    assert (after.trades, after.last_trade_closed_at) == (2, NOON + HOUR)


def test_a_draft_without_trades_knows_of_none():
    draft = Draft(NO_TRADES, (), at=NOON)

    assert (len(draft.trade_columns()), draft.health().trades) == (0, 0)
    assert draft.health().last_trade_closed_at is None
