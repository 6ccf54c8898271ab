"""The NumPy engine: the exit rule over all trades and a batch of parameter vectors at once.

Prices of short trades change their sign, so that every trade reads as a long one: a loss lies below.
The worst price so far and the best price so far are monotone, hence the first touch of a barrier is a
binary search. They stay prices: as percentages of the entry they would round differently at ties.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Self

import numpy as np

from freqfleet.domain.exits import ExitParameters
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.replay.costs import Costs
from freqfleet.replay.engine import ReplayedExits
from freqfleet.replay.envelopes import Envelopes
from freqfleet.replay.exit_rule import ExitKind
from freqfleet.replay.fills import HONEST, Fills
from freqfleet.replay.level_arrays import VolatilityFactors, deadline_rows, place_levels
from freqfleet.replay.metrics import weighted_mean
from freqfleet.replay.paths import TradePaths

# Means are formed from so many vectors at a time: p x n values of everything would be gigabytes.
VECTORS_AT_ONCE = 256


class NumpyEngine:
    """Replays one set of paths; building it costs one pass over the candles."""

    def __init__(self, paths: TradePaths, fills: Fills = HONEST) -> None:
        self.paths = paths
        self.fills = fills
        seen = Envelopes.of(paths, fills)
        self._worst_so_far = _padded(seen.worst_so_far)
        self._minus_best_so_far = _padded(seen.best_so_far, np.negative)
        self._factors = VolatilityFactors(paths.atr_ratio)

    def subset(self, indices: IntArray, paths: TradePaths) -> Self:
        """Return the engine of some of the trades; their candles are not looked at again.

        paths : `self.paths.subset(indices)`, which the caller has already.
        """
        part = copy(self)
        part.paths = paths
        part._worst_so_far = self._worst_so_far[indices]
        part._minus_best_so_far = self._minus_best_so_far[indices]
        part._factors = VolatilityFactors(paths.atr_ratio)
        return part

    def running_extremes(self) -> tuple[FloatArray, FloatArray]:
        """Return the worst and the best signed price so far, the first one mirrored, so that both rise.

        Shape (n, width) each, as `replay.surface_numpy` searches them.
        """
        width = self.paths.width
        return -self._worst_so_far[:, :width], -self._minus_best_so_far[:, :width]

    def exits(self, parameters: Sequence[ExitParameters]) -> ReplayedExits:
        """Return the exit of every trade under every vector; holds p x n values at once."""
        sign, paths = self.paths.side.sign, self.paths
        levels = place_levels(self.paths, self.fills, self._factors, parameters)
        stop, target = sign * levels.stop_rate, sign * levels.target_rate
        target_fill = sign * levels.target_fill_rate
        # Vectors that share a barrier touch it together: one search for all of them.
        first, shared = _distinct(parameters, "stop_loss")
        stop_index = _first_at_or_below(self._worst_so_far, stop[first])[shared]
        first, shared = _distinct(parameters, "take_profit")
        reached = -Envelopes.reach(target[first], self.fills)
        target_index = _first_at_or_below(self._minus_best_so_far, reached)[shared]
        last = self.paths.width - 1
        rows, chosen = deadline_rows(self.paths, parameters)
        deadline = rows[chosen]

        index = np.minimum(np.minimum(stop_index, target_index), deadline)
        ended = index > last  # no barrier and no deadline inside the window
        index = np.minimum(index, last)
        trade = np.arange(len(self.paths))
        open_ = sign * paths.open[trade, index]
        timed_out = ~ended & (index == deadline)
        looked = ~ended & ~timed_out & (index > 0) & self.fills.looks_at_open
        stop_jumped = looked & (open_ <= stop)
        target_jumped = looked & ~stop_jumped & (open_ >= target)
        at_open = timed_out | stop_jumped | target_jumped
        stopped = ~ended & ~at_open & (stop_index == index)
        ambiguous = stopped & (target_index == index)

        stop_fill = stop
        rate_at_target = target_fill
        if not self.fills.looks_at_open:  # a candle that lies beyond a barrier as a whole
            low, high = sign * paths.low[trade, index], sign * paths.high[trade, index]
            worst, best = (low, high) if sign > 0 else (high, low)
            stop_fill = np.where(best < stop, open_, stop)
            rate_at_target = np.where(worst > target_fill, worst, target_fill)
        rate = np.where(at_open, open_, np.where(stopped, stop_fill, rate_at_target))
        rate = sign * np.where(ended, sign * paths.close[:, last], rate)
        loss = np.where(levels.stop_is_liquidation, ExitKind.LIQUIDATION, ExitKind.STOP)
        kind = np.where(stopped | stop_jumped, loss, ExitKind.TARGET)
        kind = np.where(timed_out, ExitKind.TIME_LIMIT, np.where(ended, ExitKind.END_OF_DATA, kind))
        return ReplayedExits(
            candle_index=index,
            rate=rate,
            kind=kind.astype(np.int8),
            ambiguous=ambiguous,
            optimistic_rate=np.where(ambiguous, levels.target_fill_rate, rate),
        )

    def mean_profits(
        self, parameters: Sequence[ExitParameters], weights: FloatArray, costs: Costs
    ) -> FloatArray:
        """Return the weighted mean net profit of every vector; shape (p,)."""
        means = np.empty(len(parameters))
        for start in range(0, len(parameters), VECTORS_AT_ONCE):
            batch = parameters[start : start + VECTORS_AT_ONCE]
            profits = costs.net_profit_ratio(self.exits(batch), self.paths)
            means[start : start + len(batch)] = weighted_mean(profits, weights)
        return means


def _distinct(parameters: Sequence[ExitParameters], barrier: str) -> tuple[list[int], IntArray]:
    """Return the first vector of every distinct barrier, and which of them each vector has."""
    firsts: dict[tuple[float, float, float | None], int] = {}
    chosen: list[int] = []
    shared = np.empty(len(parameters), dtype=np.int64)
    for index, one in enumerate(parameters):
        key = (getattr(one, barrier), one.volatility_scaling, one.atr_reference_ratio)
        if key not in firsts:
            firsts[key] = len(chosen)
            chosen.append(index)
        shared[index] = firsts[key]
    return chosen, shared


def _padded(values: FloatArray, turned: np.ufunc = np.positive) -> FloatArray:
    """Return falling rows lengthened with -inf to the next power of two less one, and one to spare.

    turned : makes the values fall.
    """
    rows, width = values.shape
    padded = np.empty((rows, 1 << width.bit_length()))
    turned(values, out=padded[:, :width])
    padded[:, width:] = -np.inf
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
