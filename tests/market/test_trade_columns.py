"""TradeColumns: the same trades as the objects, cut by mask, place and slice."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.domain.sides import Side
from freqfleet.errors import TradeSourceError
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.testing.trade_rows import rows_of, rows_of_trades
from freqfleet.testing.trades import closed_trade

TRADES = [
    closed_trade(trade_id=3, bot="BOT3", pair="SOL/USDT:USDT", side=Side.SHORT, leverage=7.0),
    closed_trade(trade_id=1, open_rate=0.1, stake_quote=12.5, margin_profit_ratio=-0.3),
    closed_trade(trade_id=2, bot="BOT3", instance="a", pair="ADA/USDT:USDT"),
]


def test_columns_keep_every_trade_in_the_order_it_was_given():
    columns = TradeColumns.of(TRADES)

    assert rows_of(columns) == rows_of_trades(TRADES)
    assert (columns.bots, columns.pairs[0], len(columns)) == (("BOT1", "BOT3"), "ADA/USDT:USDT", 3)


def test_profit_on_price_is_that_of_each_trade():
    assert TradeColumns.of(TRADES).position_profit_ratio.tolist() == [
        one.position_profit_ratio for one in TRADES
    ]


@pytest.mark.parametrize(
    ("rows", "left"),
    [(np.array([True, False, True]), [0, 2]), (np.array([2, 0]), [2, 0]), (slice(1, 3), [1, 2])],
)
def test_some_of_the_trades_by_mask_place_or_slice(rows, left):
    some = TradeColumns.of(TRADES).subset(rows)

    assert rows_of(some) == rows_of_trades([TRADES[at] for at in left])


def test_trades_of_some_bots_and_how_many_each_made():
    columns = TradeColumns.of(TRADES)

    assert columns.of_bots(["BOT3", "BOT9"]).tolist() == [True, False, True]
    assert columns.bot_counts() == {"BOT1": 1, "BOT3": 2}
    assert columns.subset(columns.of_bots(["BOT3"])).bot_counts() == {"BOT3": 2}
    assert columns.bot_names() == ["BOT3", "BOT1", "BOT3"]


def test_trades_of_some_pairs():
    columns = TradeColumns.of(TRADES)

    assert columns.of_pairs(["SOL/USDT:USDT", "BTC/USDT:USDT"]).tolist() == [True, True, False]


@given(keys=st.lists(st.integers(-3, 3), max_size=30))
def test_groups_come_as_their_keys_appear_and_keep_the_order_of_their_trades(keys: list[int]):
    columns = TradeColumns.of([closed_trade(trade_id=at) for at in range(len(keys))])

    groups = columns.groups(np.array(keys, dtype=np.int64))

    assert [one.trade_id.tolist() for one in groups] == [
        [at for at, key in enumerate(keys) if key == asked] for asked in dict.fromkeys(keys)
    ]


def test_names_without_a_trade_go_when_they_are_asked_to():
    some = TradeColumns.of(TRADES).subset(slice(1, 2))

    assert some.pairs == ("ADA/USDT:USDT", "BTC/USDT:USDT", "SOL/USDT:USDT")
    assert (some.compact().pairs, some.compact().bots) == (("BTC/USDT:USDT",), ("BOT1",))
    assert rows_of(some.compact()) == rows_of(some) == rows_of_trades(TRADES[1:2])


def test_each_trade_is_named_as_the_object_names_itself():
    columns = TradeColumns.of(TRADES)

    assert [columns.label(at) for at in range(3)] == [one.label for one in TRADES]
    assert columns.identities() == [(one.bot, one.instance, one.trade_id) for one in TRADES]


def test_no_trades_at_all():
    empty = TradeColumns.of(())

    assert (len(empty), empty.bot_counts(), empty.identities()) == (0, {}, [])
    assert len(empty.subset(empty.of_bots(["BOT1"]))) == 0


def test_columns_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        TradeColumns.of(TRADES).leverage[0] = 1.0


def test_a_column_of_another_length_is_refused():
    with pytest.raises(TradeSourceError, match=r"leverage must have as many rows as trade_id, 3, had \(1,\)"):
        replace(TradeColumns.of(TRADES), leverage=np.ones(1))


def test_a_slice_travels_to_another_process_without_the_rest():
    many = TradeColumns.of([closed_trade(trade_id=number) for number in range(10_000)])

    sent = pickle.dumps(many.subset(slice(40, 42)))

    assert len(sent) < 5_000
    assert pickle.loads(sent).trade_id.tolist() == [40, 41]


def test_parts_of_columns_are_joined_in_the_order_given():
    whole = TradeColumns.of([closed_trade(trade_id=number, leverage=1.0 + number) for number in range(5)])

    joined = TradeColumns.joined([whole.subset(slice(3, 5)), whole.subset(slice(0)), whole.subset(slice(1))])

    assert joined.trade_id.tolist() == [3, 4, 0]
    assert joined.leverage.tolist() == [4.0, 5.0, 1.0]


def test_columns_of_other_names_are_not_joined():
    one, other = (TradeColumns.of([closed_trade(pair=f"{coin}/USDT:USDT")]) for coin in ("BTC", "ETH"))

    with pytest.raises(TradeSourceError, match="only parts of the same columns"):
        TradeColumns.joined([one, other])
