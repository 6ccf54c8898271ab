"""PathLattice: ways to follow the path upon what is in force, among which the gate chooses.

Like the lattice of stops and targets it is fixed before any trade is seen, and a cell means the same for
every pair. Distances are shares of the target in force, so that a variant is a valid one of any plan and
asks of every pair alike how much of its own way to protect. The barriers stay those in force.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.managed_exits import (
    ACTIVATION_BOUNDS,
    TRAILING_STOP_BOUNDS,
    ManagedExits,
    as_managed,
)
from freqfleet.errors import InputError
from freqfleet.learning.cells import Brought
from freqfleet.learning.in_force import Replay
from freqfleet.learning.path_prices import PathPrices
from freqfleet.learning.plateau import Plateau
from freqfleet.learning.pricing import Priced, both_costs, priced_beside_cells
from freqfleet.learning.search_space import RATIO_DECIMALS
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.replay.costs import Costs
from freqfleet.replay.managed_engines import open_managed_engine
from freqfleet.replay.paths import TradePaths

# The name by which versions, studies and reports know what was chosen from here.
PATH_SEARCH = "lattice"

# From where on something is done, and how far a trailing stop follows: shares of the target in force.
FROM_SHARES = (0.25, 0.5, 0.75)
TRAILING_SHARES = (0.25, 0.5, 1.0)
# Of the best profit.
GIVEBACK_RATIOS = (0.3, 0.5, 0.7)
REGIME_Z = (0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to follow the path; one part is on, or none.

    *_share : of the target in force. giveback_ratio : of the best profit. regime_exit_z : as in ManagedExits.
    """

    trailing_share: float | None = None
    giveback_ratio: float | None = None
    break_even: bool = False
    regime_exit_z: float | None = None
    activation_share: float | None = None

    def upon(self, plain: ExitParameters) -> ExitParameters:
        """Return the barriers and time limit of `plain` with this on top; `plain` itself where nothing is on.

        A distance below what may be traded is the least that may be.
        """
        target = plain.take_profit
        activation = None
        if self.activation_share is not None:
            activation = max(_floored(self.activation_share * target), ACTIVATION_BOUNDS[0])
        if self.trailing_share is not None:
            low, high = TRAILING_STOP_BOUNDS
            return ManagedExits(
                **plain.to_dict(),
                trailing_stop_ratio=min(max(_floored(self.trailing_share * target), low), high),
                trailing_activation_ratio=activation,
            )
        if self.giveback_ratio is not None:
            return ManagedExits(
                **plain.to_dict(),
                giveback_ratio=self.giveback_ratio,
                giveback_activation_ratio=activation,
            )
        if self.break_even:
            return ManagedExits(**plain.to_dict(), break_even_after_ratio=activation)
        if self.regime_exit_z is not None:
            return ManagedExits(**plain.to_dict(), regime_exit_z=self.regime_exit_z)
        return plain


def _floored(ratio: float) -> float:
    """Return a ratio that people can read, never rounded up: an activation has to stay below the target."""
    scale = float(10**RATIO_DECIMALS)
    return math.floor(ratio * scale + 1e-9) / scale


VARIANTS = (
    Variant(),
    *(Variant(giveback_ratio=one, activation_share=at) for one in GIVEBACK_RATIOS for at in FROM_SHARES),
    *(Variant(trailing_share=one, activation_share=at) for one in TRAILING_SHARES for at in FROM_SHARES),
    *(Variant(break_even=True, activation_share=at) for at in FROM_SHARES),
    *(Variant(regime_exit_z=one) for one in REGIME_Z),
)


@dataclass(frozen=True)
class PathLattice:
    """The variants as cells. Cell 0 follows nothing: what is in force may lose its giveback, too."""

    with_trend = True

    @property
    def cells(self) -> int:
        """How many there are."""
        return len(VARIANTS)

    @cached_property
    def signature(self) -> str:
        """Equal for lattices whose cells are the same exits."""
        return (
            f"{self.cells} ways to follow the path: giveback {GIVEBACK_RATIOS}, trailing {TRAILING_SHARES}, "
            f"from {FROM_SHARES}, regime {REGIME_Z}"
        )

    def upon(self, in_force: ExitParameters) -> tuple[ExitParameters, ...]:
        """Return what the cells come to upon some exits; how those follow the path themselves is left out."""
        plain = in_force.plain() if isinstance(in_force, ManagedExits) else in_force
        return tuple(one.upon(plain) for one in VARIANTS)

    def exits_of(self, brought: Brought, cell: int) -> ExitParameters:
        """See `Cells`."""
        return _prices(brought).exits[cell]

    def cell_in_force(self, brought: Brought) -> int | None:
        """See `Cells`."""
        exits, in_force = _prices(brought).exits, as_managed(brought.incumbent)
        return next((at for at, one in enumerate(exits) if as_managed(one) == in_force), None)

    def profits_of(self, brought: Brought, cell: int) -> FloatArray:
        """See `Cells`."""
        profits: FloatArray = _prices(brought).profit[:, cell]
        return profits

    def profit_table(self, brought: Brought) -> FloatArray:
        """See `Cells`."""
        return _prices(brought).profit

    def ambiguous_trades(self, brought: Brought, cell: int) -> int:
        """See `Cells`."""
        return int(_prices(brought).ambiguous[:, cell].sum())

    def optimistic_profits(self, brought: Brought, cell: int) -> FloatArray | None:
        """Return None: the path after a stop that was not hit is another path, which is not replayed."""
        return None

    def surroundings(
        self, cell: int, means: FloatArray, *, incumbent_mean: float, standard_error: float
    ) -> Plateau | None:
        """Return None: giveback and regime lie on no axis together, so there is no plateau to measure."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPricing:
    """Prices the trades of one sample in every cell; see `pricing.Pricing`.

    paths : of the sample, gathered with their trend. replay : of plain exits, on the same paths.
    """

    lattice: PathLattice
    costs: Costs
    paths: TradePaths
    replay: Replay

    def priced(
        self,
        rows: IntArray,
        incumbent: ExitParameters,
        fallback: ExitParameters,
        atr_reference_ratio: float | None,
    ) -> Priced:
        """See `Pricing`; the volatility that exits refer to is that of what is in force."""
        beside = priced_beside_cells(
            incumbent, fallback, rows, paths=self.paths, costs=self.costs, replay=self.replay
        )
        exits = self.lattice.upon(incumbent)
        engine = open_managed_engine(self.paths, len(exits), fee_ratio=self.costs.fee_ratio)
        fills = engine.fills([as_managed(one) for one in exits])
        profit, stressed = (
            np.ascontiguousarray(fills.net_profit_ratio(one, self.paths)[:, rows].T)
            for one in both_costs(self.costs)
        )
        ambiguous = np.ascontiguousarray(fills.ambiguous[:, rows].T)
        return Priced(
            events=PathPrices(exits=exits, profit=profit.copy(), ambiguous=ambiguous),
            profit=profit,
            stressed_profit=stressed,
            beside=beside,
        )


def _prices(brought: Brought) -> PathPrices:
    if not isinstance(brought.events, PathPrices):
        raise InputError("these trades were priced on a lattice of stops and targets; start the run anew")
    return brought.events
