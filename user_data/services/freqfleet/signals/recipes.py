"""Recipe: what a learned feeder is before it has learned anything.

A recipe says which features it reads and which label it was asked to predict. `freqfleet feeders train`
turns recipes into models; `signals.learned` scores candles with them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from freqfleet.domain.triple_barrier import TripleBarrier
from freqfleet.errors import InputError
from freqfleet.market.features.table import WARMUP_CANDLES, feature_indices

MAX_FEATURES = 24
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One learned feeder, the same for every pair.

    name : one lower-case word; it ends in tags and columns.
    idea : what it believes, in one sentence for `feeders list` and the report.
    features : names from `market/features/`, at most 24; their order is the order of the model's columns.
    barrier : the label, for both sides.
    needs : features without which it abstains; any other one may be missing.

    Raises InputError for a name, a feature or a number of features that cannot be.
    """

    name: str
    idea: str
    features: tuple[str, ...]
    barrier: TripleBarrier
    needs: tuple[str, ...] = ("atr_ratio",)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InputError(f"not a feeder's name: {self.name!r}; one lower-case word of at most 32 letters")
        if not 1 <= len(self.features) <= MAX_FEATURES:
            raise InputError(f"{self.name} reads 1..{MAX_FEATURES} features, was given {len(self.features)}")
        if len(set(self.features)) != len(self.features):
            raise InputError(f"{self.name} names a feature twice")
        feature_indices((*self.features, *self.needs))

    @property
    def warmup_candles(self) -> int:
        """Rows at the start in which it abstains: those of the feature table."""
        return WARMUP_CANDLES
