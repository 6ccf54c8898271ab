"""Coarser candles are exact, finer ones fold back, and nothing is seen before its time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.exchange.bars import Bars, aggregate, fold, interpolate, stretch
from freqfleet.market.arrays import FloatArray
from freqfleet.market.timeframes import MINUTE_MS
from freqfleet.testing.memory_history import bars_of

M5 = 5 * MINUTE_MS

prices = st.floats(min_value=0.01, max_value=1e5, allow_nan=False)


@st.composite
def candles(draw: st.DrawFn) -> FloatArray:
    """One candle, shape (1, 5)."""
    opened, closed, other, more = (draw(prices) for _ in range(4))
    return np.array([[opened, max(opened, closed, other), min(opened, closed, more), closed, draw(prices)]])


def one(ohlcv: FloatArray, start: float, end: float) -> list[float]:
    return [float(value) for value in stretch(ohlcv, np.array([start]), np.array([end]))[0]]


def test_aggregate_folds_candles_on_the_utc_grid() -> None:
    bars = bars_of(
        "5m",
        [  # time       open   high   low    close  volume
            (2 * M5,    10.0,  12.0,   9.0,  11.0,  1.0),
            (3 * M5,    11.0,  15.0,  10.0,  14.0,  2.0),
            (4 * M5,    14.0,  14.5,   8.0,   9.0,  3.0),
            (7 * M5,     9.0,   9.5,   8.5,   9.2,  4.0),
        ],
    )  # fmt: skip

    quarters = aggregate(bars, 3 * M5)

    assert quarters.time_ms.tolist() == [0, 3 * M5, 6 * M5]
    assert quarters.ohlcv.tolist() == [
        [10.0, 12.0,  9.0, 11.0, 1.0],
        [11.0, 15.0,  8.0,  9.0, 5.0],
        [ 9.0,  9.5,  8.5,  9.2, 4.0],
    ]  # fmt: skip


def test_aggregate_of_nothing_is_nothing() -> None:
    empty = Bars(step_ms=M5, time_ms=np.empty(0, np.int64), ohlcv=np.empty((0, 5)))

    assert len(aggregate(empty, 2 * M5)) == 0


@pytest.mark.parametrize(
    ("closed", "end", "seen"),
    [
        #  close  end    open  high  low  close
        (11.0,    0.0,  [10.0, 10.0, 10.0, 10.0]),  # a rising candle goes down first
        (11.0,    1/6,  [10.0, 10.0,  9.0,  9.0]),
        (11.0,    1/3,  [10.0, 10.0,  8.0,  8.0]),
        (11.0,    2/3,  [10.0, 14.0,  8.0, 14.0]),
        (11.0,    1.0,  [10.0, 14.0,  8.0, 11.0]),
        ( 9.0,    1/6,  [10.0, 12.0, 10.0, 12.0]),  # a falling one goes up first
        ( 9.0,    1/3,  [10.0, 14.0, 10.0, 14.0]),
        ( 9.0,    2/3,  [10.0, 14.0,  8.0,  8.0]),
        ( 9.0,    1.0,  [10.0, 14.0,  8.0,  9.0]),
    ],
)  # fmt: skip
def test_the_path_runs_through_both_extremes(closed: float, end: float, seen: list[float]) -> None:
    candle = np.array([[10.0, 14.0, 8.0, closed, 60.0]])

    assert one(candle, 0.0, end) == pytest.approx([*seen, 60.0 * end])


@given(candle=candles(), step_ms=st.sampled_from([MINUTE_MS, 100_000, 150_000, M5]))
def test_interpolated_candles_fold_back_to_the_candle(candle: FloatArray, step_ms: int) -> None:
    bars = Bars(step_ms=M5, time_ms=np.array([7 * M5]), ohlcv=candle)

    finer = interpolate(bars, step_ms)

    assert finer.time_ms.tolist() == list(range(7 * M5, 8 * M5, step_ms))
    assert fold(finer.ohlcv) == pytest.approx(candle[0], rel=1e-9)
    assert np.all(finer.ohlcv[1:, 0] == pytest.approx(finer.ohlcv[:-1, 3]))


@given(candle=candles(), cut=st.floats(0.0, 1.0), end=st.floats(0.0, 1.0))
def test_a_path_is_its_beginning_and_its_rest(candle: FloatArray, cut: float, end: float) -> None:
    first, second = sorted((cut, end))

    parts = np.array([one(candle, 0.0, first), one(candle, first, second)])

    assert fold(parts) == pytest.approx(one(candle, 0.0, second), rel=1e-9, abs=1e-9)


def test_between_and_closed_at_cut_on_open_and_close() -> None:
    bars = bars_of("5m", [(index * M5, 1.0, 1.0, 1.0, 1.0, 1.0) for index in range(4)])

    assert bars.between(M5, 3 * M5).time_ms.tolist() == [M5, 2 * M5]
    assert bars.closed_at(3 * M5 - 1).time_ms.tolist() == [0, M5]
    assert bars.closed_at(3 * M5).time_ms.tolist() == [0, M5, 2 * M5]


def test_no_candle_runs_in_a_gap_or_outside() -> None:
    bars = bars_of("5m", [(M5, 1.0, 1.0, 1.0, 1.0, 1.0), (3 * M5, 1.0, 1.0, 1.0, 1.0, 1.0)])

    found = [bars.index_at(at) for at in (M5 - 1, M5, 2 * M5 - 1, 2 * M5, 3 * M5, 4 * M5)]

    assert found == [None, 0, 0, None, 1, None]
