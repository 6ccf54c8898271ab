"""Pricing: what the trades of a candidacy earn in every cell of the lattice, and under exits in force."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from freqfleet.domain.exits import ExitParameters
from freqfleet.learning.cells import Met
from freqfleet.learning.in_force import Replay, profits_in_force
from freqfleet.learning.lattice import Lattice
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.replay.costs import Costs
from freqfleet.replay.exit_events import ExitEvents
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.replay.paths import TradePaths

# The stress of a result: what is left when the market is twice as dear.
STRESS = 2.0


class BesideCells(NamedTuple):
    """What n trades earn under exits that are no cells; (n,) each, net position-level ratios.

    incumbent : what is in force. fallback : what would be without it. stressed_incumbent : the former at
    twice the fees and slippage.
    """

    incumbent: FloatArray
    fallback: FloatArray
    stressed_incumbent: FloatArray


class Priced(NamedTuple):
    """Net profits of n trades, position-level ratios; the tables are the caller's own.

    profit, stressed_profit : (n, cells), the latter at twice the fees and slippage.
    """

    events: Met
    profit: FloatArray
    stressed_profit: FloatArray
    beside: BesideCells


def both_costs(costs: Costs) -> list[Costs]:
    """Return the costs as they are, and under stress."""
    return [costs, costs.scaled(STRESS)]


def priced_beside_cells(
    incumbent: ExitParameters,
    fallback: ExitParameters,
    rows: IntArray,
    *,
    paths: TradePaths,
    costs: Costs,
    replay: Replay,
) -> BesideCells:
    """Return what some trades of `paths` earn under the exits in force, and what would be without them."""
    plain, stressed = profits_in_force(
        [incumbent, fallback], paths=paths, costs=both_costs(costs), replay=replay
    )
    in_force, back = plain.take(rows, axis=1)
    return BesideCells(in_force, back, stressed[0, rows])


class Pricing(Protocol):
    """Prices the trades of one sample."""

    def priced(
        self,
        rows: IntArray,
        incumbent: ExitParameters,
        fallback: ExitParameters,
        atr_reference_ratio: float | None,
    ) -> Priced:
        """Return what some trades of the sample earn. rows : ascending. atr_reference_ratio : of them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPricing:
    """Prices what it is asked for. engine : of the sample. replay : `engine.exits`, or what remembers it."""

    lattice: Lattice
    costs: Costs
    engine: NumpyEngine
    replay: Replay

    def priced(
        self,
        rows: IntArray,
        incumbent: ExitParameters,
        fallback: ExitParameters,
        atr_reference_ratio: float | None,
    ) -> Priced:
        """See `Pricing`."""
        paths = self.engine.paths
        beside = priced_beside_cells(
            incumbent, fallback, rows, paths=paths, costs=self.costs, replay=self.replay
        )
        # Of all trades, then those that are asked for: their candles are many times what they come to.
        events = self.lattice.events(self.engine, both_costs(self.costs), atr_reference_ratio)
        if len(rows) < len(paths):
            events = [one.subset(rows) for one in events]
        profit, stressed = self.lattice.tables(events)
        return Priced(events=events[0], profit=profit, stressed_profit=stressed, beside=beside)


@dataclass(frozen=True, kw_only=True, eq=False)  # no slots: what is derived is kept
class SharedTables:
    """One pass over the candles of several samples of a pair and side. engine : of all of them together.

    What a trade meets does not depend on which sample it is in, so long as no cell is scaled by the
    volatility of the sample.
    """

    lattice: Lattice
    costs: Costs
    engine: NumpyEngine
    _known: dict[ExitParameters, tuple[FloatArray, FloatArray]] = field(default_factory=dict, init=False)

    def of(self, first: int) -> Pricing:
        """Return the pricing of the sample whose rows begin at `first`."""
        return _OfShared(tables=self, first=first)

    @cached_property
    def cells(self) -> tuple[ExitEvents, FloatArray, FloatArray]:
        """The events, and the profits of every trade in every cell at both costs."""
        events = self.lattice.events(self.engine, both_costs(self.costs), None)
        profit, stressed = self.lattice.tables(events)
        return events[0], profit, stressed

    def under(self, exits: ExitParameters) -> tuple[FloatArray, FloatArray]:
        """Return what every trade earns under some exits, at both costs."""
        if exits not in self._known:
            (plain,), (dear,) = profits_in_force(
                [exits],
                paths=self.engine.paths,
                costs=both_costs(self.costs),
                replay=self.engine.exits,
            )
            self._known[exits] = (plain, dear)
        return self._known[exits]


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfShared:
    tables: SharedTables
    first: int

    def priced(
        self,
        rows: IntArray,
        incumbent: ExitParameters,
        fallback: ExitParameters,
        atr_reference_ratio: float | None,
    ) -> Priced:
        tables, rows = self.tables, self.first + rows
        if tables.lattice.scales:
            engine = NumpyEngine(tables.engine.paths.subset(rows))
            own = OwnPricing(lattice=tables.lattice, costs=tables.costs, engine=engine, replay=engine.exits)
            return own.priced(np.arange(len(rows)), incumbent, fallback, atr_reference_ratio)
        events, profit, stressed = tables.cells
        in_force, stressed_in_force = tables.under(incumbent)
        back, _ = tables.under(fallback)
        return Priced(
            events=events.subset(rows),
            profit=profit[rows],
            stressed_profit=stressed[rows],
            beside=BesideCells(in_force[rows], back[rows], stressed_in_force[rows]),
        )
