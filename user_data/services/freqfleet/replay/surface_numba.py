"""The surface kernel in machine code. Import it only where it is used: Numba takes its time.

For one trade and scaling the levels of an axis are sorted, and so are the records of the trade: the candles
that go lower (or higher) than any before. One sweep over both cuts the axis into *segments*, runs of levels
that are reached by the same event. All levels of a segment have the same key, hence the same edge on the
other axis, and their profits are noted side by side in memory.

A longer time limit only adds events: segments are noted in the order of the limits, each of them once.

Whole arrays are copied and added cell by cell: a slice on the left makes Numba compile the text of the error
for shapes that differ, one and a half seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar, cast

import numba
import numpy as np

from freqfleet.domain.exits import STOP_LOSS_BOUNDS, TAKE_PROFIT_BOUNDS
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.replay.surface import (
    EVENTS_PER_CANDLE,
    STOP_AT_OPEN,
    STOP_INSIDE,
    TARGET_AT_OPEN,
    TARGET_INSIDE,
    SurfaceTask,
)

# The key behind the last segment of a trade.
NEVER = 2**62
RECORDS_EXPECTED = 32

F = TypeVar("F", bound=Callable[..., object])


def _compiled(function: F) -> F:
    return cast("F", numba.njit(cache=True, error_model="numpy", nogil=True)(function))


class Records(NamedTuple):
    """The records of all trades, one after the other; those of trade i are starts[i]:starts[i + 1].

    level, open : mirrored, so that levels rise. paid : costs of an exit in that candle, see `SurfaceTask`.
    """

    starts: IntArray
    candle: IntArray
    level: FloatArray
    open: FloatArray
    paid: FloatArray


def surface_sums(task: SurfaceTask) -> FloatArray:
    """Return the weighted sums of every cell; (groups, scalings, limits, stops, targets).

    Room for the kernels is made here: in machine code every np.zeros takes a tenth of a second to compile.
    """
    trades, width = task.open.shape
    limits, stops, targets = task.deadline.shape[1], len(task.stop_losses), len(task.take_profits)
    sums = np.zeros((task.groups, len(task.factor), limits, stops, targets))
    if trades == 0:
        return sums
    last = np.minimum(task.deadline[:, -1], width)
    losing = _records(task, task.worst, -1.0, last)
    winning = _records(task, task.best, 1.0, last)
    deadline_key = np.minimum(task.deadline, width) * EVENTS_PER_CANDLE
    timed_out = _timed_out(task)
    members = [np.flatnonzero(task.group == group) for group in range(task.groups)]
    for scaling, factor in enumerate(task.factor):
        placed = _levels(task.stop_losses, STOP_LOSS_BOUNDS[0], np.inf, task.sign, task.entry, factor)
        stop = np.maximum(placed, task.liquidation[:, None])
        loss_starts, loss, loss_profit = _cut(stop, -1.0, losing, task.market_gain, STOP_AT_OPEN, STOP_INSIDE)
        loss_profit = np.where(stop > placed, task.liquidated[:, None], loss_profit)
        target = _levels(task.take_profits, -np.inf, TAKE_PROFIT_BOUNDS[1], task.sign, task.entry, factor)
        gain_starts, gain, gain_profit = _cut(
            target, 1.0, winning, task.target_gain, TARGET_AT_OPEN, TARGET_INSIDE
        )
        for group, own in enumerate(members):
            _sum_limits(
                sums[group, scaling],
                own,
                deadline_key,
                timed_out,
                loss_starts[:-1].copy(),
                loss,
                loss_profit,
                gain_starts[:-1].copy(),
                gain,
                gain_profit,
                np.zeros((targets + 1, stops)),
                np.zeros((stops + 1, targets)),
                np.empty((stops + 1, targets)),
                np.empty((targets, stops)),
                np.empty(targets),
            )
    return sums


def _records(task: SurfaceTask, prices: FloatArray, mirror: float, last: IntArray) -> Records:
    starts, candle, level = _find_records(prices, mirror * task.sign, last)
    candle, level = candle.copy(), level.copy()  # the rest of their memory was room for more
    trade = np.repeat(np.arange(len(prices)), np.diff(starts))
    return Records(
        starts=starts,
        candle=candle,
        level=level,
        open=mirror * task.sign * task.open[trade, candle],
        paid=(task.weight * task.sign)[trade] + task.funding[trade, candle] * task.funding_share[trade],
    )


def _cut(
    levels: FloatArray, mirror: float, records: Records, per_rate: FloatArray, at_open: int, inside: int
) -> tuple[IntArray, IntArray, FloatArray]:
    """Cut the levels of every trade into segments.

    Returned are where the segments of each trade start; their key, first level and end; and the weighted
    profit of every level that is reached, (n, levels). Behind the segments of a trade stands one that
    never happens, whose first level is the first one that is not reached.
    """
    trades, count = levels.shape
    starts = np.zeros(trades + 1, np.int64)
    segments = np.empty((2 * len(records.candle) + trades, 3), np.int64)
    profit = np.zeros((trades, count))
    _segments(levels, mirror, *records, per_rate, at_open, inside, segments, starts, profit)
    return starts, segments, profit


def _timed_out(task: SurfaceTask) -> FloatArray:
    """Return the weighted profit at each limit, or at the last close where candles end first; (n, limits)."""
    final = task.open.shape[1] - 1
    trade = np.arange(len(task.entry))[:, None]
    candle = np.minimum(task.deadline, final)
    fill = np.where(task.deadline > final, task.last_close[:, None], task.open[trade, candle])
    paid = (task.weight * task.sign)[:, None] + task.funding[trade, candle] * task.funding_share[:, None]
    profit: FloatArray = task.sign * fill * task.market_gain[:, None] - paid
    return profit


@_compiled
def _find_records(prices: FloatArray, mirror: float, last: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Return where the records of each trade start, and the candle and mirrored price of every record.

    last : how many candles of each trade count.
    """
    trades = len(prices)
    starts = np.zeros(trades + 1, np.int64)
    room = RECORDS_EXPECTED * trades
    candle, level = np.empty(room, np.int64), np.empty(room)
    used = 0
    for trade in range(trades):
        if used + last[trade] > room:
            room = 2 * room + last[trade]
            more_candles, more_levels = np.empty(room, np.int64), np.empty(room)
            for at in range(used):
                more_candles[at], more_levels[at] = candle[at], level[at]
            candle, level = more_candles, more_levels
        highest = -np.inf
        for index in range(last[trade]):
            price = mirror * prices[trade, index]
            if price > highest:
                highest = price
                candle[used], level[used] = index, price
                used += 1
        starts[trade + 1] = used
    return starts, candle[:used], level[:used]


