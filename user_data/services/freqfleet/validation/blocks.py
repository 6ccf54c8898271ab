"""Statistics with an interval that knows that one day is one observation, not a hundred thousand.

Rows of one day overlap, and all pairs move together: the days are resampled, not the rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from freqfleet.market.arrays import BoolArray, FloatArray, IntArray

RESAMPLES = 400
_BINS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value and where it lies, with 95 % confidence if nothing else is said; NaN for too little data."""

    value: float
    low: float
    high: float

    def holds(self, number: float) -> bool:
        """Return whether `number` lies inside."""
        return self.low <= number <= self.high

    def to_dict(self) -> dict[str, float | None]:
        """Return plain values; None for NaN, which JSON does not know."""
        return {
            name: None if math.isnan(one) else round(one, 6)
            for name, one in (("value", self.value), ("low", self.low), ("high", self.high))
        }


UNKNOWN = Interval(value=math.nan, low=math.nan, high=math.nan)


def auc_interval(
    scores: FloatArray,
    won: BoolArray,
    block: IntArray,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Interval:
    """Return the area under the ROC curve: how often a winner is scored above a loser; 0.5 is chance.

    scores, won, block : shape (n_rows,); `block` says which day a row belongs to.
    level : of the interval; `resamples` must be enough for its ends.
    Scores are put into 256 bins of equal count first: the value is exact to about 1/256 of a tie's half.
    """
    if not len(scores) or won.all() or not won.any():
        return UNKNOWN
    edges = np.unique(np.quantile(scores, np.linspace(0.0, 1.0, _BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, scores, side="right")
    days, day = np.unique(block, return_inverse=True)
    width = len(edges) + 1
    flat = day * width + bins
    shape = (len(days), width)
    winners = np.bincount(flat[won], minlength=shape[0] * width).reshape(shape).astype(np.float64)
    losers = np.bincount(flat[~won], minlength=shape[0] * width).reshape(shape).astype(np.float64)
    value = float(_auc(winners.sum(axis=0, keepdims=True), losers.sum(axis=0, keepdims=True))[0])
    draws = _draws(len(days), rng, resamples)
    return _interval(value, _auc(draws @ winners, draws @ losers), len(days), level)


def mean_interval(values: FloatArray, block: IntArray, *, rng: np.random.Generator) -> Interval:
    """Return the mean of rows, with days resampled; NaN for no rows."""
    if not len(values):
        return UNKNOWN
    days, day = np.unique(block, return_inverse=True)
    sums, counts = np.bincount(day, weights=values), np.bincount(day).astype(np.float64)
    draws = _draws(len(days), rng)
    return _interval(float(values.mean()), (draws @ sums) / (draws @ counts), len(days))


def _draws(days: int, rng: np.random.Generator, resamples: int = RESAMPLES) -> FloatArray:
    """Return how often each day was drawn in each resample, shape (n_resamples, n_days)."""
    drawn: FloatArray = rng.multinomial(days, np.full(days, 1.0 / days), size=resamples).astype(np.float64)
    return drawn


def _auc(winners: FloatArray, losers: FloatArray) -> FloatArray:
    below = np.cumsum(losers, axis=1) - losers
    pairs = winners.sum(axis=1) * losers.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        area: FloatArray = (winners * (below + 0.5 * losers)).sum(axis=1) / pairs
    return area


def _interval(value: float, resampled: FloatArray, days: int, level: float = 0.95) -> Interval:
    usable = resampled[np.isfinite(resampled)]
    if days < 3 or len(usable) < len(resampled) // 2:
        return Interval(value=value, low=math.nan, high=math.nan)
    tail = 0.5 * (1.0 - level)
    low, high = np.quantile(usable, (tail, 1.0 - tail))
    return Interval(value=value, low=float(low), high=float(high))
