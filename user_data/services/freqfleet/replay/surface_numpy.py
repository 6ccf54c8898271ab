"""The surface kernel without a compiler: whole arrays at a time, about ten times slower than Numba's."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from freqfleet.domain.exits import STOP_LOSS_BOUNDS, TAKE_PROFIT_BOUNDS
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.replay.first_touch import falling_extremes, first_at_or_below
from freqfleet.replay.surface import (
    EVENTS_PER_CANDLE,
    STOP_AT_OPEN,
    STOP_INSIDE,
    TARGET_AT_OPEN,
    TARGET_INSIDE,
    SurfaceTask,
)


def surface_sums(task: SurfaceTask) -> FloatArray:
    """Return the weighted sums of every cell; (groups, scalings, limits, stops, targets)."""
    limits, stops, targets = task.deadline.shape[1], len(task.stop_losses), len(task.take_profits)
    sums = np.zeros((task.groups, len(task.factor), limits, stops, targets))
    if len(task.entry) == 0:
        return sums
    is_short = task.sign < 0.0
    low, high = (task.best, task.worst) if is_short else (task.worst, task.best)
    falling = falling_extremes(low=low, high=high, is_short=is_short)
    timed_out = timed_out_profits(task)
    for scaling, factor in enumerate(task.factor):
        stop, target = stop_touches(task, factor, falling.worst), target_touches(task, factor, falling.best)
        sums[:, scaling] = _spread(
            task, stop.key, stop_profits(task, stop), target.key, target_profits(task, target), timed_out
        )
    return sums


class Touches(NamedTuple):
    """Where each level is touched, whatever that costs; (n, levels) each, or (scalings, n, levels).

    fill : signed price. candle : the width where the level is never reached. funding : paid until then, as a
    ratio. liquidated : where the exchange closes the position first; never at a target.
    """

    fill: FloatArray
    candle: IntArray
    key: IntArray
    funding: FloatArray
    liquidated: BoolArray


def stop_touches(task: SurfaceTask, factor: FloatArray, worst: FloatArray) -> Touches:
    """Return where every stop is touched.

    factor : of one scaling, (n,), or of several, (scalings, n). worst : as in `first_touch.Falling`.
    """
    ratio = np.maximum(task.stop_losses * factor[..., None], STOP_LOSS_BOUNDS[0])
    placed = task.sign * (task.entry[:, None] * (1.0 + task.sign * ratio))
    stop = np.maximum(placed, task.liquidation[:, None])
    candle = first_at_or_below(worst, stop, _trades(task))
    open_, funding, inside_window = _at(task, candle)
    jumped = inside_window & (candle > 0) & (open_ <= stop)
    return Touches(
        fill=np.where(jumped, open_, stop),
        candle=candle,
        key=candle * EVENTS_PER_CANDLE + np.where(jumped, STOP_AT_OPEN, STOP_INSIDE),
        funding=funding,
        liquidated=stop > placed,
    )


def target_touches(task: SurfaceTask, factor: FloatArray, best: FloatArray) -> Touches:
    """Return where every target is touched; factor, best : as in `stop_touches`."""
    ratio = np.minimum(task.take_profits * factor[..., None], TAKE_PROFIT_BOUNDS[1])
    target = task.sign * (task.entry[:, None] * (1.0 + task.sign * ratio))
    candle = first_at_or_below(best, -target, _trades(task))
    open_, funding, inside_window = _at(task, candle)
    jumped = inside_window & (candle > 0) & (open_ >= target)
    return Touches(
        fill=np.where(jumped, open_, target),
        candle=candle,
        key=candle * EVENTS_PER_CANDLE + np.where(jumped, TARGET_AT_OPEN, TARGET_INSIDE),
        funding=funding,
        liquidated=np.zeros(candle.shape, dtype=np.bool_),
    )


def stop_profits(task: SurfaceTask, touches: Touches) -> FloatArray:
    """Return the weighted profit at every stop; of the shape of the touches."""
    profit = touches.fill * task.market_gain[:, None] - _paid(task, touches.funding)
    return np.where(touches.liquidated, task.liquidated[:, None], profit)


def target_profits(task: SurfaceTask, touches: Touches) -> FloatArray:
    """Return the weighted profit at every target; of the shape of the touches."""
    profit: FloatArray = touches.fill * task.target_gain[:, None] - _paid(task, touches.funding)
    return profit


def _trades(task: SurfaceTask) -> IntArray:
    return np.arange(len(task.entry))[:, None]


def _at(task: SurfaceTask, candle: IntArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return the signed open and the funding paid at some candles, and which lie inside the window."""
    width = task.open.shape[1]
    place = _trades(task) * width + np.minimum(candle, width - 1)
    return task.sign * task.open.ravel().take(place), task.funding.ravel().take(place), candle < width


