"""Higher timeframes: the same market in quarters of an hour, hours and four hours.

They are built from the pair's own candles. A candle sees only higher candles that have closed with it
or before; a higher candle whose first part is not in the frame is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import talib

from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.market.features.view import MarketView, lag, over
from freqfleet.market.timeframes import HOUR_MS, MINUTE_MS

CANDLE_MS = 5 * MINUTE_MS
QUARTER_MS = 15 * MINUTE_MS
FOUR_HOURS_MS = 4 * HOUR_MS

NAMES = (
    "quarter_rsi_7",
    "quarter_ema_5_20",
    "quarter_adx_7",
    "quarter_position_32",
    "hour_rsi_5",
    "hour_ema_3_9",
    "hour_adx_5",
    "hour_move_6",
    "hour_position_24",
    "hour_range",
    "hour_body",
    "four_hours_move_1",
    "four_hours_move_3",
    "four_hours_position_6",
)
"""Oscillators 0..1, moves and spreads in ATR of that timeframe. Periods are short: a bot sees two days."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Higher:
    """Closed candles of a higher timeframe. latest : for each candle below, the row here, -1 for none."""

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    latest: IntArray

    def down(self, values: FloatArray) -> FloatArray:
        """Return `values` for each candle of the lower timeframe; NaN before the first higher candle."""
        spread = np.full(len(self.latest), np.nan)
        seen = self.latest >= 0
        spread[seen] = values[self.latest[seen]]
        return spread


def compute(view: MarketView) -> dict[str, FloatArray]:
    """Return the family's columns, shape (n_candles,) each."""
    return {**_quarters(_build(view, QUARTER_MS)), **_hours(_build(view, HOUR_MS)), **_fours(view)}


def _quarters(one: _Higher) -> dict[str, FloatArray]:
    if len(one.close) < 40:
        return _nothing("quarter", one)
    atr = talib.ATR(one.high, one.low, one.close, 7)
    return {
        "quarter_rsi_7": one.down(talib.RSI(one.close, 7) / 100.0),
        "quarter_ema_5_20": one.down(over(talib.EMA(one.close, 5) - talib.EMA(one.close, 20), atr)),
        "quarter_adx_7": one.down(talib.ADX(one.high, one.low, one.close, 7) / 100.0),
        "quarter_position_32": one.down(_position(one, 32)),
    }


def _hours(one: _Higher) -> dict[str, FloatArray]:
    if len(one.close) < 25:
        return _nothing("hour", one)
    atr = talib.ATR(one.high, one.low, one.close, 5)
    span = one.high - one.low
    return {
        "hour_rsi_5": one.down(talib.RSI(one.close, 5) / 100.0),
        "hour_ema_3_9": one.down(over(talib.EMA(one.close, 3) - talib.EMA(one.close, 9), atr)),
        "hour_adx_5": one.down(talib.ADX(one.high, one.low, one.close, 5) / 100.0),
        "hour_move_6": one.down(over(one.close - lag(one.close, 6), atr)),
        "hour_position_24": one.down(_position(one, 24)),
        "hour_range": one.down(over(span, atr)),
        "hour_body": one.down(over(one.close - one.open, span)),
    }


def _fours(view: MarketView) -> dict[str, FloatArray]:
    one = _build(view, FOUR_HOURS_MS)
    if len(one.close) < 7:
        return _nothing("four_hours", one)
    usual = talib.SMA(one.high - one.low, 3)
    return {
        "four_hours_move_1": one.down(over(one.close - one.open, usual)),
        "four_hours_move_3": one.down(over(one.close - lag(one.close, 3), usual)),
        "four_hours_position_6": one.down(_position(one, 6)),
    }


def _nothing(prefix: str, one: _Higher) -> dict[str, FloatArray]:
    missing = np.full(len(one.latest), np.nan)
    return {name: missing for name in NAMES if name.startswith(prefix)}


def _position(one: _Higher, window: int) -> FloatArray:
    lowest, highest = talib.MIN(one.low, window), talib.MAX(one.high, window)
    return over(one.close - lowest, highest - lowest)


def _build(view: MarketView, length_ms: int) -> _Higher:
    """Return the higher candles of a view; the one that is not yet closed is never seen from below."""
    bucket = view.time_ms // length_ms
    first = np.flatnonzero(np.diff(bucket, prepend=bucket[:1] - 1))
    # The frame may begin in the middle of a higher candle: half a candle is none.
    whole = view.time_ms[first] % length_ms == 0
    if len(first) and not whole[0]:
        first = first[1:]
    if not len(first):
        empty = np.empty(0)
        return _Higher(open=empty, high=empty, low=empty, close=empty, latest=np.full(len(view), -1))
    last = np.append(first[1:], len(view)) - 1
    tail = first[0]
    ends = (bucket[first] + 1) * length_ms
    latest = np.searchsorted(ends, view.time_ms + CANDLE_MS, side="right") - 1
    return _Higher(
        open=view.open[first],
        high=np.maximum.reduceat(view.high[tail:], first - tail),
        low=np.minimum.reduceat(view.low[tail:], first - tail),
        close=view.close[last],
        latest=latest,
    )
