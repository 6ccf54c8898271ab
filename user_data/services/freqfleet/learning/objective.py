"""Objective: what some trades would have earned under other exits. Pure; knows no sampler."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from freqfleet.domain.exits import ExitParameters
from freqfleet.learning.in_force import profits_in_force
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.replay.costs import Costs
from freqfleet.replay.engine import ReplayedExits, ReplayEngine
from freqfleet.replay.metrics import Score, checked_weights, score, weighted_mean

Scalar = TypeVar("Scalar", bound=np.generic)

# The best one, what is in force, and what would be without that.
VECTORS_KEPT = 3


class Objective:
    """The weighted mean net profit per trade, position-level. Higher is better.

    weights : one per trade of the engine's paths, above zero; InputError otherwise.
    """

    def __init__(self, engine: ReplayEngine, weights: FloatArray, costs: Costs) -> None:
        self._engine = engine
        self._weights = checked_weights(weights, len(engine.paths))
        self._costs = costs
        self._trades: IntArray | None = None
        self._replayed: dict[ExitParameters, ReplayedExits] = {}

    def part(self, trades: IntArray, weights: FloatArray) -> Self:
        """Return the objective over some of the trades; what is replayed for one serves the other.

        weights : one per trade of the part.
        """
        part = copy(self)  # and with it the memory of what was replayed
        part._weights = checked_weights(weights, len(trades))
        part._trades = trades if self._trades is None else self._trades[trades]
        return part

    def means(self, parameters: Sequence[ExitParameters]) -> FloatArray:
        """Return the mean of every vector, shape (p,); the same bits in whatever batch it is asked."""
        return self._engine.mean_profits(parameters, self._weights, self._costs, self._trades)

    def profits(self, parameters: ExitParameters) -> FloatArray:
        """Return the net profit of every trade under one vector, which may follow the path; shape (n,)."""
        (profits,) = profits_in_force(
            [parameters], paths=self._engine.paths, costs=[self._costs], replay=self.exits
        )
        return self._own(profits[0])

    def mean(self, parameters: ExitParameters) -> float:
        """Return the mean of one vector, of exits that follow the path too; NaN without trades."""
        return float(weighted_mean(self.profits(parameters), self._weights))

    def score(self, parameters: ExitParameters) -> Score:
        """Return every figure of one vector of plain exits."""
        exits = self.exits([parameters])
        return score(
            self.profits(parameters),
            self._weights,
            optimistic_profits=self._own(self._costs.optimistic_profit_ratio(exits, self._engine.paths)[0]),
            ambiguous_trades=self.ambiguous_trades(parameters),
        )

    def ambiguous_trades(self, parameters: ExitParameters) -> int:
        """Return how many exits had stop and target in one candle."""
        return int(self._own(self.exits([parameters]).ambiguous[0]).sum())

    def exits(self, parameters: Sequence[ExitParameters]) -> ReplayedExits:
        """Return the exits of every trade of the engine, those of no part too, under a few vectors.

        The last ones are kept, for they are asked for again.
        """
        new = [one for one in dict.fromkeys(parameters) if one not in self._replayed]
        if new:
            if len(self._replayed) + len(new) > VECTORS_KEPT:
                self._replayed.clear()
                new = list(dict.fromkeys(parameters))
            found = self._engine.exits(new)
            self._replayed.update((one, found.row(at)) for at, one in enumerate(new))
        return ReplayedExits.stacked([self._replayed[one] for one in parameters])

    def _own(self, values: NDArray[Scalar]) -> NDArray[Scalar]:
        return values if self._trades is None else values[self._trades]
