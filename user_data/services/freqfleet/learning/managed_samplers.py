"""The searches of learning.samplers over a ManagedSpace; loaded when one is opened, for Optuna's sake."""

from __future__ import annotations

import math

import numpy as np

from freqfleet.domain.managed_exits import ManagedExits
from freqfleet.learning.managed_space import MANAGED_RANGES, PARTIAL_TARGETS, ManagedSpace
from freqfleet.learning.samplers import OptunaSearch
from freqfleet.learning.search import Proposal
from freqfleet.learning.search_space import FLOAT_NAMES

GRID_STEPS = 3
GOLDEN_RATIO = (math.sqrt(5.0) - 1.0) / 2.0


class ManagedOptunaSearch(OptunaSearch):
    """A study that draws the plain parameters first and then what follows the path."""

    def __init__(self, name: str, space: ManagedSpace, seed: int) -> None:
        super().__init__(name, space, seed)
        self._managed_space = space

    def _ask_one(self) -> Proposal:
        plain = super()._ask_one()
        trial, space = self._open[plain.ticket], self._managed_space
        draws = {name: trial.suggest_float(name, *space.ranges[name]) for name in MANAGED_RANGES}
        on = {name: trial.suggest_categorical(name, (False, True)) for name in space.switches}
        rungs = trial.suggest_categorical(PARTIAL_TARGETS, space.rung_counts)
        return Proposal(space.managed(plain.parameters, draws, on, rungs), plain.ticket)


class ManagedGridSearch:
    """Points of the full grid, about `trials` of them: far too many to try, so they are taken in strides
    that spread evenly, whatever their number."""

    def __init__(self, space: ManagedSpace, trials: int) -> None:
        self._space = space
        self._axes = self._grid_axes()
        self._points = self._spread(trials)
        self._next = 0

    def ask(self, count: int) -> list[Proposal]:
        """Return the next points; none when the grid is done."""
        start, self._next = self._next, min(self._next + count, len(self._points))
        return [Proposal(self._points[ticket], ticket) for ticket in range(start, self._next)]

    def tell(self, proposal: Proposal, value: float) -> None:
        """A grid learns nothing."""

    def _grid_axes(self) -> dict[str, list[float]]:
        space = self._space
        ranges = {**{name: space.range_of(name) for name in FLOAT_NAMES}, **space.ranges}
        axes = {name: np.unique(np.linspace(*one, GRID_STEPS)).tolist() for name, one in ranges.items()}
        axes["time_limit_minutes"] = list(space.time_limit_minutes)
        for name in space.switches:
            axes[name] = [0, 1]
        axes[PARTIAL_TARGETS] = list(space.rung_counts)
        return axes

    def _spread(self, trials: int) -> list[ManagedExits]:
        size = math.prod(len(axis) for axis in self._axes.values())
        stride = max(1, round(size * GOLDEN_RATIO))
        while math.gcd(stride, size) != 1:
            stride += 1
        found: dict[ManagedExits, None] = {}  # what is switched off makes points equal
        for step in range(size):
            point = self._point(step * stride % size)
            if self._space.allows(point):
                found[point] = None
            if len(found) == trials:
                break
        return list(found)

    def _point(self, number: int) -> ManagedExits:
        drawn: dict[str, float] = {}
        for name, axis in self._axes.items():
            number, position = divmod(number, len(axis))
            drawn[name] = axis[position]
        space = self._space
        plain = space.parameters(
            stop_loss=drawn["stop_loss"],
            take_profit=drawn["take_profit"],
            volatility_scaling=drawn["volatility_scaling"],
            time_limit_minutes=int(drawn["time_limit_minutes"]),
        )
        on = {name: bool(drawn[name]) for name in space.switches}
        return space.managed(plain, drawn, on, int(drawn[PARTIAL_TARGETS]))
