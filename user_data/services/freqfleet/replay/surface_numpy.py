"""The surface kernel without a compiler: whole arrays at a time, about ten times slower than Numba's."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from freqfleet.domain.exits import STOP_LOSS_BOUNDS, TAKE_PROFIT_BOUNDS
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
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
    worst = np.maximum.accumulate(-task.sign * task.worst, axis=1)
    best = np.maximum.accumulate(task.sign * task.best, axis=1)
    timed_out = timed_out_profits(task)
    for scaling, factor in enumerate(task.factor):
        stop, target = stop_touches(task, factor, worst), target_touches(task, factor, best)
        sums[:, scaling] = _spread(
            task, stop.key, stop_profits(task, stop), target.key, target_profits(task, target), timed_out
        )
    return sums


class Touches(NamedTuple):
    """Where each level is touched, whatever that costs; (n, levels) each.

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

    worst : running extreme against the trade, mirrored so that it rises; (n, w).
    """
    ratio = np.maximum(task.stop_losses * factor[:, None], STOP_LOSS_BOUNDS[0])
    placed = task.sign * (task.entry[:, None] * (1.0 + task.sign * ratio))
    stop = np.maximum(placed, task.liquidation[:, None])
    candle = _first_at_or_above(worst, -stop)
    open_, inside_window = _open_at(task, candle)
    jumped = inside_window & (candle > 0) & (open_ <= stop)
    return Touches(
        fill=np.where(jumped, open_, stop),
        candle=candle,
        key=candle * EVENTS_PER_CANDLE + np.where(jumped, STOP_AT_OPEN, STOP_INSIDE),
        funding=_funding_at(task, candle),
        liquidated=stop > placed,
    )


def target_touches(task: SurfaceTask, factor: FloatArray, best: FloatArray) -> Touches:
    """Return where every target is touched; best : as `worst`."""
    ratio = np.minimum(task.take_profits * factor[:, None], TAKE_PROFIT_BOUNDS[1])
    target = task.sign * (task.entry[:, None] * (1.0 + task.sign * ratio))
    candle = _first_at_or_above(best, target)
    open_, inside_window = _open_at(task, candle)
    jumped = inside_window & (candle > 0) & (open_ >= target)
    return Touches(
        fill=np.where(jumped, open_, target),
        candle=candle,
        key=candle * EVENTS_PER_CANDLE + np.where(jumped, TARGET_AT_OPEN, TARGET_INSIDE),
        funding=_funding_at(task, candle),
        liquidated=np.zeros(candle.shape, dtype=np.bool_),
    )


def stop_profits(task: SurfaceTask, touches: Touches) -> FloatArray:
    """Return the weighted profit at every stop; (n, stops)."""
    profit = touches.fill * task.market_gain[:, None] - _paid(task, touches.funding)
    return np.where(touches.liquidated, task.liquidated[:, None], profit)


def target_profits(task: SurfaceTask, touches: Touches) -> FloatArray:
    """Return the weighted profit at every target; (n, targets)."""
    profit: FloatArray = touches.fill * task.target_gain[:, None] - _paid(task, touches.funding)
    return profit


def _first_at_or_above(rising: FloatArray, level: FloatArray) -> IntArray:
    """Return the first column of each row that reaches each level; the width where none does."""
    rows, width = rising.shape
    flat, before = rising.ravel(), (np.arange(rows) * width - 1)[:, None]
    below: IntArray = np.zeros(level.shape, dtype=np.int64)  # so many columns are known to lie below
    step = 1 << (width.bit_length() - 1)
    while step:  # all rows and levels at once: a call per trade costs more than it finds
        probe = below + step
        lies_below = (probe <= width) & (flat[before + np.minimum(probe, width)] < level)
        below = np.where(lies_below, probe, below)
        step >>= 1
    return below


def _open_at(task: SurfaceTask, candle: IntArray) -> tuple[FloatArray, BoolArray]:
    last = task.open.shape[1] - 1
    trade = np.arange(len(candle))[:, None]
    return task.sign * task.open[trade, np.minimum(candle, last)], candle <= last


def _funding_at(task: SurfaceTask, candle: IntArray) -> FloatArray:
    last = task.open.shape[1] - 1
    trade = np.arange(len(candle))[:, None]
    funding: FloatArray = task.funding[trade, np.minimum(candle, last)]
    return funding


def _paid(task: SurfaceTask, funding: FloatArray) -> FloatArray:
    paid: FloatArray = (task.weight * task.sign)[:, None] + funding * task.funding_share[:, None]
    return paid


def timed_out_profits(task: SurfaceTask) -> FloatArray:
    """Return what is left at each limit, or at the last close where the candles end first; (n, limits)."""
    open_, inside_window = _open_at(task, task.deadline)
    fill = np.where(inside_window, open_, task.sign * task.last_close[:, None])
    return fill * task.market_gain[:, None] - _paid(task, _funding_at(task, task.deadline))


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
