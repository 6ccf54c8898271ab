"""The Numba engine: the same promise as the NumPy one, for batches of thousands of vectors.

Importing this module loads Numba (about half a second) and the first call of a kernel compiles it, or
takes it from Numba's cache; `engines.open_engine` decides when that pays.

First touches are found by halving the envelopes. On windows of 8 to 290 candles that took less time than
walking along them, and much less than counting with vector instructions.

`mean_profits` makes no array of p x n values in honest mode: barriers, exit, costs and the weighted sum
are one pass. Its bits are those of `weighted_mean`, because it adds in the order of NumPy's own sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from freqfleet.domain.exits import STOP_LOSS_BOUNDS, TAKE_PROFIT_BOUNDS, ExitParameters
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.replay.costs import Costs
from freqfleet.replay.engine import ReplayedExits
from freqfleet.replay.envelopes import Envelopes
from freqfleet.replay.exit_rule import ExitKind
from freqfleet.replay.fills import HONEST, Fills
from freqfleet.replay.level_arrays import VolatilityFactors, deadline_rows, place_levels
from freqfleet.replay.metrics import weighted_mean
from freqfleet.replay.paths import TradePaths

_STOP = int(ExitKind.STOP)
_TARGET = int(ExitKind.TARGET)
_TIME_LIMIT = int(ExitKind.TIME_LIMIT)
_END_OF_DATA = int(ExitKind.END_OF_DATA)
_LIQUIDATION = int(ExitKind.LIQUIDATION)
# NumPy adds at most so many values in one go, and halves longer arrays.
_PAIRWISE_BLOCK = 128
_STOP_FLOOR = STOP_LOSS_BOUNDS[0]
_TARGET_CEILING = TAKE_PROFIT_BOUNDS[1]

F = TypeVar("F", bound=Callable[..., object])


def _compiled(function: F) -> F:
    return cast("F", numba.njit(cache=True, error_model="numpy", nogil=True)(function))


class NumbaEngine:
    """Replays one set of paths; building it costs one pass over the candles."""

    def __init__(self, paths: TradePaths, fills: Fills = HONEST) -> None:
        self.paths = paths
        self.fills = fills
        seen = Envelopes.of(paths, fills)
        self._seen = seen
        self._walls = (np.ascontiguousarray(seen.worst_so_far), np.ascontiguousarray(seen.best_so_far))
        self._opens = (np.ascontiguousarray(seen.open), np.ascontiguousarray(seen.close))
        self._ends = (np.ascontiguousarray(seen.worst), np.ascontiguousarray(seen.best))
        self._factors = VolatilityFactors(paths.atr_ratio)
        liquidation = paths.side.sign * paths.liquidation_rate
        self._liquidation = np.where(np.isnan(liquidation), -np.inf, liquidation)

    def exits(self, parameters: Sequence[ExitParameters]) -> ReplayedExits:
        """Return the exit of every trade under every vector; holds p x n values at once."""
        sign = self.paths.side.sign
        levels = place_levels(self.paths, self.fills, self._factors, parameters)
        target = sign * levels.target_rate
        rows, chosen = deadline_rows(self.paths, parameters)
        shape = target.shape
        index, rate = np.empty(shape, dtype=np.int64), np.empty(shape)
        kind, ambiguous = np.empty(shape, dtype=np.int8), np.empty(shape, dtype=np.bool_)
        _exits(
            *self._walls,
            *self._opens,
            *self._ends,
            sign * levels.stop_rate,
            target,
            self._seen.reach(target, self.fills),
            sign * levels.target_fill_rate,
            levels.stop_is_liquidation,
            rows,
            chosen,
            self.fills.looks_at_open,
            index,
            rate,
            kind,
            ambiguous,
        )
        rate *= sign
        return ReplayedExits(
            candle_index=index,
            rate=rate,
            kind=kind,
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
        if trades is not None:
            return type(self)(self.paths.subset(trades), self.fills).mean_profits(parameters, weights, costs)
        if self.fills != HONEST:
            return weighted_mean(costs.net_profit_ratio(self.exits(parameters), self.paths), weights)
        total = float(weights.sum())
        means = np.full(len(parameters), np.nan)
        if not total > 0.0 or not parameters:
            return means
        factors, factor_row = self._factors.rows(parameters)
        deadlines, deadline_row = deadline_rows(self.paths, parameters)
        _means(
            *self._walls,
            *self._opens,
            self._liquidation,
            self.paths.entry_rate,
            self.paths.side.sign,
            np.array([one.stop_loss for one in parameters]),
            np.array([one.take_profit for one in parameters]),
            factors,
            factor_row,
            deadlines,
            deadline_row,
            self.paths.funding_ratio,
            costs.funding,
            costs.fee_ratio,
            costs.target_fill_fee_ratio,
            costs.slippage_ratio,
            -1.0 / self.paths.leverage,
            weights,
            total,
            means,
        )
        return means


@_compiled
def _first_at_or_below(falling: FloatArray, row: int, end: int, level: float) -> int:
    """Return the first of the columns before `end` that is at or below the level, else `end`."""
    low, high = 0, end
    while low < high:
        middle = (low + high) >> 1
        if falling[row, middle] > level:
            low = middle + 1
        else:
            high = middle
    return low


@_compiled
def _first_at_or_above(rising: FloatArray, row: int, end: int, level: float) -> int:
    """Return the first of the columns before `end` that is at or above the level, else `end`."""
    low, high = 0, end
    while low < high:
        middle = (low + high) >> 1
        if rising[row, middle] < level:
            low = middle + 1
        else:
            high = middle
    return low


@_compiled
def _touch(
    worst_so_far: FloatArray, best_so_far: FloatArray, trade: int, end: int, stop: float, reach: float
) -> tuple[int, bool, bool]:
    """Return the first candle before `end` that touches a barrier, and which of the two it touches.

    The candle is `end` where none does.
    """
    stop_at = _first_at_or_below(worst_so_far, trade, end, stop)
    until = min(stop_at + 1, end)  # a target after the stop does not matter
    target_at = _first_at_or_above(best_so_far, trade, until, reach)
    if target_at < until:
        return target_at, target_at == stop_at, True
    return stop_at, stop_at < end, False


@_compiled
def _exits(
    worst_so_far: FloatArray,
    best_so_far: FloatArray,
    open_: FloatArray,
    close: FloatArray,
    worst: FloatArray,
    best: FloatArray,
    stops: FloatArray,
    targets: FloatArray,
    reaches: FloatArray,
    target_fills: FloatArray,
    is_liquidation: BoolArray,
    deadlines: IntArray,
    deadline_row: IntArray,
    looks_at_open: bool,
    index: IntArray,
    rate: FloatArray,
    kind: NDArray[np.int8],
    ambiguous: BoolArray,
) -> None:
    """Fill `index`, `rate` (signed), `kind` and `ambiguous` for every vector and trade."""
    width = open_.shape[1]
    for vector in range(stops.shape[0]):
        for trade in range(stops.shape[1]):
            stop, target = stops[vector, trade], targets[vector, trade]
            fill = target_fills[vector, trade]
            deadline = deadlines[deadline_row[vector], trade]
            end = min(deadline, width)
            at, stopped, reached = _touch(worst_so_far, best_so_far, trade, end, stop, reaches[vector, trade])
            both = False
            if at == end:
                if deadline < width:
                    price, code = open_[trade, deadline], _TIME_LIMIT
                else:
                    at = width - 1
                    price, code = close[trade, at], _END_OF_DATA
            else:
                opened = open_[trade, at]
                loss = _LIQUIDATION if is_liquidation[vector, trade] else _STOP
                looks = looks_at_open and at > 0
                if looks and opened <= stop:
                    price, code = opened, loss
                elif looks and opened >= target:
                    price, code = opened, _TARGET
                elif stopped:
                    beyond = not looks_at_open and best[trade, at] < stop
                    price, code = (opened if beyond else stop), loss
                    both = reached
                else:
                    beyond = not looks_at_open and worst[trade, at] > fill
                    price, code = (worst[trade, at] if beyond else fill), _TARGET
            index[vector, trade] = at
            rate[vector, trade] = price
            kind[vector, trade] = code
            ambiguous[vector, trade] = both


@_compiled
def _honest_exit(
    worst_so_far: FloatArray,
    best_so_far: FloatArray,
    open_: FloatArray,
    close: FloatArray,
    trade: int,
    deadline: int,
    stop: float,
    target: float,
) -> tuple[int, float, int]:
    """Return the candle, the signed price and the kind of an exit; a liquidation is a stop here."""
    width = open_.shape[1]
    end = min(deadline, width)
    at, stopped, _ = _touch(worst_so_far, best_so_far, trade, end, stop, target)
    if at == end:
        if deadline < width:
            return at, open_[trade, at], _TIME_LIMIT
        return width - 1, close[trade, width - 1], _END_OF_DATA
    opened = open_[trade, at]
    if at > 0 and opened <= stop:
        return at, opened, _STOP
    if at > 0 and opened >= target:
        return at, opened, _TARGET
    if stopped:
        return at, stop, _STOP
    return at, target, _TARGET


@_compiled
def _means(
    worst_so_far: FloatArray,
    best_so_far: FloatArray,
    open_: FloatArray,
    close: FloatArray,
    liquidation: FloatArray,
    entry_rate: FloatArray,
    sign: int,
    stop_loss: FloatArray,
    take_profit: FloatArray,
    factors: FloatArray,
    factor_row: IntArray,
    deadlines: IntArray,
    deadline_row: IntArray,
    funding_ratio: FloatArray,
    charges_funding: bool,
    fee_ratio: float,
    target_fee_ratio: float,
    slippage_ratio: float,
    margin_loss: FloatArray,
    weights: FloatArray,
    total: float,
    means: FloatArray,
) -> None:
    """Fill `means` in honest mode; every line that computes is one of `Costs.net_profit_ratio`."""
    trades = open_.shape[0]
    weighted = np.empty(trades)
    slipped = 1.0 - sign * slippage_ratio
    paid_in = 1.0 + sign * fee_ratio
    kept_at_market, kept_at_target = 1.0 - sign * fee_ratio, 1.0 - sign * target_fee_ratio
    for vector in range(len(means)):
        factor_of, deadline_of = factor_row[vector], deadline_row[vector]
        for trade in range(trades):
            factor, entry = factors[factor_of, trade], entry_rate[trade]
            stop_ratio = max(stop_loss[vector] * factor, _STOP_FLOOR)
            target_ratio = min(take_profit[vector] * factor, _TARGET_CEILING)
            stop = sign * (entry * (1.0 + sign * stop_ratio))
            target = sign * (entry * (1.0 + sign * target_ratio))
            liquidated = liquidation[trade] > stop
            if liquidated:
                stop = liquidation[trade]
            at, price, left = _honest_exit(
                worst_so_far, best_so_far, open_, close, trade, deadlines[deadline_of, trade], stop, target
            )
            if left == _TARGET:
                closed = sign * price / entry * kept_at_target
            else:
                closed = sign * price * slipped / entry * kept_at_market
            if charges_funding:
                closed = closed - funding_ratio[trade, at]
            profit = sign * (closed / paid_in - 1.0)
            if liquidated and left == _STOP:
                profit = margin_loss[trade]
            weighted[trade] = profit * weights[trade]
        means[vector] = _sum_as_numpy(weighted) / total


@_compiled
def _sum_as_numpy(values: FloatArray) -> float:
    """Return the sum in the order in which NumPy adds contiguous float64 values: pairwise.

    NumPy halves until 128 values are left and adds the halves. Here that is a stack of the right halves to
    come and the sums of the left ones: cached Numba code that calls itself crashes when it is loaded.
    """
    right_start, right_count = np.empty(64, dtype=np.int64), np.empty(64, dtype=np.int64)
    left_sum, left_is_known = np.empty(64), np.zeros(64, dtype=np.bool_)
    depth, start, count = 0, 0, len(values)
    while True:
        while count > _PAIRWISE_BLOCK:
            half = count // 2
            half -= half % 8
            right_start[depth], right_count[depth] = start + half, count - half
            left_is_known[depth] = False
            depth += 1
            count = half
        summed = _block_sum(values, start, count)
        while depth > 0 and left_is_known[depth - 1]:
            depth -= 1
            summed = left_sum[depth] + summed
        if depth == 0:
            return summed
        left_sum[depth - 1], left_is_known[depth - 1] = summed, True
        start, count = right_start[depth - 1], right_count[depth - 1]


@_compiled
def _block_sum(values: FloatArray, start: int, count: int) -> float:
    """Return the sum of a block of at most 128 values as NumPy adds them: in eight lanes."""
    summed: float = 0.0
    whole = count - count % 8 if count >= 8 else 0
    if whole > 0:
        lane0, lane1, lane2, lane3 = values[start], values[start + 1], values[start + 2], values[start + 3]
        start4 = start + 4
        lane4, lane5, lane6, lane7 = (
            values[start4],
            values[start4 + 1],
            values[start4 + 2],
            values[start4 + 3],
        )
        for index in range(start + 8, start + whole, 8):
            lane0 += values[index]
            lane1 += values[index + 1]
            lane2 += values[index + 2]
            lane3 += values[index + 3]
            lane4 += values[index + 4]
            lane5 += values[index + 5]
            lane6 += values[index + 6]
            lane7 += values[index + 7]
        summed = ((lane0 + lane1) + (lane2 + lane3)) + ((lane4 + lane5) + (lane6 + lane7))
    for index in range(start + whole, start + count):
        summed += values[index]
    return summed
