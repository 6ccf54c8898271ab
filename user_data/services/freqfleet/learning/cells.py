"""Cells: exits among which the gate chooses, whatever kind of exits they are.

The gate needs three things of them: that there are as many for every pair and that a number means the same
for all of them, because pairs lend each other strength cell by cell; that no trade had a part in which they
are; and what every trade earned in each. All else is the same path for every kind.
"""

from __future__ import annotations

from typing import Protocol

from freqfleet.domain.exits import ExitParameters
from freqfleet.learning.path_prices import PathPrices
from freqfleet.learning.plateau import Plateau
from freqfleet.market.arrays import FloatArray
from freqfleet.replay.exit_events import ExitEvents

# What trades meet, from which their profit in any cell follows.
Met = ExitEvents | PathPrices


class Brought(Protocol):
    """What cells need of a pair and side; `learning.candidacy.Candidacy` is one."""

    @property
    def events(self) -> Met:
        """What its trades meet."""
        ...

    @property
    def incumbent(self) -> ExitParameters:
        """The exits in force."""
        ...

    @property
    def atr_reference_ratio(self) -> float | None:
        """Median volatility at entry; None where none is known."""
        ...


class Cells(Protocol):
    """A fixed set of exits, numbered from 0, the same numbers for every pair."""

    @property
    def cells(self) -> int:
        """How many there are."""
        ...

    @property
    def signature(self) -> str:
        """Equal for sets whose cells are the same exits."""
        ...

    @property
    def with_trend(self) -> bool:
        """Whether some of them ask for the trend along the path."""
        ...

    def exits_of(self, brought: Brought, cell: int) -> ExitParameters:
        """Return what a cell comes to for a pair and side."""
        ...

    def cell_in_force(self, brought: Brought) -> int | None:
        """Return the cell that is what is in force; None where that lies on none of them."""
        ...

    def profits_of(self, brought: Brought, cell: int) -> FloatArray:
        """Return the net profit of every trade in one cell; (n,)."""
        ...

    def profit_table(self, brought: Brought) -> FloatArray:
        """Return the net profit of every trade in every cell; (n, cells)."""
        ...

    def ambiguous_trades(self, brought: Brought, cell: int) -> int:
        """Return how many trades had stop and target in one candle; the stop was taken."""
        ...

    def optimistic_profits(self, brought: Brought, cell: int) -> FloatArray | None:
        """Return `profits_of` if the target had come first in those; (n,). None where not measured."""
        ...

    def surroundings(
        self, cell: int, means: FloatArray, *, incumbent_mean: float, standard_error: float
    ) -> Plateau | None:
        """Return how the neighbours of a cell do; None where cells have no neighbours.

        means : (cells,), mean profit in each. standard_error : of the mean of the cell.
        """
        ...
