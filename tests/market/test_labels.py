"""Triple-barrier labels, on candles that can be read like a chart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.domain.sides import Side
from freqfleet.domain.triple_barrier import TripleBarrier
from freqfleet.errors import InputError
from freqfleet.market.labels import barrier_labels
from freqfleet.market.series import Candles
from freqfleet.testing.candle_tables import candle_table

# Decided at minute 0, opened at 100; with an ATR of 1: target 102, stop 99 for a long.
BARRIER = TripleBarrier(target_atr=2.0, stop_atr=1.0, horizon_candles=3)
TARGET_FIRST = """
    minute open  high   low    close volume
    0      100   100.5  99.5   100   1
    5      100   101    99.5   100.5 1
    10     100.5 102.5  100    102   1
    15     102   103    98     98.5  1
"""
STOP_FIRST = TARGET_FIRST.replace("101    99.5   100.5", "101    98.9   100.5")
BOTH_IN_ONE = TARGET_FIRST.replace("101    99.5   100.5", "102.5  98.9   100.5")
JUMPED_STOP = TARGET_FIRST.replace("102.5  100    102 ", "100.7  97     97.5").replace(
    "10     100.5", "10     98  "
)
TIMEOUT = TARGET_FIRST.replace("102.5  100    102 ", "101    100    101").replace(
    "103    98     98.5", "101.5  99.5   101.2"
)


def label(text: str, side: Side = Side.LONG, barrier: TripleBarrier = BARRIER):
    candles = candle_table(text)
    return barrier_labels(candles, np.ones(len(candles)), barrier, side, cost_ratio=0.001)


@pytest.mark.parametrize(
    ("text", "won", "left_at", "candles"),
    [
        (TARGET_FIRST, True, 102.0, 2),
        (STOP_FIRST, False, 99.0, 1),
        (BOTH_IN_ONE, False, 99.0, 1),
        (JUMPED_STOP, False, 98.0, 2),
        (TIMEOUT, False, 101.2, 3),
    ],
    ids=["target", "stop", "both in one candle", "jumped stop", "timeout"],
)
def test_what_became_of_a_long(text, won, left_at, candles):
    found = label(text)

    assert found.future_known.tolist() == [True, False, False, False]
    assert bool(found.future_won[0]) is won
    assert found.future_return_ratio[0] == pytest.approx(left_at / 100.0 - 1.0 - 0.001)
    assert found.future_candles[0] == candles


def test_a_short_is_a_long_upside_down():
    found = label(TARGET_FIRST, Side.SHORT)  # stop 101, touched exactly in the first candle

    assert not found.future_won[0]
    assert found.future_return_ratio[0] == pytest.approx(-0.01 - 0.001)
    assert found.future_candles[0] == 1


def test_a_hole_in_the_horizon_is_no_label():
    holed = TARGET_FIRST.replace("    15   ", "    900  ")

    assert not label(holed).future_known.any()


def test_no_label_without_a_volatility():
    candles = candle_table(TARGET_FIRST)

    found = barrier_labels(candles, np.full(4, np.nan), BARRIER, Side.LONG, cost_ratio=0.0)

    assert not found.future_known.any()


def test_a_history_shorter_than_the_horizon_has_no_label():
    short = TripleBarrier(target_atr=1.0, stop_atr=1.0, horizon_candles=50)

    assert not label(TARGET_FIRST, barrier=short).future_known.any()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), horizon=st.integers(1, 20), side=st.sampled_from(list(Side)))
def test_labels_equal_those_of_a_walk_candle_by_candle(seed, horizon, side):
    candles = random_candles(seed, 60)
    barrier = TripleBarrier(target_atr=1.5, stop_atr=1.0, horizon_candles=horizon)
    atr = np.full(60, 0.6)

    found = barrier_labels(candles, atr, barrier, side, cost_ratio=0.0)

    for row in range(60 - horizon):
        won, left_at, age = walked(candles, row, barrier, side, 0.6)
        entry = candles.open[row + 1]
        assert (bool(found.future_won[row]), int(found.future_candles[row])) == (won, age)
        assert found.future_return_ratio[row] == pytest.approx(side.sign * (left_at - entry) / entry)


def walked(candles: Candles, row: int, barrier: TripleBarrier, side: Side, atr: float):
    entry = candles.open[row + 1]
    target = entry + side.sign * barrier.target_atr * atr
    stop = entry - side.sign * barrier.stop_atr * atr
    for age in range(1, barrier.horizon_candles + 1):
        now = row + age
        worst, best = (
            (candles.low[now], candles.high[now])
            if side is Side.LONG
            else (candles.high[now], candles.low[now])
        )
        if side.sign * (worst - stop) <= 0:
            jumped = side.sign * (candles.open[now] - stop) < 0
            return False, candles.open[now] if jumped else stop, age
        if side.sign * (best - target) >= 0:
            return True, target, age
    return False, candles.close[row + barrier.horizon_candles], barrier.horizon_candles


def random_candles(seed: int, count: int) -> Candles:
    rng = np.random.default_rng(seed)
    close = 100.0 + np.cumsum(rng.normal(0.0, 0.5, count))
    open_ = close + rng.normal(0.0, 0.3, count)
    return Candles(
        pair="BTC/USDT:USDT",
        timeframe_ms=300_000,
        time_ms=300_000 * np.arange(count),
        open=open_,
        high=np.maximum(open_, close) + rng.uniform(0.0, 0.4, count),
        low=np.minimum(open_, close) - rng.uniform(0.0, 0.4, count),
        close=close,
        volume=np.ones(count),
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"target_atr": 0.0}, "target_atr of a label must lie in 0..100 ATR, was 0.0"),
        ({"stop_atr": -1.0}, "stop_atr"),
        ({"horizon_candles": 0}, "horizon_candles"),
    ],
)
def test_a_barrier_that_cannot_be_is_refused(values, message):
    with pytest.raises(InputError, match=message):
        TripleBarrier(**{"target_atr": 1.0, "stop_atr": 1.0, "horizon_candles": 5, **values})
