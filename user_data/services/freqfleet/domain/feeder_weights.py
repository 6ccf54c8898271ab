"""FeederWeights: how much each feeder's vote counts, as its record has earned it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from freqfleet.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class FeederWeights:
    """Weights by feeder; 1 is a vote, 0 silences, a feeder that is not named has 1.

    A learner publishes one; until it does, everybody is equal. Scaled so that the mean of `of` over the
    feeders of an ensemble is about 1, so that thresholds in votes keep their meaning: that is the
    publisher's part.

    Raises InputError for a weight that is negative or no number.
    """

    by_feeder: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, weight in self.by_feeder.items():
            if not (math.isfinite(weight) and weight >= 0.0):
                raise InputError(f"the weight of feeder {name} must be 0 or above, was {weight}")
        object.__setattr__(self, "by_feeder", MappingProxyType(dict(self.by_feeder)))

    def of(self, feeder: str) -> float:
        """Return a feeder's weight."""
        return self.by_feeder.get(feeder, 1.0)


EQUAL_WEIGHTS = FeederWeights()
