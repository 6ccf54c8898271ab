"""The plain grid: evenly spread points, without a sampler and without Optuna."""

from __future__ import annotations

from freqfleet.learning.grid import ExactGrid, GridSteps
from freqfleet.learning.search import Proposal
from freqfleet.learning.search_space import FLOAT_NAMES, SearchSpace
from freqfleet.replay.surface import Cell


def grid_steps(time_limits: int, trials: int) -> GridSteps:
    """Return as many steps on every axis as make about `trials` combinations, two at least.

    time_limits : how many the settings have; all of them are tried, and none between.
    """
    steps = max(2, round((trials / time_limits) ** (1 / len(FLOAT_NAMES))))
    return GridSteps(stop_losses=steps, take_profits=steps, volatility_scalings=steps, time_limits=1)


class GridSearch:
    """Every cell of a small grid that keeps the constraints: those among which the gate chooses, too."""

    def __init__(self, space: SearchSpace, trials: int) -> None:
        grid = ExactGrid.of(space, grid_steps(len(space.time_limit_minutes), trials))
        scalings, limits, stops, targets = grid.axes.shape
        self._points = [
            grid.axes.parameters(Cell(scaling, limit, stop, target))
            for limit in range(limits)
            for stop in range(stops)
            for target in range(targets)
            if grid.allowed[stop, target]
            for scaling in range(scalings)
        ]
        self._next = 0

    def ask(self, count: int) -> list[Proposal]:
        """Return the next points; none when the grid is done."""
        start, self._next = self._next, min(self._next + count, len(self._points))
        return [Proposal(self._points[ticket], ticket) for ticket in range(start, self._next)]

    def tell(self, proposal: Proposal, value: float) -> None:
        """A grid learns nothing."""
