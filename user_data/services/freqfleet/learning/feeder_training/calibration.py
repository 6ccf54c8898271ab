"""Calibration: from a score to a probability, and to the probability from which on a head votes.

Platt's two numbers, not isotonic steps: they keep the order of scores without ties, so that a share of
candles can be cut off exactly, and two numbers cannot learn the noise of one market phase.
Platt (1999), Probabilistic outputs for support vector machines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from freqfleet.market.arrays import BoolArray, FloatArray
from freqfleet.signals.models.head import probability


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What a certificate keeps of it; see `HeadCertificate`."""

    slope: float
    intercept: float
    base_probability: float
    vote_probability: float

    def chance(self, raw: FloatArray) -> FloatArray:
        """Return calibrated probabilities."""
        return probability(raw, self.slope, self.intercept)


def calibrate(raw: FloatArray, won: BoolArray, weight: FloatArray, vote_share: float) -> Calibration | str:
    """Return what turns out-of-fold scores into probabilities and votes, or why that cannot be.

    The base is the weighted median; a vote begins where `vote_share` of the weight is left above.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    if won.all() or not won.any():
        return "one class only out of fold"
    if float(np.ptp(raw)) < 1e-9:
        return "it says the same of every candle"
    centre, scale = float(raw.mean()), float(raw.std())
    fitted = LogisticRegression(C=1e6).fit(((raw - centre) / scale)[:, None], won, sample_weight=weight)
    slope = float(fitted.coef_[0, 0]) / scale
    if slope <= 0.0:
        return "it ranks candles backwards out of fold"
    intercept = float(fitted.intercept_[0]) - slope * centre
    chance = probability(raw, slope, intercept)
    order = np.argsort(chance, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    base, vote = (
        float(chance[order][min(len(order) - 1, int(np.searchsorted(share, at)))])
        for at in (0.5, 1.0 - vote_share)
    )
    if not vote > base:
        return "it says the same of most candles"
    return Calibration(slope=slope, intercept=intercept, base_probability=base, vote_probability=vote)
