"""The exact search: every exit of a grid is replayed, and the best plateau is chosen.

Nothing is sampled, so nothing depends on a seed. By default cells are compared by the mean of their
neighbourhood ("plateau"): the highest single cell ("argmax") is the best in the training trades by
construction and the worst outside them, because a grid of a million cells always holds a lucky one. What
is reported for the chosen exit is its own mean all the same.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from freqfleet.domain.exits import ExitParameters
from freqfleet.errors import InputError
from freqfleet.learning.grid import ExactGrid
from freqfleet.learning.importance import surface_importance
from freqfleet.learning.plateau import AXES, Plateau, best_cell, neighbourhood_means, reach_of, survey
from freqfleet.learning.search import SearchResult
from freqfleet.learning.wording import bps_text, exits_text
from freqfleet.market.arrays import FloatArray
from freqfleet.replay.costs import Costs
from freqfleet.replay.metrics import effective_trades, weighted_mean
from freqfleet.replay.paths import TradePaths
from freqfleet.replay.surface import KernelName, Surfaces, build_surfaces

logger = logging.getLogger(__name__)

Selection = Literal["plateau", "argmax"]
TradeProfits = Callable[[ExitParameters], FloatArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingTrades:
    """The trades that are searched.

    weights : one per trade, above zero. profits : the net profit of every trade under one vector, as an
    engine gives it; (n,). incumbent : the exits in force, against which a plateau is measured.
    """

    paths: TradePaths
    weights: FloatArray
    costs: Costs
    profits: TradeProfits
    incumbent: ExitParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactSearch:
    """Chooses from the surface of the training trades.

    selection : what cells are compared by, see above. kernel : `auto` takes Numba where it is installed.
    importance : measure how much of the surface each parameter explains.

    Raises InputError for a selection that is none.
    """

    selection: Selection = "plateau"
    kernel: KernelName = "auto"
    importance: bool = False

    def __post_init__(self) -> None:
        if self.selection not in ("plateau", "argmax"):
            raise InputError(f"no selection {self.selection!r}; take plateau or argmax")

    def find_best(self, grid: ExactGrid, training: TrainingTrades) -> SearchResult:
        """Replay the whole grid and return its best exit."""
        surfaces = build_surfaces(
            training.paths, grid.axes, training.costs, training.weights, kernel=self.kernel
        )
        return self._choose(grid, surfaces, training)

    def choose(self, grid: ExactGrid, surfaces: Surfaces, training: TrainingTrades) -> SearchResult:
        """Return the best exit that keeps the constraints, and how it stands among its neighbours.

        surfaces : of the training trades, on the axes of the grid; several groups are pooled.
        """
        pooled = surfaces.pooled()
        return self._choose(grid, replace(pooled, sums=pooled.sums.copy()), training)

    def _choose(self, grid: ExactGrid, pooled: Surfaces, training: TrainingTrades) -> SearchResult:
        """Return `choose` of one group, whose sums are used up: a second copy of them is megabytes."""
        weight = float(pooled.weights[0])
        if not weight > 0.0:
            return SearchResult(best=None, value=math.nan, candidates=0)
        surface = np.divide(pooled.sums[0], weight, out=pooled.sums[0])
        chosen = best_cell(self._compared_by(surface, grid))
        if chosen is None:
            return SearchResult(best=None, value=math.nan, candidates=grid.candidates)
        cell = grid.axes.cell(chosen)
        best = grid.axes.parameters(cell)
        profits = training.profits(best)
        value = float(weighted_mean(profits, training.weights))
        plateau = survey(
            surface,
            grid.axes,
            cell,
            incumbent_mean=float(weighted_mean(training.profits(training.incumbent), training.weights)),
            standard_error=_standard_error(profits, value, training.weights),
        )
        _log(grid, best, value, plateau)
        return SearchResult(
            best=best,
            value=value,
            candidates=grid.candidates,
            plateau=plateau,
            importance=(
                surface_importance(np.where(grid.allowed, surface, np.nan), AXES) if self.importance else None
            ),
        )

    def _compared_by(self, surface: FloatArray, grid: ExactGrid) -> FloatArray:
        if self.selection == "argmax":
            return np.where(grid.allowed, surface, -np.inf)
        return neighbourhood_means(surface, reach_of(grid.axes), grid.allowed, kernel=self.kernel)


def _standard_error(profits: FloatArray, mean: float, weights: FloatArray) -> float | None:
    effective = effective_trades(weights)
    if not effective > 1.0:
        return None
    variance = float(weighted_mean((profits - mean) ** 2, weights))
    return math.sqrt(variance / (effective - 1.0))


def _log(grid: ExactGrid, best: ExitParameters, value: float, plateau: Plateau) -> None:
    logger.info(
        "exact search of %d exits: %s earns %s, its %d neighbours %s on average and %s at least",
        grid.candidates,
        exits_text(best),
        bps_text(value),
        plateau.neighbours,
        bps_text(plateau.mean),
        bps_text(plateau.least),
    )
