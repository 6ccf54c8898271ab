"""The NumPy engine: the exit rule over all trades and a batch of parameter vectors at once.

Prices of short trades change their sign, so that every trade reads as a long one: a loss lies below.
The worst price so far and the best price so far are monotone, hence the first touch of a barrier is a
binary search. They stay prices: as percentages of the entry they would round differently at ties.
"""

from __future__ import annotations

from collections.abc import Sequence

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
        self._seen = Envelopes.of(paths, fills)
        self._worst_so_far = _padded(self._seen.worst_so_far)
        self._minus_best_so_far = _padded(-self._seen.best_so_far)
        self._factors = VolatilityFactors(paths.atr_ratio)

    def exits(self, parameters: Sequence[ExitParameters]) -> ReplayedExits:
        """Return the exit of every trade under every vector; holds p x n values at once."""
        sign, seen = self.paths.side.sign, self._seen
        levels = place_levels(self.paths, self.fills, self._factors, parameters)
        stop, target = sign * levels.stop_rate, sign * levels.target_rate
        target_fill = sign * levels.target_fill_rate
        # Vectors that share a barrier touch it together: one search for all of them.
        first, shared = _distinct(parameters, "stop_loss")
        stop_index = _first_at_or_below(self._worst_so_far, stop[first])[shared]
        first, shared = _distinct(parameters, "take_profit")
        reached = -seen.reach(target[first], self.fills)
        target_index = _first_at_or_below(self._minus_best_so_far, reached)[shared]
        last = self.paths.width - 1
        rows, chosen = deadline_rows(self.paths, parameters)
        deadline = rows[chosen]

        index = np.minimum(np.minimum(stop_index, target_index), deadline)
        ended = index > last  # no barrier and no deadline inside the window
        index = np.minimum(index, last)
        trade = np.arange(len(self.paths))
        open_ = seen.open[trade, index]
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
            worst, best = seen.worst[trade, index], seen.best[trade, index]
            stop_fill = np.where(best < stop, open_, stop)
            rate_at_target = np.where(worst > target_fill, worst, target_fill)
        rate = np.where(at_open, open_, np.where(stopped, stop_fill, rate_at_target))
        rate = sign * np.where(ended, seen.close[:, last], rate)
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
