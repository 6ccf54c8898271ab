"""Indicators that decide something: defined once, so that replay and live cannot differ."""

from __future__ import annotations

import numpy as np
import talib

from freqfleet.market.arrays import FloatArray

ATR_PERIOD = 14


def atr_ratio(high: FloatArray, low: FloatArray, close: FloatArray, period: int = ATR_PERIOD) -> FloatArray:
    """Return Wilder's average true range over close, as TA-Lib computes it: the volatility of exits.

    high, low, close : shape (n_candles,), oldest first, no NaN. Returns the same shape; the first
    `period` values are NaN, and all of them where there are fewer candles.

    Value i knows candles 0..i and nothing later: a position that opens with candle i + 1 uses value i.
    The average remembers its start with weight (1 - 1/period)**n: two series that begin at different
    candles agree to 1e-6 after 200 candles of `period` 14, so hand it at least that many.
    """
    if len(close) <= period:  # TA-Lib refuses a series of length 0
        return np.full(len(close), np.nan)
    average = talib.ATR(_plain(high), _plain(low), _plain(close), timeperiod=period)
    return np.asarray(average / close, dtype=np.float64)


def _plain(values: FloatArray) -> FloatArray:
    """TA-Lib reads memory as it lies: contiguous float64, whatever slice the caller holds."""
    return np.ascontiguousarray(values, dtype=np.float64)
