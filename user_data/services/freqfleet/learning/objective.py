"""Objective: what some trades would have earned under other exits. Pure; knows no sampler."""

from __future__ import annotations

from collections.abc import Sequence

from freqfleet.domain.exits import ExitParameters
from freqfleet.market.arrays import FloatArray
from freqfleet.replay.costs import Costs
from freqfleet.replay.engine import ReplayEngine
from freqfleet.replay.metrics import Score, score, weighted_mean


class Objective:
    """The weighted mean net profit per trade, position-level. Higher is better.

    weights : one per trade of the engine's paths, above zero.
    """

    def __init__(self, engine: ReplayEngine, weights: FloatArray, costs: Costs) -> None:
        self._engine = engine
        self._weights = weights
        self._costs = costs

    def means(self, parameters: Sequence[ExitParameters]) -> FloatArray:
        """Return the mean of every vector, shape (p,); the same bits in whatever batch it is asked."""
        return weighted_mean(self._profits(parameters), self._weights)

    def profits(self, parameters: ExitParameters) -> FloatArray:
        """Return the net profit of every trade, shape (n,)."""
        row: FloatArray = self._profits([parameters])[0]
        return row

    def score(self, parameters: ExitParameters) -> Score:
        """Return every figure of one vector."""
        return score(self.profits(parameters), self._weights)

    def ambiguous_trades(self, parameters: ExitParameters) -> int:
        """Return how many exits had stop and target in one candle; the stop was taken."""
        return int(self._engine.exits([parameters]).ambiguous.sum())

    def _profits(self, parameters: Sequence[ExitParameters]) -> FloatArray:
        exits = self._engine.exits(parameters)
        return self._costs.net_profit_ratio(exits, self._engine.paths)
