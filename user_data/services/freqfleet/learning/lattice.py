"""Lattice: the exits among which the gate chooses.

Pairs lend each other strength cell by cell, so a cell must mean the same for every pair, and there must be
few enough of them to hold all pairs side by side. What trades cannot tell apart needs no cells of its own:
between one stop and the next of a lattice lie less than a tenth of the spread of a hundred trades' mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from freqfleet.domain.exits import ExitParameters
from freqfleet.errors import InputError
from freqfleet.learning.cells import Brought
from freqfleet.learning.grid import ExactGrid, GridSteps
from freqfleet.learning.plateau import Plateau, survey
from freqfleet.learning.search_space import SearchSpace
from freqfleet.market.arrays import BoolArray, FloatArray
from freqfleet.replay.costs import Costs
from freqfleet.replay.exit_events import ExitEvents, priced_events, profit_tables
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.replay.surface import Cell, SurfaceAxes
from freqfleet.settings import LatticeSettings, OptimizerSettings

# Any ratio: the axes of a lattice do not depend on it, only what a cell comes to does.
ANY_ATR_RATIO = 0.01


@dataclass(frozen=True)
class Lattice:
    """The cells, numbered from 0; every one keeps the constraints of the search space.

    For a pair whose volatility is not known, cells that differ in their scaling only are the same exit.
    """

    optimizer: OptimizerSettings
    settings: LatticeSettings
    with_trend: ClassVar[bool] = False
    _last_grid: dict[float | None, ExactGrid] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def _grid(self) -> ExactGrid:
        return self._new_grid(ANY_ATR_RATIO)

    @cached_property
    def _unscaled(self) -> ExactGrid:
        return self._new_grid(None)

    @cached_property
    def _places(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The position of every cell on the flattened axes, barriers that break a constraint left out."""
        allowed: BoolArray = np.broadcast_to(self._grid.allowed, self._grid.axes.shape)
        return np.flatnonzero(allowed.ravel())

    @property
    def cells(self) -> int:
        """How many there are."""
        return len(self._places)

    @property
    def scales(self) -> bool:
        """True where a cell is another exit for a pair of another volatility."""
        return self._grid.axes.volatility_scalings != (0.0,)

    @property
    def signature(self) -> str:
        """Equal for lattices whose cells are the same exits."""
        axes = self._grid.axes
        values = (axes.stop_losses, axes.take_profits, axes.volatility_scalings, axes.time_limit_minutes)
        return f"{self.cells} cells: {values}"

    @property
    def axes(self) -> SurfaceAxes:
        """The axes that the cells lie on, for a pair whose volatility is known."""
        return self._grid.axes

    def place(self, cell: int) -> Cell:
        """Return where a cell lies on the axes."""
        return self._grid.axes.cell(int(self._places[cell]))

    def exits(self, cell: int, atr_reference_ratio: float | None) -> ExitParameters:
        """Return what a cell comes to for a pair of this median volatility; None where it is not known."""
        axes = self._grid_of(atr_reference_ratio).axes
        return axes.parameters(_on(axes, self.place(cell)))

    def events(
        self, engine: NumpyEngine, costs: Sequence[Costs], atr_reference_ratio: float | None
    ) -> list[ExitEvents]:
        """Return the events of some trades of one pair, once for each of the costs."""
        return priced_events(engine, self._grid_of(atr_reference_ratio).axes, costs)

    def profits(self, events: ExitEvents) -> FloatArray:
        """Return the net profit of every trade in every cell; (n, cells). events : one of `events`."""
        return self.tables([events])[0]

    def tables(self, events: Sequence[ExitEvents]) -> list[FloatArray]:
        """Return `profits` for the events of the same trades at several costs."""
        scalings = self._grid.axes.shape[0]
        stops, targets = np.nonzero(self._grid.allowed)
        tables = profit_tables(events, stops, targets)
        if events[0].axes.shape[0] != scalings:
            tables = [np.repeat(one, scalings, axis=1) for one in tables]
        return [one.reshape(len(one), -1) for one in tables]

    def profits_at(self, events: ExitEvents, cell: int) -> FloatArray:
        """Return the net profit of every trade in one cell; (n,)."""
        return events.profits(self.place_on(events, cell))

    def place_on(self, events: ExitEvents, cell: int) -> Cell:
        """Return where a cell lies on the axes of some events."""
        return _on(events.axes, self.place(cell))

    def exits_of(self, brought: Brought, cell: int) -> ExitParameters:
        """See `Cells`."""
        return self.exits(cell, brought.atr_reference_ratio)

    def cell_in_force(self, brought: Brought) -> int | None:
        """Return None: what is in force comes from other volatilities, and hardly ever lies on a cell."""
        return None

    def profits_of(self, brought: Brought, cell: int) -> FloatArray:
        """See `Cells`."""
        return self.profits_at(_events(brought), cell)

    def profit_table(self, brought: Brought) -> FloatArray:
        """See `Cells`."""
        return self.profits(_events(brought))

    def ambiguous_trades(self, brought: Brought, cell: int) -> int:
        """See `Cells`."""
        events = _events(brought)
        return int(events.ambiguous(self.place_on(events, cell)).sum())

    def optimistic_profits(self, brought: Brought, cell: int) -> FloatArray | None:
        """See `Cells`."""
        events = _events(brought)
        return events.optimistic_profits(self.place_on(events, cell))

    def surroundings(
        self, cell: int, means: FloatArray, *, incumbent_mean: float, standard_error: float
    ) -> Plateau | None:
        """See `Cells`."""
        return survey(
            self.surface(means),
            self.axes,
            self.place(cell),
            incumbent_mean=incumbent_mean,
            standard_error=standard_error,
        )

    def surface(self, values: FloatArray) -> FloatArray:
        """Return a value per cell in the shape of the axes, NaN where a constraint is broken."""
        shaped = np.full(self._grid.axes.cells, np.nan)
        shaped[self._places] = values
        return shaped.reshape(self._grid.axes.shape)

    def _grid_of(self, atr_reference_ratio: float | None) -> ExactGrid:
        """Return the grid of a pair; the last one is kept, for a pair asks several times in a row."""
        if atr_reference_ratio is None or not math.isfinite(atr_reference_ratio):
            return self._unscaled
        if atr_reference_ratio not in self._last_grid:
            self._last_grid.clear()
            axes = replace(self._grid.axes, atr_reference_ratio=atr_reference_ratio)
            self._last_grid[atr_reference_ratio] = replace(self._grid, axes=axes)
        return self._last_grid[atr_reference_ratio]

    def _new_grid(self, atr_reference_ratio: float | None) -> ExactGrid:
        steps = GridSteps(
            stop_losses=self.settings.stop_losses,
            take_profits=self.settings.take_profits,
            volatility_scalings=self.settings.volatility_scalings,
            time_limits=1,  # those of the settings, and none between them
        )
        return ExactGrid.of(SearchSpace.of(self.optimizer, atr_reference_ratio), steps)


def _events(brought: Brought) -> ExitEvents:
    if not isinstance(brought.events, ExitEvents):
        raise InputError("these trades were priced on ways to follow the path; start the run anew")
    return brought.events


def _on(axes: SurfaceAxes, place: Cell) -> Cell:
    return place._replace(scaling=min(place.scaling, axes.shape[0] - 1))
