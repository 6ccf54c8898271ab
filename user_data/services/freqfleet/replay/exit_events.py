"""ExitEvents: what every trade meets at every level of a small grid, so that any cell can be priced later.

A surface has already summed over trades. Judging a choice needs the profit of each single trade, and only
of the few cells that were chosen. The events of all levels take (stops + targets) numbers a trade and
scaling, where the profits of all cells would take stops * targets; a cell is one comparison of events.

They are the events of `replay.surface`, by the same functions: honest fills, `Costs`, liquidation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray

from freqfleet.errors import InputError
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.replay import surface_numpy
from freqfleet.replay.costs import Costs
from freqfleet.replay.fills import HONEST
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.replay.paths import TradePaths
from freqfleet.replay.surface import (
    EVENTS_PER_CANDLE,
    STOP_INSIDE,
    Cell,
    SurfaceAxes,
    priced_anew,
    surface_task,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExitEvents:
    """The events of n trades on the axes of a grid. Profits are net position-level ratios.

    stop_key, target_key : (scalings, n, stops) and (scalings, n, targets); the order of events in time, as in
        `replay.surface`; a level that is never reached has a key behind every deadline.
    stop_profit, target_profit : of the same shapes; without meaning where the level is never reached.
    deadline_key, timed_out : (n, limits).
    """

    axes: SurfaceAxes
    stop_key: IntArray
    stop_profit: FloatArray
    target_key: IntArray
    target_profit: FloatArray
    deadline_key: IntArray
    timed_out: FloatArray

    def __len__(self) -> int:
        return len(self.timed_out)

    def subset(self, trades: IntArray) -> Self:
        """Return the events of some of the trades, in the order of `trades`."""
        return type(self)(
            axes=self.axes,
            stop_key=_compact(self.stop_key.take(trades, axis=1)),
            stop_profit=self.stop_profit.take(trades, axis=1),
            target_key=_compact(self.target_key.take(trades, axis=1)),
            target_profit=self.target_profit.take(trades, axis=1),
            deadline_key=_compact(self.deadline_key[trades]),
            timed_out=self.timed_out[trades],
        )

    def profits(self, cell: Cell) -> FloatArray:
        """Return the net profit of every trade under one cell; (n,)."""
        return _priced(
            self.stop_key[cell.scaling, :, cell.stop],
            self.stop_profit[cell.scaling, :, cell.stop],
            self.target_key[cell.scaling, :, cell.target],
            self.target_profit[cell.scaling, :, cell.target],
            self.deadline_key[:, cell.limit],
            self.timed_out[:, cell.limit],
        )

    def ambiguous(self, cell: Cell) -> BoolArray:
        """Return which trades end at a stop in a candle that also reaches the target; (n,)."""
        stop = self.stop_key[cell.scaling, :, cell.stop]
        target = self.target_key[cell.scaling, :, cell.target]
        same_candle = stop // EVENTS_PER_CANDLE == target // EVENTS_PER_CANDLE
        inside = stop % EVENTS_PER_CANDLE == STOP_INSIDE
        both: BoolArray = same_candle & inside & (stop < target) & (stop < self.deadline_key[:, cell.limit])
        return both

    def optimistic_profits(self, cell: Cell) -> FloatArray:
        """Return what `profits` were if ambiguous candles came to the target first; (n,)."""
        return np.where(
            self.ambiguous(cell), self.target_profit[cell.scaling, :, cell.target], self.profits(cell)
        )

    def all_profits(self) -> FloatArray:
        """Return the net profit of every trade under every cell; (n, cells), cells as `SurfaceAxes.cell`."""
        _, _, stops, targets = self.axes.shape
        pairs = np.arange(stops * targets)
        (table,) = profit_tables([self], pairs // targets, pairs % targets)
        return table.reshape(len(self), -1)


def exit_events(paths: TradePaths, axes: SurfaceAxes, costs: Costs) -> ExitEvents:
    """Return the events of some trades on a grid.

    Raises what `SurfaceAxes` raises for axes out of bounds.
    """
    return priced_events(NumpyEngine(paths), axes, [costs])[0]


def priced_events(engine: NumpyEngine, axes: SurfaceAxes, costs: Sequence[Costs]) -> list[ExitEvents]:
    """Return the events of the trades of an honest engine on a grid, once for each of the costs.

    What a trade meets does not depend on what it costs: the keys are found once and shared.
    Raises InputError for an engine that fills otherwise, and what `SurfaceAxes` raises.
    """
    if engine.fills != HONEST:
        raise InputError("events are those of honest fills, the engine fills as freqtrade does")
    paths = engine.paths
    one, none = np.ones(len(paths)), np.zeros(len(paths), np.int64)
    first = surface_task(paths, axes, costs[0], one, none, 1)
    tasks = [first, *(priced_anew(first, paths, each) for each in costs[1:])]
    stops = surface_numpy.stop_touches(first, first.factor, engine.falling.worst)
    targets = surface_numpy.target_touches(first, first.factor, engine.falling.best)
    stop_key, target_key = _compact(stops.key), _compact(targets.key)
    deadline_key = _compact(surface_numpy.deadline_keys(first, paths.width))
    return [
        ExitEvents(
            axes=axes,
            stop_key=stop_key,
            stop_profit=surface_numpy.stop_profits(task, stops),
            target_key=target_key,
            target_profit=surface_numpy.target_profits(task, targets),
            deadline_key=deadline_key,
            timed_out=surface_numpy.timed_out_profits(task),
        )
        for task in tasks
    ]


def _compact(keys: IntArray) -> IntArray:
    """Return the same keys in less memory: a run keeps those of every trade to its end."""
    small: NDArray[np.integer] = keys.astype(np.min_scalar_type(int(keys.max(initial=0))))
    return cast("IntArray", small)


def profit_tables(events: Sequence[ExitEvents], stops: IntArray, targets: IntArray) -> list[FloatArray]:
    """Return the net profit of every trade for some pairs of stop and target, for each of the events.

    events : as `priced_events` gave them, so that which event comes first is settled once for all of them.
    stops, targets : (pairs,), positions on the axes. Result: (n, scalings, limits, pairs) each.
    """
    first = events[0]
    scalings, limits = first.axes.shape[:2]
    tables = [np.empty((len(first), scalings, limits, len(stops))) for _ in events]
    for scaling in range(scalings):
        stop_key = first.stop_key[scaling].take(stops, axis=1)
        target_key = first.target_key[scaling].take(targets, axis=1)
        stopped = stop_key < target_key
        touched = np.where(stopped, stop_key, target_key)
        in_time = [touched < first.deadline_key[:, limit, None] for limit in range(limits)]
        for one, table in zip(events, tables, strict=True):
            paid = np.where(
                stopped,
                one.stop_profit[scaling].take(stops, axis=1),
                one.target_profit[scaling].take(targets, axis=1),
            )
            for limit, is_in_time in enumerate(in_time):
                table[:, scaling, limit] = np.where(is_in_time, paid, one.timed_out[:, limit, None])
    return tables


def _priced(
    stop_key: IntArray,
    stop_profit: FloatArray,
    target_key: IntArray,
    target_profit: FloatArray,
    deadline_key: IntArray,
    timed_out: FloatArray,
) -> FloatArray:
    """Return what the first of three events pays; the keys of a trade differ, but for the end of the data."""
    stopped = stop_key < target_key
    first = np.where(stopped, stop_key, target_key)
    paid: FloatArray = np.where(
        first < deadline_key, np.where(stopped, stop_profit, target_profit), timed_out
    )
    return paid
