"""Indicators that decide something: defined once, so that replay and live cannot differ."""

from __future__ import annotations

import numpy as np

from freqfleet.market.arrays import FloatArray

ATR_PERIOD = 14
TREND_CANDLES = 288  # a day of 5m candles
_ROWS_AT_ONCE = 1024  # windows copied at once: two megabytes
# Candles that are smoothed one after the other, while all blocks are smoothed side by side.
BLOCK = 128


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
    first = float(ranges[:period].sum()) / period
    ratio[period] = first
    ratio[period + 1 :] = _smoothed(ranges[period:], first, period)
    ratio[period:] /= close[period:]
    return ratio


def _smoothed(spans: FloatArray, start: float, period: int) -> FloatArray:
    """Return a[i] = (a[i - 1] * (period - 1) + spans[i]) / period, where a[-1] is `start`.

    Every block is smoothed as if nothing were before it; what the blocks before it left is added after.
    """
    kept = (period - 1) / period
    blocks = -(-len(spans) // BLOCK)
    padded = np.zeros(blocks * BLOCK)
    padded[: len(spans)] = spans / period
    steps = padded.reshape(blocks, BLOCK).T.copy()
    for row in range(1, BLOCK):
        steps[row] += kept * steps[row - 1]
    powers = np.cumprod(np.full(BLOCK, kept))
    left, lefts, ends = start, [], steps[-1].tolist()
    for end in ends:
        lefts.append(left)
        left = end + float(powers[-1]) * left
    smoothed: FloatArray = (steps + powers[:, None] * np.array(lefts)).T.ravel()[: len(spans)]
    return smoothed


def trend_z(close: FloatArray, candles: int = TREND_CANDLES) -> FloatArray:
    """Return how far the price has moved in `candles`, in standard deviations of a driftless walk.

    z_t = ln(C_t / C_{t-n}) / sqrt(sum of the n squared log returns up to t): about N(0, 1) where nothing
    drives the price, above 0 in a rise. close : shape (n_candles,), above 0. Returns the same shape; NaN in
    the first `candles` values, and where the price stood still.

    A value rests on the last `candles` + 1 closes alone and has no memory, so that a bot that starts today
    and a backtest of a year agree to the last bit.
    """
    found = np.full(len(close), np.nan)
    if len(close) <= candles:
        return found
    logs = np.log(close)
    squares = np.diff(logs) ** 2
    # One contiguous row a window: numpy then adds each in the same order, wherever the series begins.
    windows = np.lib.stride_tricks.sliding_window_view(squares, candles)
    variance = np.concatenate(
        [
            np.ascontiguousarray(windows[at : at + _ROWS_AT_ONCE]).sum(axis=1)
            for at in range(0, len(windows), _ROWS_AT_ONCE)
        ]
    )
    moved = logs[candles:] - logs[:-candles]
    with np.errstate(divide="ignore", invalid="ignore"):
        found[candles:] = np.where(variance > 0.0, moved / np.sqrt(variance), np.nan)
    return found
