"""LearnedFeeder: a recipe that speaks through the models of a bank."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from freqfleet.clock import to_ms
from freqfleet.domain.sides import Side
from freqfleet.market.arrays import IntArray
from freqfleet.market.features.cache import FeatureMemory
from freqfleet.market.features.table import FEATURE_NAMES, FeatureArray, feature_indices
from freqfleet.signals.feeder import Scores
from freqfleet.signals.models.bank import FeederBank
from freqfleet.signals.recipes import Recipe

_ATR_RATIO = FEATURE_NAMES.index("atr_ratio")


class LearnedFeeder:
    """Scores each candle with the newest model that was valid when it opened.

    features : shared by all feeders of an ensemble, so that a frame's features are computed once.
    newest : score only so many candles at the end of a frame and abstain on the rest; a live bot looks
        at the last two. None scores every candle.

    It abstains where no model is valid, where something it needs is not known, and in the warm-up. Where
    the label's target would not pay its costs it says 0.
    """

    def __init__(
        self, recipe: Recipe, bank: FeederBank, *, features: FeatureMemory, newest: int | None = None
    ) -> None:
        self.recipe = recipe
        self._bank = bank
        self.features = features
        self._newest = newest
        self._columns = feature_indices(recipe.features)
        self._needs = feature_indices(recipe.needs)

    @property
    def name(self) -> str:
        """The feeder's word in tags."""
        return self.recipe.name

    @property
    def warmup_candles(self) -> int:
        """How many rows at the start abstain."""
        return self.recipe.warmup_candles

    def model_at(self, opened: datetime) -> str | None:
        """Return the folder of the version that scores a candle that opened then; None for none."""
        at = to_ms(opened)
        epochs = self._bank.epochs(self.recipe, at, at)
        return epochs[-1].model.version if epochs else None

    def score(self, candles: pd.DataFrame) -> Scores:
        """Return the confidence in both sides after each candle has closed; see the class."""
        return self.score_table(opened_ms(candles), self.features.table(candles))

    def score_table(self, opened: IntArray, table: FeatureArray) -> Scores:
        """Return the same from features that are at hand already.

        opened : when each candle opens, ms since 1970, shape (n_candles,). table : their feature table.
        """
        count = len(opened)
        confidence = {side: np.full(count, np.nan) for side in Side}
        first = (
            self.warmup_candles if self._newest is None else max(self.warmup_candles, count - self._newest)
        )
        if first < count:
            for epoch in self._bank.epochs(self.recipe, int(opened[first]), int(opened[-1])):
                start, stop = np.searchsorted(opened, (epoch.from_ms, epoch.until_ms))
                rows = slice(max(int(start), first), int(stop))
                part = table[rows]
                unknown = np.isnan(part[:, self._needs]).any(axis=1)
                pays = part[:, _ATR_RATIO] >= epoch.model.certificate.min_atr_ratio
                features = part[:, self._columns]
                for side, head in epoch.model.heads.items():
                    if head is not None and len(part):
                        said = np.where(pays, head.confidence(features), 0.0)
                        confidence[side][rows] = np.where(unknown, np.nan, said)
        return Scores(long=confidence[Side.LONG], short=confidence[Side.SHORT])


def opened_ms(candles: pd.DataFrame) -> IntArray:
    """Return when each candle opens, in milliseconds since 1970-01-01 UTC."""
    opened: IntArray = candles["date"].to_numpy("datetime64[ms]").astype(np.int64)
    return opened
