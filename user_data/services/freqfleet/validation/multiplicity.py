"""Many tests at once: how many of them may be believed."""

from __future__ import annotations

import numpy as np

from freqfleet.errors import InputError
from freqfleet.market.arrays import BoolArray, FloatArray


def benjamini_hochberg(p_values: FloatArray, fdr: float) -> BoolArray:
    """Return which of the tests to believe, so that at most `fdr` of the believed are expected to be false.

    p_values : (n,), within 0..1; NaN counts as 1. Ties stand or fall together.
    Source: Benjamini & Hochberg (1995).
    """
    _require_level(fdr)
    p_values = np.where(np.isnan(p_values), 1.0, p_values)
    count = len(p_values)
    if count == 0:
        return np.zeros(0, dtype=np.bool_)
    ordered = np.sort(p_values)
    passing = np.flatnonzero(ordered <= fdr * np.arange(1, count + 1) / count)
    limit = ordered[passing[-1]] if len(passing) else -1.0
    believed: BoolArray = p_values <= limit
    return believed


def adjusted(p_values: FloatArray) -> FloatArray:
    """Return the smallest `fdr` at which `benjamini_hochberg` would believe each test; (n,), 0..1.

    p_values : (n,), within 0..1; NaN counts as 1. Known as q-values, or p-values adjusted for the run.
    """
    p_values = np.where(np.isnan(p_values), 1.0, p_values)
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    scaled = p_values[order] * count / np.arange(1, count + 1)
    q_values = np.empty(count)
    q_values[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return q_values


def holm(p_values: FloatArray, alpha: float) -> BoolArray:
    """Return which tests to believe, so that any false one has at most the chance `alpha`.

    Source: Holm (1979); for a handful of families, where a single false one already costs many pairs.
    """
    _require_level(alpha)
    p_values = np.where(np.isnan(p_values), 1.0, p_values)
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    passing = p_values[order] <= alpha / np.arange(count, 0, -1)
    believed = np.zeros(count, dtype=np.bool_)
    believed[order[np.cumprod(passing).astype(np.bool_)]] = True
    return believed


def simes(p_values: FloatArray) -> float:
    """Return one p-value for "none of these is true"; 1 without any.

    Source: Simes (1986). Small where a few tests stand out, however many others say nothing.
    """
    count = len(p_values)
    if count == 0:
        return 1.0
    ordered = np.sort(np.where(np.isnan(p_values), 1.0, p_values))
    return float(min(1.0, (ordered * count / np.arange(1, count + 1)).min()))


def _require_level(level: float) -> None:
    if not 0.0 < level < 1.0:
        raise InputError(f"an error rate must lie between 0 and 1, was {level}")
