"""The NumPy engine: the exit rule over all trades and a batch of parameter vectors at once.

Prices of short trades change their sign, so that every trade reads as a long one: a loss lies below.
The worst price so far and the best price so far are monotone, hence the first touch of a barrier is a
binary search. They stay prices: as percentages of the entry they would round differently at ties.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from freqfleet.domain.exits import STOP_LOSS_BOUNDS, TAKE_PROFIT_BOUNDS, ExitParameters
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.market.timeframes import MINUTE_MS
from freqfleet.replay.engine import ReplayedExits
from freqfleet.replay.exit_rule import ExitKind
from freqfleet.replay.paths import TradePaths


class NumpyEngine:
    """Replays one set of paths; building it costs one pass over the candles."""

    def __init__(self, paths: TradePaths) -> None:
        self.paths = paths
        sign = paths.side.sign
        worst, best = (paths.low, paths.high) if sign > 0 else (-paths.high, -paths.low)
        self._worst_so_far = _padded(np.minimum.accumulate(worst, axis=1))
        self._minus_best_so_far = _padded(-np.maximum.accumulate(best, axis=1))
        self._open = sign * paths.open
        self._close = sign * paths.close
        self._atr_ratio: list[float] = paths.atr_ratio.tolist()

    def exits(self, parameters: Sequence[ExitParameters]) -> ReplayedExits:
        """Return the exit of every trade under every vector; holds p x n values at once."""
        stop, target = barrier_rates(self.paths, self._atr_ratio, parameters)
        stop, target = self.paths.side.sign * stop, self.paths.side.sign * target
        stop_index = _first_at_or_below(self._worst_so_far, stop)
        target_index = _first_at_or_below(self._minus_best_so_far, -target)
        last = self.paths.width - 1
        deadline = self._deadline_index(parameters)

        index = np.minimum(np.minimum(stop_index, target_index), deadline)
        ended = index > last  # no barrier and no deadline inside the window
        index = np.minimum(index, last)
        trade = np.arange(len(self.paths))
        open_ = self._open[trade, index]
        timed_out = ~ended & (index == deadline)
        after_entry = ~ended & ~timed_out & (index > 0)
        stop_jumped = after_entry & (open_ <= stop)
        target_jumped = after_entry & ~stop_jumped & (open_ >= target)
        at_open = timed_out | stop_jumped | target_jumped
        inside = ~ended & ~at_open
        stopped = inside & (stop_index == index)

        rate = np.where(at_open, open_, np.where(stopped, stop, target))
        rate = np.where(ended, self._close[:, last], rate)
        kind = np.where(stopped | stop_jumped, ExitKind.STOP, ExitKind.TARGET)
        kind = np.where(timed_out, ExitKind.TIME_LIMIT, np.where(ended, ExitKind.END_OF_DATA, kind))
        return ReplayedExits(
            candle_index=index,
            rate=self.paths.side.sign * rate,
            kind=kind.astype(np.int8),
            ambiguous=stopped & (target_index == index),
        )

    def _deadline_index(self, parameters: Sequence[ExitParameters]) -> IntArray:
        """Return the first candle that opens on or after the time limit; shape (p, n)."""
        limits = np.array([one.time_limit_minutes for one in parameters], dtype=np.int64)
        elapsed = self.paths.entered_ms - self.paths.first_open_ms
        after_first_open = elapsed + limits[:, None] * MINUTE_MS
        index: IntArray = -(-after_first_open // self.paths.timeframe_ms)
        return index


def barrier_rates(
    paths: TradePaths, atr_ratio: Sequence[float], parameters: Sequence[ExitParameters]
) -> tuple[FloatArray, FloatArray]:
    """Return `domain.exits.effective_barriers` of every vector and trade: stop and target, shape (p, n).

    The factor of each trade comes from the domain itself; the rest are single roundings, which NumPy and
    Python do alike. tests/replay/test_numpy_engine.py holds the two together bit for bit.
    """
    factor = np.array([[one.volatility_factor(atr) for atr in atr_ratio] for one in parameters])
    factor = factor.reshape(len(parameters), len(paths))
    stop_loss = np.array([one.stop_loss for one in parameters])[:, None]
    take_profit = np.array([one.take_profit for one in parameters])[:, None]
    stop_ratio = np.maximum(stop_loss * factor, STOP_LOSS_BOUNDS[0])
    target_ratio = np.minimum(take_profit * factor, TAKE_PROFIT_BOUNDS[1])
    sign = paths.side.sign
    return (
        paths.entry_rate * (1.0 + sign * stop_ratio),
        paths.entry_rate * (1.0 + sign * target_ratio),
    )


def _padded(falling: FloatArray) -> FloatArray:
    """Return rows lengthened with -inf to the next power of two less one, and one to spare."""
    rows, width = falling.shape
    padded = np.full((rows, 1 << width.bit_length()), -np.inf)
    padded[:, :width] = falling
    return padded


def _first_at_or_below(falling: FloatArray, level: FloatArray) -> IntArray:
    """Return the first column of each row that is at or below `level`; the padding always is.

    falling : (n, 2^k), no row ever rises. level : (p, n). Result: (p, n), a column of the padding where
    the row itself never comes down to the level.
    """
    rows, columns = falling.shape
    flat = falling.ravel()
    row_start = np.arange(rows) * columns
    above = np.zeros(level.shape, dtype=np.int64)  # how many leading columns are known to lie above
    step = columns >> 1
    while step:
        probe = above + step
        above = np.where(flat[row_start + probe - 1] > level, probe, above)
        step >>= 1
    return above
