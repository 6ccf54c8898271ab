"""Envelopes: the candles of a set of paths as engines search them.

Prices of short trades are negated, so that for every trade a loss lies below and a gain above.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from freqfleet.market.arrays import FloatArray
from freqfleet.replay.fills import Fills
from freqfleet.replay.paths import TradePaths


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelopes:
    """Signed prices of n windows; every array has the shape (n, width).

    worst, best : the end of the candle against and for the position.
    worst_so_far, best_so_far : no row of the first ever rises, none of the second ever falls; the first
        column that comes to a level is the candle that reaches it.
    """

    open: FloatArray
    close: FloatArray
    worst: FloatArray
    best: FloatArray
    worst_so_far: FloatArray
    best_so_far: FloatArray

    @classmethod
    def of(cls, paths: TradePaths, fills: Fills) -> Self:
        """Return the envelopes of these paths for engines that fill this way."""
        sign = paths.side.sign
        worst, best = (paths.low, paths.high) if sign > 0 else (-paths.high, -paths.low)
        open_, close = (paths.open, paths.close) if sign > 0 else (-paths.open, -paths.close)
        reached = best
        if fills.target_is_strict and fills.looks_at_open:
            # A price on the target is not beyond it, but an open on it is left at. Both are one search
            # when an open that is its candle's best price counts as the next number above.
            on_open = open_ >= best
            on_open[:, :1] = False
            reached = np.where(on_open, np.nextafter(best, np.inf), best)
        return cls(
            open=open_,
            close=close,
            worst=worst,
            best=best,
            worst_so_far=np.minimum.accumulate(worst, axis=1),
            best_so_far=np.maximum.accumulate(reached, axis=1),
        )

    @staticmethod
    def reach(target: FloatArray, fills: Fills) -> FloatArray:
        """Return what `best_so_far` must come to for these signed targets: beyond is the next number."""
        return np.nextafter(target, np.inf) if fills.target_is_strict else target
