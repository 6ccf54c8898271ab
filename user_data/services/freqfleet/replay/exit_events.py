"""ExitEvents: what every trade meets at every level of a small grid, so that any cell can be priced later.

A surface has already summed over trades. Judging a choice needs the profit of each single trade, and only
of the few cells that were chosen. The events of all levels take (stops + targets) numbers a trade and
scaling, where the profits of all cells would take stops * targets; a cell is one comparison of events.

They are the events of `replay.surface`, by the same functions: honest fills, `Costs`, liquidation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.replay import surface_numpy
from freqfleet.replay.costs import Costs
from freqfleet.replay.paths import TradePaths
from freqfleet.replay.surface import EVENTS_PER_CANDLE, STOP_INSIDE, Cell, SurfaceAxes, surface_task


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
        scalings, limits, stops, targets = self.axes.shape
        profits = np.empty((len(self), scalings, limits, stops, targets))
        for scaling in range(scalings):
            for limit in range(limits):
                profits[:, scaling, limit] = _priced(
                    self.stop_key[scaling, :, :, None],
                    self.stop_profit[scaling, :, :, None],
                    self.target_key[scaling, :, None, :],
                    self.target_profit[scaling, :, None, :],
                    self.deadline_key[:, limit, None, None],
                    self.timed_out[:, limit, None, None],
                )
        return profits.reshape(len(self), -1)


def exit_events(paths: TradePaths, axes: SurfaceAxes, costs: Costs) -> ExitEvents:
    """Return the events of some trades on a grid.

    Raises what `SurfaceAxes` raises for axes out of bounds.
    """
    task = surface_task(paths, axes, costs, np.ones(len(paths)), np.zeros(len(paths), np.int64), 1)
    width = task.open.shape[1]
    worst = np.maximum.accumulate(-task.sign * task.worst, axis=1)
    best = np.maximum.accumulate(task.sign * task.best, axis=1)
    stops = [surface_numpy.stop_events(task, factor, worst) for factor in task.factor]
    targets = [surface_numpy.target_events(task, factor, best) for factor in task.factor]
    return ExitEvents(
        axes=axes,
        stop_key=np.stack([key for _, key in stops]).astype(np.int32),
        stop_profit=np.stack([profit for profit, _ in stops]),
        target_key=np.stack([key for _, key in targets]).astype(np.int32),
        target_profit=np.stack([profit for profit, _ in targets]),
        deadline_key=surface_numpy.deadline_keys(task, width).astype(np.int32),
        timed_out=surface_numpy.timed_out_profits(task),
    )


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
