"""Selection: one cell per unit and training set, chosen by the shrunk posterior of its family.

Step one of the gate. It sees moments only, so the optimizer never needs a table of every trade in every
cell: it replays each trade once, in the cell that was chosen without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from freqfleet.errors import InputError
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.validation.folds import NO_FOLD
from freqfleet.validation.moments import Estimates
from freqfleet.validation.shrinkage import shrink_in_groups

KEEP = -1  # instead of a cell: stay with the incumbent
# Takes posteriors (P, C), returns cells (P,): which cell to take, or KEEP.
Pick = Callable[[FloatArray], IntArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A pair and side that may get parameters of its own.

    key : how messages name it. family : units of one family learn from each other; fixed before any result
    is seen (`freqfleet.validation.families`).
    entered_ms, weights : (n,) of its trades, weights not negative; they enter selection and count nothing.
    estimates : of the training set of every fold, then of all trades; paired against the unit's incumbent.
    incumbent : its cell, or None where it lies on no cell of the grid.
    group : units of one group are parts of one whole, the leverage bins of a pair and side; what a unit is
        believed to be lies between its own trades and its group, which lies between its own and the family.
        None for a unit that is a whole.
    """

    key: str
    family: str
    entered_ms: IntArray
    weights: FloatArray
    estimates: Estimates
    incumbent: int | None = None
    group: str | None = None

    def __post_init__(self) -> None:
        if self.entered_ms.shape != self.weights.shape:
            raise InputError(
                f"{self.key}: {len(self.entered_ms)} trades need as many weights, were {len(self.weights)}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What was chosen for P units and K folds.

    cells : (P, K + 1), KEEP for the incumbent; the last column was chosen on all trades and is the one to
    publish. posterior : (P, C) of all trades, position-level ratio. broken : key -> what is wrong with it.
    """

    cells: IntArray
    posterior: FloatArray
    broken: dict[str, str]

    def claim_ratio(self, unit: int) -> float:
        """Return what the cell to publish is believed to earn over the incumbent; 0 where it is kept."""
        cell = int(self.cells[unit, -1])
        return 0.0 if cell == KEEP else float(self.posterior[unit, cell])


def best_cell(posterior: FloatArray, allowed: BoolArray | None = None) -> IntArray:
    """Return the cell with the highest posterior, KEEP where none lies above the incumbent's zero.

    allowed : (C,), cells that may be taken; None for all. The first of equal cells is taken.
    """
    if allowed is not None:
        posterior = np.where(allowed, posterior, -np.inf)
    cells = posterior.argmax(axis=1)
    best = posterior[np.arange(len(posterior)), cells]
    return np.where(best > 0.0, cells, KEEP)


def select(units: Sequence[Unit], *, pick: Pick = best_cell) -> Selection:
    """Choose for every unit and training set. Units of a family are shrunk together, whatever their order.

    A unit whose moments are not numbers is left out of its family and listed as broken.
    Raises InputError where units differ in cells or training sets, and for a key that comes twice.
    """
    if not units:
        return Selection(cells=np.empty((0, 1), np.int64), posterior=np.empty((0, 0)), broken={})
    keys = [unit.key for unit in units]
    if len(set(keys)) != len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InputError(f"{twice} comes twice; every pair and side is one unit")
    shape = units[0].estimates.mean.shape
    for unit in units:
        if unit.estimates.mean.shape != shape:
            raise InputError(
                f"{unit.key}: {unit.estimates.mean.shape} training sets and cells, {units[0].key} has {shape}"
            )
    broken = {unit.key: why for unit in units if (why := _fault(unit.estimates))}
    cells = np.full((len(units), shape[0]), KEEP, dtype=np.int64)
    final = np.zeros((len(units), shape[1]))
    for family in sorted({unit.family for unit in units}):
        members = [at for at, unit in enumerate(units) if unit.family == family and unit.key not in broken]
        if not members:
            continue
        for column in range(shape[0]):
            posterior = shrink_in_groups(
                np.stack([units[at].estimates.mean[column] for at in members]),
                np.stack([units[at].estimates.variance[column] for at in members]),
                np.array([units[at].estimates.effective_trades[column] for at in members]),
                [units[at].group for at in members],
            )
            chosen = pick(posterior)
            for at, cell in zip(members, chosen.tolist(), strict=True):
                cells[at, column] = KEEP if cell == units[at].incumbent else cell
            if column == shape[0] - 1:
                final[members] = posterior
    return Selection(cells=cells, posterior=final, broken=broken)


def cells_of_trades(cells: IntArray, fold_of_trade: IntArray) -> IntArray:
    """Return the cell each trade is judged in: the one chosen without it.

    cells : (K + 1,) of one unit. fold_of_trade : (n,) from `fold_of_trades`; trades of no fold get KEEP.
    """
    judged: IntArray = np.where(fold_of_trade == NO_FOLD, KEEP, cells[fold_of_trade])
    return judged


def _fault(estimates: Estimates) -> str:
    weighty = estimates.effective_trades > 0.0
    numbers = np.isfinite(estimates.mean[weighty]).all() and np.isfinite(estimates.variance[weighty]).all()
    return "" if numbers else "some profits are not numbers"
