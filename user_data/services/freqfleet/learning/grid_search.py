"""The plain grid: evenly spread points, without a sampler and without Optuna."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from freqfleet.learning.search import Proposal
from freqfleet.learning.search_space import FLOAT_NAMES, SearchSpace


class GridSearch:
    """Evenly spread values of every parameter, about `trials` combinations that keep the constraints."""

    def __init__(self, space: SearchSpace, trials: int) -> None:
        steps = max(2, round((trials / len(space.time_limit_minutes)) ** (1 / len(FLOAT_NAMES))))
        axes = [np.unique(np.linspace(*space.range_of(name), steps)).tolist() for name in FLOAT_NAMES]
        limits = space.time_limit_minutes
        # The constraints are on stop and target alone, so one limit tells of all of them.
        points = [
            space.parameters(**dict(zip(FLOAT_NAMES, values, strict=True)), time_limit_minutes=limits[0])
            for values in itertools.product(*axes)
        ]
        allowed = [point for point in points if space.allows(point)]
        self._points = [
            replace(point, time_limit_minutes=minutes) if minutes != limits[0] else point
            for minutes in limits
            for point in allowed
        ]
        self._next = 0

    def ask(self, count: int) -> list[Proposal]:
        """Return the next points; none when the grid is done."""
        start, self._next = self._next, min(self._next + count, len(self._points))
        return [Proposal(self._points[ticket], ticket) for ticket in range(start, self._next)]

    def tell(self, proposal: Proposal, value: float) -> None:
        """A grid learns nothing."""