@_compiled
def _levels(
    ratios: FloatArray, least: float, most: float, sign: float, entry: FloatArray, factor: FloatArray
) -> FloatArray:
    """Return `effective_barriers` of every trade, times the sign of the side; (n, ratios)."""
    levels = np.empty((len(entry), len(ratios)))
    for trade in range(len(entry)):
        for at in range(len(ratios)):
            ratio = min(max(ratios[at] * factor[trade], least), most)
            levels[trade, at] = sign * (entry[trade] * (1.0 + sign * ratio))
    return levels


@_compiled
def _segments(
    levels: FloatArray,
    mirror: float,
    starts: IntArray,
    candle: IntArray,
    record_level: FloatArray,
    record_open: FloatArray,
    paid: FloatArray,
    per_rate: FloatArray,
    at_open: int,
    inside: int,
    segments: IntArray,
    segment_starts: IntArray,
    profit: FloatArray,
) -> None:
    """Write what `_cut` returns; segment_starts and profit are zeros before."""
    trades, count = levels.shape
    used = 0
    for trade in range(trades):
        gain = per_rate[trade]
        first = 0
        for record in range(starts[trade], starts[trade + 1]):
            if first == count:
                break
            if mirror * levels[trade, first] > record_level[record]:
                continue
            key = candle[record] * EVENTS_PER_CANDLE
            opened = mirror * record_open[record]
            jumped = first
            if candle[record] > 0:
                while jumped < count and mirror * levels[trade, jumped] <= record_open[record]:
                    profit[trade, jumped] = opened * gain - paid[record]
                    jumped += 1
            end = jumped
            while end < count and mirror * levels[trade, end] <= record_level[record]:
                profit[trade, end] = levels[trade, end] * gain - paid[record]
                end += 1
            if jumped > first:
                segments[used, 0], segments[used, 1], segments[used, 2] = key + at_open, first, jumped
                used += 1
            if end > jumped:
                segments[used, 0], segments[used, 1], segments[used, 2] = key + inside, jumped, end
                used += 1
            first = end
        segments[used, 0], segments[used, 1], segments[used, 2] = NEVER, first, first
        used += 1
        segment_starts[trade + 1] = used


