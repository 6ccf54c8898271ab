"""The NumPy engine: the exit rule over all trades and a batch of parameter vectors at once.

Prices of short trades change their sign, so that every trade reads as a long one: a loss lies below.
The worst price so far and the best price so far are monotone, hence the first touch of a barrier is a
binary search. They stay prices: as percentages of the entry they would round differently at ties.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from freqfleet.domain.exits import ExitParameters
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.replay.costs import Costs
from freqfleet.replay.engine import ReplayedExits
from freqfleet.replay.envelopes import Envelopes
from freqfleet.replay.exit_rule import ExitKind
from freqfleet.replay.fills import HONEST, Fills
from freqfleet.replay.first_touch import Falling, falling_extremes, first_at_or_below, padded
from freqfleet.replay.level_arrays import (
    VolatilityFactors,
    deadline_rows,
    not_behind_liquidation,
    place_levels,
    stop_rates,
    target_rates,
)
from freqfleet.replay.metrics import weighted_mean
from freqfleet.replay.paths import TradePaths
from freqfleet.replay.surface import (
    EVENTS_PER_CANDLE,
    STOP_AT_OPEN,
    STOP_INSIDE,
    TARGET_AT_OPEN,
    TARGET_INSIDE,
)

# Means are formed from so many vectors at a time: p x n values of everything would be gigabytes.
VECTORS_AT_ONCE = 256


class NumpyEngine:
    """Replays one set of paths; building it costs one pass over the candles."""

    def __init__(self, paths: TradePaths, fills: Fills = HONEST) -> None:
        self.paths = paths
        self.fills = fills
        self.falling = _falling(paths, fills)
        self._factors = VolatilityFactors(paths.atr_ratio)

    def exits(self, parameters: Sequence[ExitParameters]) -> ReplayedExits:
        """Return the exit of every trade under every vector; holds p x n values at once."""
        sign, paths = self.paths.side.sign, self.paths
        levels = place_levels(self.paths, self.fills, self._factors, parameters)
        stop, target = sign * levels.stop_rate, sign * levels.target_rate
        target_fill = sign * levels.target_fill_rate
        trade = np.arange(len(paths))
        # Vectors that share a barrier touch it together: one search for all of them.
        first, shared = _distinct(parameters, "stop_loss")
        stop_index = first_at_or_below(self.falling.worst, stop[first], trade)[shared]
        first, shared = _distinct(parameters, "take_profit")
        reached = -Envelopes.reach(target[first], self.fills)
        target_index = first_at_or_below(self.falling.best, reached, trade)[shared]
        last = self.paths.width - 1
        rows, chosen = deadline_rows(self.paths, parameters)
        deadline = rows[chosen]

        index = np.minimum(np.minimum(stop_index, target_index), deadline)
        ended = index > last  # no barrier and no deadline inside the window
        index = np.minimum(index, last)
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
        self,
        parameters: Sequence[ExitParameters],
        weights: FloatArray,
        costs: Costs,
        trades: IntArray | None = None,
    ) -> FloatArray:
        """Return the weighted mean net profit of every vector; shape (p,)."""
        means = np.empty(len(parameters))
        for start in range(0, len(parameters), VECTORS_AT_ONCE):
            batch = parameters[start : start + VECTORS_AT_ONCE]
            means[start : start + len(batch)] = weighted_mean(self._profits(batch, costs, trades), weights)
        return means

    def _profits(
        self, parameters: Sequence[ExitParameters], costs: Costs, trades: IntArray | None
    ) -> FloatArray:
        """Return the net profit of every vector and trade; (p, trades)."""
        chosen = np.arange(len(self.paths)) if trades is None else trades
        if self.fills == HONEST:
            return self._honest_profits(parameters, costs, chosen)
        # Not by [:, chosen]: another layout would be added up in another order.
        return costs.net_profit_ratio(self.exits(parameters), self.paths).take(chosen, axis=1)

    def _honest_profits(
        self, parameters: Sequence[ExitParameters], costs: Costs, trades: IntArray
    ) -> FloatArray:
        """Return what `exits` come to, by way of events: a grid has few barriers and many vectors.

        Each distinct stop, target and time limit is filled and paid once, whichever vectors have it; what is
        left for a vector is which of its three comes first.
        """
        stop, stop_of = self._stop_events(parameters, costs, trades)
        target, target_of = self._target_events(parameters, costs, trades)
        limit, limit_of = self._limit_events(parameters, costs, trades)
        stop_key, target_key = stop.key[stop_of], target.key[target_of]
        stopped = stop_key < target_key
        in_time = np.where(stopped, stop_key, target_key) < limit.key[limit_of]
        at_barrier = np.where(stopped, stop.profit[stop_of], target.profit[target_of])
        return np.where(in_time, at_barrier, limit.profit[limit_of])

    def _stop_events(
        self, parameters: Sequence[ExitParameters], costs: Costs, trades: IntArray
    ) -> tuple[_Events, IntArray]:
        sign, paths = self.paths.side.sign, self.paths
        first, shared = _distinct(parameters, "stop_loss")
        placed = stop_rates(paths, self._factors, [parameters[one] for one in first])
        reachable, behind = not_behind_liquidation(paths, placed)
        rate = reachable.take(trades, axis=1)
        candle = first_at_or_below(self.falling.worst, sign * rate, trades)
        inside, open_ = self._opens(candle, trades)
        jumped = (candle > 0) & (candle < paths.width) & (sign * open_ <= sign * rate)
        profit = costs.net_of_fills(
            np.where(jumped, open_, rate),
            inside,
            paths,
            trades,
            at_target=False,
            liquidated=behind.take(trades, axis=1),
        )
        place = np.where(jumped, STOP_AT_OPEN, STOP_INSIDE)
        return _Events(candle * EVENTS_PER_CANDLE + place, profit), shared

    def _target_events(
        self, parameters: Sequence[ExitParameters], costs: Costs, trades: IntArray
    ) -> tuple[_Events, IntArray]:
        sign, paths = self.paths.side.sign, self.paths
        first, shared = _distinct(parameters, "take_profit")
        placed = target_rates(paths, self._factors, [parameters[one] for one in first])
        rate = placed.take(trades, axis=1)
        candle = first_at_or_below(self.falling.best, -sign * rate, trades)
        inside, open_ = self._opens(candle, trades)
        jumped = (candle > 0) & (candle < paths.width) & (sign * open_ >= sign * rate)
        profit = costs.net_of_fills(np.where(jumped, open_, rate), inside, paths, trades, at_target=True)
        place = np.where(jumped, TARGET_AT_OPEN, TARGET_INSIDE)
        return _Events(candle * EVENTS_PER_CANDLE + place, profit), shared

    def _limit_events(
        self, parameters: Sequence[ExitParameters], costs: Costs, trades: IntArray
    ) -> tuple[_Events, IntArray]:
        """Return the time limits; where the candles end first, the last close in place of an open."""
        rows, shared = deadline_rows(self.paths, parameters)
        candle = rows.take(trades, axis=1)
        inside, open_ = self._opens(candle, trades)
        rate = np.where(candle < self.paths.width, open_, self.paths.close[trades, -1])
        profit = costs.net_of_fills(rate, inside, self.paths, trades, at_target=False)
        return _Events(np.minimum(candle, self.paths.width) * EVENTS_PER_CANDLE, profit), shared

    def _opens(self, candle: IntArray, trades: IntArray) -> tuple[IntArray, FloatArray]:
        """Return the candles, none behind the last one, and the prices they open at; (k, trades)."""
        inside = np.minimum(candle, self.paths.width - 1)
        return inside, self.paths.open[trades, inside]


class _Events(NamedTuple):
    """Where each of k barriers ends each trade, and what that comes to; (k, trades).

    key : the order of events in time, as in `replay.surface`.
    """

    key: IntArray
    profit: FloatArray


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


def _falling(paths: TradePaths, fills: Fills) -> Falling:
    if fills == HONEST:
        return falling_extremes(low=paths.low, high=paths.high, is_short=paths.side.is_short)
    seen = Envelopes.of(paths, fills)
    return Falling(worst=padded(seen.worst_so_far), best=padded(-seen.best_so_far))
