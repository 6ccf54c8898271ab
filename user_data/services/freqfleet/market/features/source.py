"""FeatureSource: a pair's candles with their context and features, from files; what training reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from freqfleet.errors import MarketError
from freqfleet.market.candles import CandleFiles
from freqfleet.market.features.cache import FeatureFiles
from freqfleet.market.features.context import LEADER_PAIR, Context, candle_frame, with_context
from freqfleet.market.features.table import FeatureArray, feature_table
from freqfleet.market.series import Candles


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairFeatures:
    """One pair: its candles, and the feature table of shape (n_candles, n_features) that belongs to them."""

    candles: Candles
    features: FeatureArray


class FeatureSource:
    """Loads pairs one at a time.

    cache : where tables are kept; None computes them every time.
    leader : the pair whose candles are everybody's context; where its file is missing, leader features
        are not known, and `leader_missing` says so.
    """

    def __init__(
        self, files: CandleFiles, *, cache: FeatureFiles | None = None, leader: str = LEADER_PAIR
    ) -> None:
        self.files = files
        self._cache = cache
        self._leader: Candles | None = None
        self.leader_missing: str | None = None
        try:
            self._leader = files.load(leader)
        except MarketError as error:
            self.leader_missing = str(error)

    def frame(self, pair: str) -> pd.DataFrame:
        """Return a pair's candles with context columns; raises MarketError for unusable candles."""
        return self._frame(self.files.load(pair))

    def load(self, pair: str, *, until_ms: int | None = None) -> PairFeatures:
        """Return a pair's candles and features; `until_ms` leaves out candles that close after it.

        Raises MarketError where the candles cannot be used.
        """
        candles = self.files.load(pair)
        frame = self._frame(candles)
        features = feature_table(frame) if self._cache is None else self._cache.table(pair, frame)
        if until_ms is not None:
            rows = int(np.searchsorted(candles.time_ms + candles.timeframe_ms, until_ms, side="right"))
            candles, features = first_candles(candles, rows), features[:rows]
        return PairFeatures(candles=candles, features=features)

    def pairs(self, wanted: Sequence[str] | None = None) -> list[str]:
        """Return the pairs there are candles of, or those wanted."""
        return self.files.pairs() if wanted is None else list(wanted)

    def _frame(self, candles: Candles) -> pd.DataFrame:
        context = Context(
            leader=self._leader,
            funding=self.files.load_funding(candles.pair),
            mark=self.files.load_mark(candles.pair),
        )
        return with_context(candle_frame(candles), context, candle_ms=candles.timeframe_ms)


def first_candles(candles: Candles, rows: int) -> Candles:
    """Return the first `rows` candles."""
    columns = ("time_ms", "open", "high", "low", "close", "volume")
    return Candles(
        pair=candles.pair,
        timeframe_ms=candles.timeframe_ms,
        **{name: getattr(candles, name)[:rows] for name in columns},
    )