def _paid(task: SurfaceTask, funding: FloatArray) -> FloatArray:
    paid: FloatArray = (task.weight * task.sign)[:, None] + funding * task.funding_share[:, None]
    return paid


def timed_out_profits(task: SurfaceTask) -> FloatArray:
    """Return what is left at each limit, or at the last close where the candles end first; (n, limits)."""
    open_, funding, inside_window = _at(task, task.deadline)
    fill = np.where(inside_window, open_, task.sign * task.last_close[:, None])
    return fill * task.market_gain[:, None] - _paid(task, funding)


def _spread(
    task: SurfaceTask,
    stop_key: IntArray,
    stop_profit: FloatArray,
    target_key: IntArray,
    target_profit: FloatArray,
    timed_out: FloatArray,
) -> FloatArray:
    """Note each profit at the edge of its part of the plane, and sum; (groups, limits, stops, targets)."""
    limits, stops, targets = timed_out.shape[1], stop_key.shape[1], target_key.shape[1]
    width = task.open.shape[1]
    deadline_key = deadline_keys(task, width)
    limit_of_stop = _count_below(deadline_key, stop_key)  # the first limit that lets this stop be reached
    limit_of_target = _count_below(deadline_key, target_key)
    first_target = _count_below(target_key, stop_key)  # the first target that comes after this stop
    first_stop = _count_below(stop_key, target_key)
    stops_reached = _count_below(stop_key, deadline_key)
    targets_reached = _count_below(target_key, deadline_key)
    group = task.group[:, None]
    shape = (task.groups, limits + 1, stops + 1, targets + 1)

    def noted(profit: FloatArray, *place: IntArray) -> FloatArray:
        flat = np.ravel_multi_index(np.broadcast_arrays(group, *place), shape)
        sums = np.bincount(flat.ravel(), weights=profit.ravel(), minlength=int(np.prod(shape)))
        return sums.reshape(shape)[:, :limits, :stops, :targets]

    stopped = noted(stop_profit, limit_of_stop, np.arange(stops), first_target)
    paid_out = noted(target_profit, limit_of_target, first_stop, np.arange(targets))
    ended = noted(timed_out, np.arange(limits), stops_reached, targets_reached)
    by_barrier = stopped.cumsum(axis=3) + paid_out.cumsum(axis=2)
    spread: FloatArray = by_barrier.cumsum(axis=1) + ended.cumsum(axis=3).cumsum(axis=2)
    return spread


def deadline_keys(task: SurfaceTask, width: int) -> IntArray:
    """Return the key of every time limit; (n, limits).

    What is never reached has the key of a candle behind the last one: later than the end of the data.
    """
    keys: IntArray = np.minimum(task.deadline, width) * EVENTS_PER_CANDLE
    return keys


def _count_below(rising: IntArray, bound: IntArray) -> IntArray:
    """Return how many entries of each row of `rising` lie below each entry of the same row of `bound`."""
    row_start = np.arange(len(rising))[:, None] * (int(max(rising.max(), bound.max())) + 1)
    found = np.searchsorted((rising + row_start).ravel(), (bound + row_start).ravel())
    below: IntArray = found.reshape(bound.shape) - np.arange(len(rising))[:, None] * rising.shape[1]
    return below
