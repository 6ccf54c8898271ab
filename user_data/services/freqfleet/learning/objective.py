"""Objective: what some trades would have earned under other exits. Pure; knows no sampler."""

from __future__ import annotations

from collections.abc import Sequence

from freqfleet.domain.exits import ExitParameters
from freqfleet.market.arrays import FloatArray
from freqfleet.replay.costs import Costs
from freqfleet.replay.engine import ReplayedExits, ReplayEngine
from freqfleet.replay.metrics import Score, checked_weights, score

VECTORS_KEPT = 2


class Objective:
    """The weighted mean net profit per trade, position-level. Higher is better.

    weights : one per trade of the engine's paths, above zero; InputError otherwise.
    """

    def __init__(self, engine: ReplayEngine, weights: FloatArray, costs: Costs) -> None:
        self._engine = engine
        self._weights = checked_weights(weights, len(engine.paths))
        self._costs = costs
        self._replayed: dict[ExitParameters, ReplayedExits] = {}

    def means(self, parameters: Sequence[ExitParameters]) -> FloatArray:
        """Return the mean of every vector, shape (p,); the same bits in whatever batch it is asked."""
        return self._engine.mean_profits(parameters, self._weights, self._costs)

    def profits(self, parameters: ExitParameters) -> FloatArray:
        """Return the net profit of every trade, shape (n,)."""
        row: FloatArray = self._costs.net_profit_ratio(self._exits(parameters), self._engine.paths)[0]
        return row

    def score(self, parameters: ExitParameters) -> Score:
        """Return every figure of one vector."""
        exits, paths = self._exits(parameters), self._engine.paths
        return score(
            self._costs.net_profit_ratio(exits, paths)[0],
            self._weights,
            optimistic_profits=self._costs.optimistic_profit_ratio(exits, paths)[0],
            ambiguous_trades=int(exits.ambiguous.sum()),
        )

    def _exits(self, parameters: ExitParameters) -> ReplayedExits:
        """Return the exits under one vector; the last few are kept, for they are asked for twice."""
        if parameters not in self._replayed:
            if len(self._replayed) == VECTORS_KEPT:
                self._replayed.clear()
            self._replayed[parameters] = self._engine.exits([parameters])
        return self._replayed[parameters]
