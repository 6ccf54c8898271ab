"""95 % confidence intervals over worlds. Pairs of one world share a market, so worlds are what is counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class Interval:
    """A measured value and where the true one lies with 95 % confidence; NaN where nothing was measured."""

    value: float
    low: float
    high: float

    def text(self, unit: str = "", *, scale: float = 1.0, digits: int = 1) -> str:
        """Return for example `3.1 % (2.2 .. 4.0)`; `-` where nothing was measured."""
        if math.isnan(self.value):
            return "-"
        value, low, high = (f"{one * scale:.{digits}f}" for one in (self.value, self.low, self.high))
        return f"{value}{unit}" if low == "nan" else f"{value}{unit} ({low} .. {high})"


def mean_interval(values: Sequence[float], *, share: bool = False) -> Interval:
    """Return the mean of the values that are numbers, one per world, by their spread.

    share : the values lie within 0..1, so the interval does.
    """
    known = np.array([one for one in values if not math.isnan(one)])
    if len(known) == 0:
        return Interval(math.nan, math.nan, math.nan)
    mean = float(known.mean())
    if len(known) == 1:
        return Interval(mean, math.nan, math.nan)
    half = Z95 * float(known.std(ddof=1)) / math.sqrt(len(known))
    low, high = mean - half, mean + half
    return Interval(mean, max(0.0, low), min(1.0, high)) if share else Interval(mean, low, high)


def share_interval(hits: int, of: int) -> Interval:
    """Return the share of hits; Wilson's interval, which stays sensible at 0 hits."""
    if of == 0:
        return Interval(math.nan, math.nan, math.nan)
    share = hits / of
    centre = (share + Z95**2 / (2 * of)) / (1 + Z95**2 / of)
    half = Z95 * math.sqrt(share * (1 - share) / of + Z95**2 / (4 * of**2)) / (1 + Z95**2 / of)
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))


def ratio_interval(numerators: Sequence[float], denominators: Sequence[float]) -> Interval:
    """Return sum over sum, one term per world, by the delta method; terms with NaN are left out."""
    both = np.array(
        [
            (up, down)
            for up, down in zip(numerators, denominators, strict=True)
            if not (math.isnan(up) or math.isnan(down))
        ]
    )
    if len(both) == 0 or both[:, 1].sum() == 0.0:
        return Interval(math.nan, math.nan, math.nan)
    ratio = float(both[:, 0].sum() / both[:, 1].sum())
    if len(both) == 1:
        return Interval(ratio, math.nan, math.nan)
    residual = both[:, 0] - ratio * both[:, 1]
    half = Z95 * float(residual.std(ddof=1)) / math.sqrt(len(both)) / abs(float(both[:, 1].mean()))
    return Interval(ratio, ratio - half, ratio + half)
