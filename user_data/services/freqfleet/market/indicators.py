"""Indicators that decide something: defined once, so that replay and live cannot differ."""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from freqfleet.market.arrays import FloatArray

ATR_PERIOD = 14


def atr_ratio(high: FloatArray, low: FloatArray, close: FloatArray, period: int = ATR_PERIOD) -> FloatArray:
    """Return Wilder's average true range over close: the volatility of exits.

    high, low, close : shape (n_candles,), oldest first, no NaN. Returns the same shape; the first
    `period` values are NaN, and all of them where there are fewer candles.

    Value i knows candles 0..i and nothing later: a position that opens with candle i + 1 uses value i.
    The average remembers its start with weight (1 - 1/period)**n: two series that begin at different
    candles agree to 1e-6 after 200 candles of `period` 14, so hand it at least that many.

    TA-Lib's ATR to 1e-13, and the same bits on every machine, which TA-Lib's are not: its multiply and add
    are one rounding or two, as it was compiled. Importing it also brings pandas along, 0.8 CPU seconds and
    60 MiB that a process which only replays has no other use for.
    """
    ratio = np.full(len(close), np.nan)
    if len(close) <= period:
        return ratio
    before = close[:-1]
    ranges = np.maximum(high[1:] - low[1:], np.maximum(abs(before - high[1:]), abs(before - low[1:])))
    spans: list[float] = ranges.tolist()
    kept = float(period - 1)
    averages = accumulate(
        spans[period:],
        lambda average, span: (average * kept + span) / period,
        initial=sum(spans[:period]) / period,
    )
    ratio[period:] = np.fromiter(averages, dtype=np.float64, count=len(close) - period)
    ratio[period:] /= close[period:]
    return ratio
