"""Bars: candles of one length as arrays, made coarser (exactly) or finer (along a stated path)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from freqfleet.market.arrays import FloatArray, IntArray

# Where the path of a candle turns, as fractions of its length.
_TURN_1, _TURN_2 = 1 / 3, 2 / 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # eq: arrays have no single truth
class Bars:
    """Candles of one length, oldest first.

    step_ms : length of a candle.
    time_ms : shape (n,), open times, strictly ascending, on the grid of `step_ms`; gaps are allowed.
    ohlcv : shape (n, 5), columns open high low close volume; no NaN.
    """

    step_ms: int
    time_ms: IntArray
    ohlcv: FloatArray

    def __len__(self) -> int:
        return len(self.time_ms)

    @property
    def end_ms(self) -> int:
        """When the last candle closes; the bars must not be empty."""
        return int(self.time_ms[-1]) + self.step_ms

    def between(self, start_ms: int, end_ms: int) -> Bars:
        """Return the candles that open in [start_ms, end_ms)."""
        first, last = np.searchsorted(self.time_ms, (start_ms, end_ms))
        return Bars(step_ms=self.step_ms, time_ms=self.time_ms[first:last], ohlcv=self.ohlcv[first:last])

    def newest(self, count: int) -> Bars:
        """Return the last `count` candles (all of them where there are fewer); `count` > 0."""
        return Bars(step_ms=self.step_ms, time_ms=self.time_ms[-count:], ohlcv=self.ohlcv[-count:])

    def oldest(self, count: int) -> Bars:
        """Return the first `count` candles."""
        return Bars(step_ms=self.step_ms, time_ms=self.time_ms[:count], ohlcv=self.ohlcv[:count])

    def closed_at(self, now_ms: int) -> Bars:
        """Return the candles that have closed by `now_ms`."""
        last = np.searchsorted(self.time_ms, now_ms - self.step_ms, side="right")
        return Bars(step_ms=self.step_ms, time_ms=self.time_ms[:last], ohlcv=self.ohlcv[:last])

    def moved(self, by_ms: int) -> Bars:
        """Return these candles with `by_ms` added to their times."""
        return Bars(step_ms=self.step_ms, time_ms=self.time_ms + by_ms, ohlcv=self.ohlcv)

    def index_at(self, at_ms: int) -> int | None:
        """Return the position of the candle that is running at `at_ms`, None in a gap or outside."""
        index = int(np.searchsorted(self.time_ms, at_ms, side="right")) - 1
        if index < 0 or at_ms >= int(self.time_ms[index]) + self.step_ms:
            return None
        return index

    def followed_by(self, later: Bars) -> Bars:
        """Return these candles and later ones of the same length."""
        assert self.step_ms == later.step_ms, f"{self.step_ms} ms and {later.step_ms} ms do not join"
        return Bars(
            step_ms=self.step_ms,
            time_ms=np.concatenate((self.time_ms, later.time_ms)),
            ohlcv=np.concatenate((self.ohlcv, later.ohlcv)),
        )


def fold(ohlcv: FloatArray) -> FloatArray:
    """Return the one candle, shape (5,), that covers all candles of `ohlcv`, shape (n >= 1, 5)."""
    return np.array(
        (ohlcv[0, 0], ohlcv[:, 1].max(), ohlcv[:, 2].min(), ohlcv[-1, 3], ohlcv[:, 4].sum()), dtype=np.float64
    )


def aggregate(bars: Bars, step_ms: int) -> Bars:
    """Return coarser bars on the UTC grid of `step_ms`, a multiple of the bars' own length.

    A first candle that begins inside its step covers what there is, as after a listing.
    """
    assert step_ms % bars.step_ms == 0, f"{step_ms} ms is no multiple of {bars.step_ms} ms"
    if len(bars) == 0 or step_ms == bars.step_ms:
        return Bars(step_ms=step_ms, time_ms=bars.time_ms, ohlcv=bars.ohlcv)
    step_of_row = bars.time_ms // step_ms
    first = np.flatnonzero(np.diff(step_of_row, prepend=step_of_row[0] - 1))
    last = np.append(first[1:], len(bars)) - 1
    columns = (
        bars.ohlcv[first, 0],
        np.maximum.reduceat(bars.ohlcv[:, 1], first),
        np.minimum.reduceat(bars.ohlcv[:, 2], first),
        bars.ohlcv[last, 3],
        np.add.reduceat(bars.ohlcv[:, 4], first),
    )
    return Bars(step_ms=step_ms, time_ms=step_of_row[first] * step_ms, ohlcv=np.column_stack(columns))


def stretch(ohlcv: FloatArray, start: FloatArray, end: FloatArray) -> FloatArray:
    """Return the candles that parts of candles would have been, shape (n, 5).

    ohlcv : shape (n, 5); inside a candle the price runs straight from turn to turn: open, low, high, close
        where it closes at or above its open, else open, high, low, close; a third of the time for each leg.
    start, end : shape (n,), fractions of the candle's length, 0 <= start <= end <= 1.

    Nothing after `end` enters. Folding all parts of a candle gives the candle back.
    """
    knots = _knots(ohlcv)
    opened, closed = _along(knots, start), _along(knots, end)
    high, low = np.maximum(opened, closed), np.minimum(opened, closed)
    for position, turn in ((1, _TURN_1), (2, _TURN_2)):
        passed = (start <= turn) & (turn <= end)
        high = np.where(passed, np.maximum(high, knots[:, position]), high)
        low = np.where(passed, np.minimum(low, knots[:, position]), low)
    return np.column_stack((opened, high, low, closed, ohlcv[:, 4] * (end - start)))


def interpolate(bars: Bars, step_ms: int) -> Bars:
    """Return finer bars along the path of `stretch`; `step_ms` must divide the bars' own length.

    These candles did not happen; they only agree with the ones that did.
    """
    assert bars.step_ms % step_ms == 0, f"{step_ms} ms does not divide {bars.step_ms} ms"
    count = bars.step_ms // step_ms
    index = np.tile(np.arange(count), len(bars))
    rows = stretch(np.repeat(bars.ohlcv, count, axis=0), index / count, (index + 1) / count)
    time_ms = np.repeat(bars.time_ms, count) + index * step_ms
    return Bars(step_ms=step_ms, time_ms=time_ms, ohlcv=rows)


def _knots(ohlcv: FloatArray) -> FloatArray:
    opened, high, low, closed = ohlcv[:, 0], ohlcv[:, 1], ohlcv[:, 2], ohlcv[:, 3]
    rising = closed >= opened
    return np.column_stack((opened, np.where(rising, low, high), np.where(rising, high, low), closed))


def _along(knots: FloatArray, at: FloatArray) -> FloatArray:
    leg = np.minimum((at * 3).astype(np.int64), 2)
    row = np.arange(len(knots))
    begin, end = knots[row, leg], knots[row, leg + 1]
    return np.asarray(begin + (end - begin) * (at * 3 - leg), dtype=np.float64)