@_compiled
def _sum_limits(
    sums: FloatArray,
    members: IntArray,
    deadline_key: IntArray,
    timed_out: FloatArray,
    next_loss: IntArray,
    loss: IntArray,
    loss_profit: FloatArray,
    next_gain: IntArray,
    gain: IntArray,
    gain_profit: FloatArray,
    stopped: FloatArray,
    paid_out: FloatArray,
    ended: FloatArray,
    by_target: FloatArray,
    running: FloatArray,
) -> None:
    """Fill the planes of one scaling and group, (limits, stops, targets), one limit after the other.

    next_loss, next_gain : where the segments of each trade start; they move on.
    stopped, paid_out : zeros. The one is noted at the first target that comes later, (targets + 1, stops),
    the other at the first stop, (stops + 1, targets).
    ended, by_target, running : room, of the shapes (stops + 1, targets), (targets, stops) and (targets,).
    """
    limits, stops, targets = sums.shape
    for limit in range(limits):
        for row in range(stops + 1):
            for at in range(targets):
                ended[row, at] = 0.0
        for trade in members:
            until = deadline_key[trade, limit]
            one, other = next_loss[trade], next_gain[trade]
            # Both lists are sorted by key: what comes first is noted at the edge the other has reached.
            while min(loss[one, 0], gain[other, 0]) < until:
                if loss[one, 0] < gain[other, 0]:
                    edge = gain[other, 1]
                    for at in range(loss[one, 1], loss[one, 2]):
                        stopped[edge, at] += loss_profit[trade, at]
                    one += 1
                else:
                    edge = loss[one, 1]
                    for at in range(gain[other, 1], gain[other, 2]):
                        paid_out[edge, at] += gain_profit[trade, at]
                    other += 1
            next_loss[trade], next_gain[trade] = one, other
            edge = loss[one, 1]
            for at in range(gain[other, 1], targets):
                ended[edge, at] += timed_out[trade, limit]
        _spread(stopped, paid_out, ended, by_target, running, sums[limit])


@_compiled
def _spread(
    stopped: FloatArray,
    paid_out: FloatArray,
    ended: FloatArray,
    by_target: FloatArray,
    running: FloatArray,
    plane: FloatArray,
) -> None:
    """Write one plane: what is noted at an edge holds for every cell behind it."""
    stops, targets = plane.shape
    for j in range(stops):
        by_target[0, j] = stopped[0, j]
    for k in range(1, targets):
        for j in range(stops):
            by_target[k, j] = by_target[k - 1, j] + stopped[k, j]
    for k in range(targets):
        running[k] = 0.0
    for j in range(stops):
        for k in range(targets):
            running[k] += paid_out[j, k] + ended[j, k]
            plane[j, k] = running[k] + by_target[k, j]
