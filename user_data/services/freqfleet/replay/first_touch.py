"""First touches: which candle of a window first comes to a level, for many windows and levels at once.

Prices of short trades count with their sign changed, so that a loss lies below and a gain above. The worst
price so far and the mirrored best price so far then only fall, and the first touch of a level is a binary
search. Rows are lengthened to a power of two, so that every step of the search is the same for all of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from freqfleet.market.arrays import FloatArray, IntArray


class Falling(NamedTuple):
    """Running extremes of n windows of `width` candles; (n, 2^k) each, -inf from column `width` on.

    worst : the signed price furthest against the position so far. best : the signed price furthest in its
    favour, times -1. No row of either ever rises.
    """

    worst: FloatArray
    best: FloatArray


def falling_extremes(*, low: FloatArray, high: FloatArray, is_short: bool) -> Falling:
    """Return the running extremes of these windows; low, high : prices, finite, (n, width)."""
    if is_short:  # the worst signed price is -high, the best one -low
        return Falling(worst=_mirrored_maxima(high), best=_minima(low))
    return Falling(worst=_minima(low), best=_mirrored_maxima(high))


def padded(falling: FloatArray) -> FloatArray:
    """Return rows that never rise with -inf behind them, up to the next power of two above their width."""
    rows = _room_for(falling)
    rows[:, : falling.shape[1]] = falling
    return rows


def first_at_or_below(falling: FloatArray, level: FloatArray, rows: IntArray) -> IntArray:
    """Return the first column at or below `level`: a column of the padding where the row never is.

    falling : (n, 2^k), as `padded` gives it. level : of any shape. rows : the row of each level, of a shape
    that broadcasts with it.
    """
    columns = falling.shape[1]
    flat = falling.ravel()
    first = np.broadcast_to(rows * columns, level.shape)
    last_above = first - 1
    step = columns >> 1
    while step:
        last_above += (flat.take(last_above + step) > level) * step  # no branch to guess wrong
        step >>= 1
    found: IntArray = last_above + 1 - first
    return found


def _minima(values: FloatArray) -> FloatArray:
    rows = _room_for(values)
    np.minimum.accumulate(values, axis=1, out=rows[:, : values.shape[1]])
    return rows


def _mirrored_maxima(values: FloatArray) -> FloatArray:
    rows = _room_for(values)
    window = rows[:, : values.shape[1]]
    np.maximum.accumulate(values, axis=1, out=window)
    np.negative(window, out=window)
    return rows


def _room_for(values: FloatArray) -> FloatArray:
    count, width = values.shape
    rows = np.empty((count, 1 << width.bit_length()))
    rows[:, width:] = -np.inf
    return rows
