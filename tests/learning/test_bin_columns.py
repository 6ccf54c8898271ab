"""BinColumns: which bin, pair and bot a closed trade counts for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from freqfleet.domain.leverage_bins import LEVERAGE_BINS, leverage_bin
from freqfleet.learning.bin_columns import BinColumns, bin_codes
from freqfleet.market.trade_columns import NO_TRADES, TradeColumns
from freqfleet.testing.trades import closed_trade
from freqfleet.validation.weights import trade_weights


@pytest.mark.parametrize(
    ("leverage", "label", "clamped"),
    [
        (1.0, "1.0-2.0", 0),
        (1.999999, "1.0-2.0", 0),
        (2.0, "2.0-3.5", 0),
        (3.5, "3.5-5.0", 0),
        (7.5, "7.5-10.0", 0),
        (10.0, "7.5-10.0", 0),
        (12.5, "7.5-10.0", 1),
    ],
)
def test_a_leverage_counts_in_one_bin_and_outside_in_the_nearest(leverage: float, label: str, clamped: int):
    columns = BinColumns.of(TradeColumns.of([closed_trade(leverage=leverage)]))

    assert LEVERAGE_BINS[int(columns.step[0])].label == label
    assert columns.clamped == clamped


def test_more_trades_of_known_pairs_and_bots_give_what_all_of_them_give():
    first = [closed_trade(trade_id=1), closed_trade(trade_id=2, bot="BOT3", leverage=5.0)]
    more = [closed_trade(trade_id=3, bot="BOT3", leverage=9.0)]

    joined = BinColumns.of(TradeColumns.of(first)).joined(TradeColumns.of(more))

    whole = BinColumns.of(TradeColumns.of([*first, *more]))
    assert joined is not None
    for name in ("pair", "side", "step", "bot", "closed_ms", "profit"):
        assert getattr(joined, name).tolist() == getattr(whole, name).tolist()


@pytest.mark.parametrize("new", [{"pair": "ETH/USDT:USDT"}, {"bot": "BOT2"}])
def test_a_pair_or_bot_without_a_code_cannot_be_joined(new: dict[str, str]):
    known = BinColumns.of(TradeColumns.of([closed_trade()]))

    assert known.joined(TradeColumns.of([closed_trade(trade_id=2, **new)])) is None


@pytest.mark.parametrize("mode", ["share", "literal"])
def test_weights_are_those_of_the_optimizer(mode):
    trades = [closed_trade(trade_id=number, bot="BOT1") for number in range(7)]
    trades += [closed_trade(trade_id=number, bot="BOT3") for number in range(2)]
    bot_weights = {"BOT1": 1.0, "BOT2": 1.0, "BOT3": 3.0}

    columns = TradeColumns.of(trades)

    weights = BinColumns.of(columns).weights(bot_weights, mode)

    assert weights.tolist() == trade_weights(columns, bot_weights, mode).tolist()


def test_no_trades_have_no_weights():
    assert BinColumns.of(NO_TRADES).weights({"BOT1": 1.0}, "share").shape == (0,)


@given(leverage=st.floats(0.1, 200.0))
@example(leverage=5.0)
@example(leverage=float(np.nextafter(5.0, 0.0)))
def test_every_leverage_has_the_code_of_its_bin(leverage: float):
    assert LEVERAGE_BINS[int(bin_codes(np.array([leverage]))[0])] is leverage_bin(leverage)


def test_a_pair_and_a_bot_whose_trades_were_left_out_have_no_code():
    others = [closed_trade(trade_id=2, bot="BOT9", pair="ADA/USDT:USDT"), closed_trade(trade_id=3)]
    trades = TradeColumns.of(others)

    columns = BinColumns.of(trades.subset(trades.of_bots(["BOT1"])))

    assert (columns.pairs, columns.bots, columns.pair.tolist()) == (("BTC/USDT:USDT",), ("BOT1",), [0])
