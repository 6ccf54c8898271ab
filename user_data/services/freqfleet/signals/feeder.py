"""Feeder: one opinion on every candle. This file is the promise that every feeder keeps.

What a feeder promises
    `score(candles)` gives one row per candle. Row t uses candles up to and including t, nothing later:
    freqtrade trades what row t says at the open of t + 1.
    Scores are scale-free: the same market at a thousand times the price has the same scores.
    The first `warmup_candles` rows abstain; so does a history that is shorter than that.
    From then on, scores do not depend on where the history began (recursive indicators: nearly not).
    The frame that is passed in is not changed. Nothing is remembered between calls, so one feeder may
    score every pair, from any thread.
Failure
    A feeder that cannot judge a candle abstains (NaN). It raises only for candles that
    `require_candles` refuses, and those do not reach it.

`freqfleet.testing.feeder_contract` checks all of it; a new feeder is accepted when it passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from freqfleet.domain.sides import Side
from freqfleet.market.arrays import FloatArray

VOTE_AT = 0.5
"""A feeder votes for a side when its confidence in it is at least this."""


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single truth value to compare by
class Scores:
    """The confidence of one feeder in both sides, candle by candle.

    Two arrays instead of one signed number: a model with a head for each side may believe in both or
    in neither, and may abstain on one of them.

    long, short : float64 of shape (n_candles,), within 0..1; NaN where the feeder abstains.
    """

    long: FloatArray
    short: FloatArray

    def side(self, side: Side) -> FloatArray:
        """Return the confidences of one side, shape (n_candles,)."""
        return self.long if side is Side.LONG else self.short


class Feeder(Protocol):
    """One base model: rules today, a trained model tomorrow; see the module's text for what it promises.

    name : one lower-case word; it ends in entry tags, columns and the trades' custom data.
    warmup_candles : rows it needs before its first score; freqtrade's startup candles must cover it.
    """

    @property
    def name(self) -> str:
        """The feeder's word in tags."""
        ...

    @property
    def warmup_candles(self) -> int:
        """How many rows at the start abstain."""
        ...

    def score(self, candles: pd.DataFrame) -> Scores:
        """Return the confidence in both sides after each candle has closed.

        candles : closed candles, oldest first, as `require_candles` accepts them.
        """
        ...
