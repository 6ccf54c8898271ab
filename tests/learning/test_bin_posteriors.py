"""What is believed of a leverage bin: drawn towards its pair and the fleet, never surer than its trades."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.learning.bin_columns import BinColumns
from freqfleet.learning.bin_posteriors import (
    PRIOR_MEAN_SD,
    PRIOR_TRADE_SD,
    Belief,
    Beliefs,
    believe,
)
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.testing.trades import closed_trade

NOON = datetime(2025, 10, 1, 12, tzinfo=UTC)
LONG, FIRST_BIN, SECOND_BIN = 0, 0, 1


def traded(
    profits: Sequence[float],
    *,
    pair: str = "A/USDT:USDT",
    leverage: float = 1.5,
    a_day: int = 1,
    first: int = 0,
) -> list[ClosedTrade]:
    """Return long trades of these position-level profits, so many a day."""
    return [
        closed_trade(
            trade_id=first + number,
            pair=pair,
            leverage=leverage,
            margin_profit_ratio=profit * leverage,
            opened_at=NOON + timedelta(days=number // a_day, minutes=-30),
            closed_at=NOON + timedelta(days=number // a_day),
        )
        for number, profit in enumerate(profits)
    ]


def believed(trades: Sequence[ClosedTrade]) -> Beliefs:
    columns = BinColumns.of(TradeColumns.of(trades))
    return believe(columns, np.ones(len(columns)))


def noise(count: int, seed: int, mean: float = 0.0, sd: float = 0.02) -> list[float]:
    return np.random.default_rng(seed).normal(mean, sd, count).tolist()


def test_what_is_measured_is_measured_by_hand():
    beliefs = believed(traded([0.03, -0.01, 0.01, -0.02]))

    level = beliefs.fleet.level
    assert level.trades[LONG] == 4
    assert level.effective[LONG] == pytest.approx(4.0)
    assert level.mean[LONG] == pytest.approx(0.0025)
    assert level.win_rate[LONG] == pytest.approx(0.5)
    assert level.mean_win[LONG] == pytest.approx(0.02)
    assert level.mean_loss[LONG] == pytest.approx(-0.015)
    assert level.profit_factor[LONG] == pytest.approx(0.04 / 0.03)


def test_without_a_loss_there_is_no_profit_factor():
    assert np.isnan(believed(traded([0.01, 0.02])).fleet.level.profit_factor[LONG])


def test_without_trades_the_prior_stands():
    beliefs = believed([])

    assert beliefs.fleet.mean.tolist() == [0.0, 0.0]
    assert beliefs.fleet.mean_sd.tolist() == [PRIOR_MEAN_SD] * 2
    assert beliefs.bins.mean_sd == pytest.approx(np.full(10, PRIOR_MEAN_SD))
    assert beliefs.fleet.trade_sd == pytest.approx(np.full(2, PRIOR_TRADE_SD))


def test_one_trade_of_ten_percent_moves_the_belief_by_basis_points():
    beliefs = believed(traded([0.10]))

    assert 0.0 < beliefs.fleet.mean[LONG] < 0.0065
    assert beliefs.fleet.trade_sd[LONG] == pytest.approx(PRIOR_TRADE_SD, rel=0.02)  # not 0: it is one trade


def test_a_bin_with_one_trade_says_what_its_pair_says():
    others = traded(noise(300, 1, 0.004), a_day=3)
    lucky = traded([0.20], leverage=9.0, first=1000)

    beliefs = believed([*others, *lucky])

    pair, cell = beliefs.pairs, beliefs.cells
    assert cell.level.trades[4] == 1
    assert abs(cell.mean[4] - pair.mean[LONG]) < 0.25 * pair.mean_sd[LONG]
    assert cell.mean_sd[4] >= pair.mean_sd[LONG] * 0.9


def test_an_empty_bin_inherits_from_its_parent():
    beliefs = believed(traded(noise(200, 2, 0.003)))

    assert beliefs.cells.mean[SECOND_BIN] == beliefs.pairs.mean[LONG]
    assert beliefs.cells.mean_sd[SECOND_BIN] == beliefs.pairs.mean_sd[LONG]
    assert beliefs.bins.mean[SECOND_BIN] == beliefs.fleet.mean[LONG]
    assert beliefs.cells.confidence[SECOND_BIN] == pytest.approx(0.8 * beliefs.pairs.confidence[LONG])


def test_a_pair_with_all_trades_in_one_bin_is_no_surer_of_the_bin_than_of_itself():
    beliefs = believed(traded(noise(400, 3, 0.003), a_day=4))

    assert beliefs.cells.mean[FIRST_BIN] == pytest.approx(beliefs.pairs.mean[LONG])
    assert beliefs.cells.mean_sd[FIRST_BIN] == pytest.approx(beliefs.pairs.mean_sd[LONG])
    assert beliefs.pairs.mean_sd[LONG] == pytest.approx(beliefs.fleet.mean_sd[LONG])


def test_bins_that_differ_beyond_chance_are_told_apart_and_others_are_not():
    def spread_of(gap: float) -> float:
        trades = [
            trade
            for number in range(12)
            for at, leverage in enumerate((1.5, 3.0, 4.0, 6.0, 9.0))
            for trade in traded(
                noise(150, 100 + 5 * number + at, gap * at / 4),
                pair=f"P{number}/USDT:USDT",
                leverage=leverage,
                first=1000 * (5 * number + at),
            )
        ]
        bins = believed(trades).bins
        return float(bins.mean[4] - bins.mean[0])

    assert spread_of(0.01) == pytest.approx(0.01, abs=0.004)
    assert abs(spread_of(0.0)) < 0.001


def test_trades_of_one_day_count_as_the_day_they_share():
    days = np.repeat(noise(20, 5, sd=0.03), 30)
    alike = believed(traded(days.tolist(), a_day=30))
    apart = believed(traded(noise(600, 5, sd=float(days.std())), a_day=30))

    assert alike.fleet.level.variance[LONG] > 10.0 * apart.fleet.level.variance[LONG]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A/USDT:USDT", "B/USDT:USDT", "C/USDT:USDT"]),
            st.sampled_from([1.0, 2.0, 4.0, 6.0, 10.0, 12.5]),
            st.floats(-0.3, 0.3),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_every_belief_can_be_published(rows: list[tuple[str, float, float]]):
    trades = [
        trade
        for number, (pair, leverage, profit) in enumerate(rows)
        for trade in traded([profit], pair=pair, leverage=leverage, first=number)
    ]

    beliefs = believed(trades)

    for level in (beliefs.fleet, beliefs.bins, beliefs.pairs, beliefs.cells):
        _is_whole(level)
        assert (level.level.effective <= level.level.trades + 1e-9).all()
    profits = [0.0, *(profit for _, _, profit in rows)]
    low, high = min(profits), max(profits)
    assert ((beliefs.cells.mean >= low - 1e-12) & (beliefs.cells.mean <= high + 1e-12)).all()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([1.5, 4.0, 9.0]), st.floats(-0.1, 0.1)), min_size=2, max_size=30),
    st.data(),
)
def test_what_is_learned_bit_by_bit_is_what_is_learned_at_once(
    rows: list[tuple[float, float]], data: st.DataObject
):
    trades = [
        trade
        for number, (leverage, profit) in enumerate(rows)
        for trade in traded([profit], leverage=leverage, first=number)
    ]
    cut = data.draw(st.integers(1, len(trades) - 1))

    joined = BinColumns.of(TradeColumns.of(trades[:cut])).joined(TradeColumns.of(trades[cut:]))

    assert joined is not None
    found, whole = believe(joined, np.ones(len(joined))), believed(trades)
    for level in ("fleet", "bins", "pairs", "cells"):
        for name in ("mean", "mean_sd", "trade_sd", "confidence"):
            assert (
                getattr(getattr(found, level), name).tolist() == getattr(getattr(whole, level), name).tolist()
            )


def _is_whole(belief: Belief) -> None:
    assert np.isfinite(belief.mean).all()
    assert (belief.mean_sd > 0.0).all()
    assert (belief.trade_sd > 0.0).all()
    assert ((belief.confidence >= 0.0) & (belief.confidence <= 1.0)).all()
