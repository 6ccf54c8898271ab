"""ATR over price: the one volatility that exits follow."""

from __future__ import annotations

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.market.indicators import TREND_CANDLES, atr_ratio, trend_z


def wilder(high: np.ndarray, low: np.ndarray, close: np.ndarray, period: int) -> np.ndarray:
    """Wilder's average as in his book: a mean of the first `period` true ranges, then smoothing."""
    ranges = [
        max(high[i] - low[i], abs(high[i] - close[i - 1]), abs(low[i] - close[i - 1]))
        for i in range(1, len(close))
    ]
    result = np.full(len(close), np.nan)
    average = float(np.mean(ranges[:period]))
    result[period] = average
    for i in range(period + 1, len(close)):
        average = (average * (period - 1) + ranges[i - 1]) / period
        result[i] = average
    return result / close


def walk(candles: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, candles)))
    return close * (1 + rng.uniform(0, 0.01, candles)), close * (1 - rng.uniform(0, 0.01, candles)), close


def test_it_is_wilders_average_over_close() -> None:
    high, low, close = walk(200, seed=1)

    np.testing.assert_allclose(atr_ratio(high, low, close), wilder(high, low, close, 14), rtol=1e-12)


@given(candles=st.integers(0, 400), period=st.sampled_from([2, 14, 21]), seed=st.integers(0, 1000))
def test_it_is_ta_libs_average_but_for_how_that_was_compiled(candles: int, period: int, seed: int) -> None:
    high, low, close = walk(candles, seed)
    expected = talib.ATR(high, low, close, timeperiod=period) / close if candles else close

    np.testing.assert_allclose(atr_ratio(high, low, close, period), expected, rtol=1e-13)


def test_a_market_that_moves_one_percent_a_candle_reads_one_percent() -> None:
    close = np.full(40, 200.0)

    ratio = atr_ratio(close + 1.0, close - 1.0, close)

    assert ratio[14:] == pytest.approx(0.01)


def test_the_first_candles_are_nan() -> None:
    ratio = atr_ratio(*walk(30, seed=2))

    assert np.isnan(ratio[:14]).all()
    assert np.isfinite(ratio[14:]).all()


@pytest.mark.parametrize("candles", [0, 1, 14])
def test_too_few_candles_are_all_nan(candles: int) -> None:
    ratio = atr_ratio(*walk(candles, seed=3))

    assert ratio.shape == (candles,)
    assert np.isnan(ratio).all()


@given(known=st.integers(min_value=15, max_value=60), seed=st.integers(0, 1000))
def test_later_candles_never_change_a_value(known: int, seed: int) -> None:
    high, low, close = walk(80, seed)

    whole = atr_ratio(high, low, close)
    then = atr_ratio(high[:known], low[:known], close[:known])

    np.testing.assert_array_equal(whole[:known], then)


def test_two_hundred_candles_forget_where_the_series_began() -> None:
    high, low, close = walk(5_000, seed=4)

    live = atr_ratio(high[-215:], low[-215:], close[-215:])

    assert live[-1] == pytest.approx(atr_ratio(high, low, close)[-1], rel=1e-6)


def test_read_only_and_strided_arrays_are_welcome() -> None:
    high, low, close = walk(60, seed=5)
    expected = atr_ratio(high, low, close)
    strided = np.stack([high, low, close], axis=1)
    strided.setflags(write=False)

    np.testing.assert_array_equal(atr_ratio(strided[:, 0], strided[:, 1], strided[:, 2]), expected)


def test_the_trend_is_a_days_move_over_the_spread_of_its_candles() -> None:
    _high, _low, close = walk(600, seed=2)

    found = trend_z(close)

    logs = np.log(close)
    for row in (TREND_CANDLES, 400, 599):
        returns = np.diff(logs[row - TREND_CANDLES : row + 1])
        assert found[row] == pytest.approx(returns.sum() / np.sqrt((returns**2).sum()), rel=1e-12)
    assert np.isnan(found[:TREND_CANDLES]).all()


@pytest.mark.parametrize("start", [1, 700, 1_711])
def test_the_trend_is_the_same_to_the_last_bit_wherever_the_series_begins(start: int) -> None:
    _high, _low, close = walk(2_500, seed=3)

    whole, part = trend_z(close), trend_z(close[start:])

    np.testing.assert_array_equal(part[TREND_CANDLES:], whole[start + TREND_CANDLES :])


def test_the_trend_knows_no_later_candle_and_no_standstill() -> None:
    _high, _low, close = walk(700, seed=4)

    np.testing.assert_array_equal(trend_z(close[:650]), trend_z(close)[:650])
    assert np.isnan(trend_z(np.full(400, 3.0))).all()
    assert len(trend_z(close[:5])) == 5
