"""James-Stein shrinkage per cell: what a unit's own trades say, pulled towards what its family says.

Used to *choose* parameters and to state what they are worth, never to certify them: an empirical-Bayes
posterior without an out-of-sample test publishes 4 to 58 % of edge-free pairs.
Source: Efron & Morris (1973); between-unit variance by moments as DerSimonian & Laird (1986).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from freqfleet.market.arrays import FloatArray

# Below this many units their spread says too little about a common mean, and zero takes its place.
UNITS_FOR_A_MEAN = 4
# Cells know nothing of each other: so many at a time keep what lies between small.
CELLS_AT_ONCE = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """What to believe about each unit and cell.

    mean : (P, C) expected paired difference, position-level ratio. family_mean : (C,).
    between_variance : (C,) how much units truly differ; 0 where chance explains their spread.
    """

    mean: FloatArray
    family_mean: FloatArray
    between_variance: FloatArray


def shrink(mean: FloatArray, variance: FloatArray, effective_trades: FloatArray) -> Posterior:
    """Return the posterior of P units and C cells.

    mean, variance : (P, C), variance of the mean; NaN for a unit that has no trades, which then gets the
    family's mean. effective_trades : (P,). The variance per trade is floored at its mean over the units,
    because a few trades that all did the same look certain. Fewer than four units are pulled towards zero.
    """
    known = effective_trades > 0.0
    cells = mean.shape[1]
    posterior = Posterior(
        mean=np.zeros(mean.shape), family_mean=np.zeros(cells), between_variance=np.zeros(cells)
    )
    if known.any():
        for start in range(0, cells, CELLS_AT_ONCE):
            some = slice(start, start + CELLS_AT_ONCE)
            part = _shrink(mean[known, some], variance[known, some], effective_trades[known])
            posterior.mean[:, some] = part.family_mean  # of units without trades, too
            posterior.mean[known, some] = part.mean
            posterior.family_mean[some] = part.family_mean
            posterior.between_variance[some] = part.between_variance
    return posterior


def _shrink(mean: FloatArray, variance: FloatArray, effective_trades: FloatArray) -> Posterior:
    """Return the posterior of units that all have trades."""
    trades = effective_trades[:, None]
    means = np.asarray(mean, dtype=np.float64)
    per_trade = np.asarray(variance, dtype=np.float64) * trades
    noise = np.maximum(per_trade, per_trade.mean(axis=0)) / trades
    observed = per_trade.mean(axis=0) / trades
    share = trades / trades.sum()
    if len(means) >= UNITS_FOR_A_MEAN:
        family = (share * means).sum(axis=0)
        room = share * (1.0 - share)
    else:
        family = np.zeros(means.shape[1])
        room = share
    spread = (share * (means - family) ** 2).sum(axis=0)
    between = np.maximum(0.0, (spread - (room * observed).sum(axis=0)) / room.sum())
    trust = np.divide(between, between + noise, out=np.zeros_like(noise), where=between + noise > 0.0)
    return Posterior(mean=family + trust * (means - family), family_mean=family, between_variance=between)


def shrink_in_groups(
    mean: FloatArray, variance: FloatArray, effective_trades: FloatArray, groups: Sequence[str | None]
) -> FloatArray:
    """Return the posterior means of units that are parts of groups; (P, C).

    groups : (P,), the group of every unit; None for units that are their own. The whole of a group, all its
    trades together, is shrunk towards its family as `shrink` does; what its parts differ by is shrunk towards
    nothing.
    """
    if all(one is None for one in groups):
        return shrink(mean, variance, effective_trades).mean
    names = {one: at for at, one in enumerate(dict.fromkeys(_named(groups)))}
    of = np.array([names[one] for one in _named(groups)])
    known = effective_trades > 0.0
    trades = np.where(known, effective_trades, 0.0)
    whole = np.bincount(of, weights=trades, minlength=len(names)).astype(np.float64)
    share = trades / np.where(whole > 0.0, whole, 1.0)[of]
    parts = np.zeros((len(names), len(groups)))
    parts[of, np.arange(len(groups))] = share
    own = np.where(known[:, None], mean, 0.0)
    group_variance = parts**2 @ np.where(known[:, None], variance, 0.0)
    believed = shrink(parts @ own, group_variance, whole).mean[of]
    # Of a group with one part there is no difference to learn.
    counted = np.bincount(of, weights=known, minlength=len(names))
    apart = np.where(known & (counted[of] > 1), effective_trades, 0.0)
    differences = shrink(own - (parts @ own)[of], np.where(known[:, None], variance, 0.0), apart)
    posterior: FloatArray = np.where((apart > 0.0)[:, None], believed + differences.mean, believed)
    return posterior


def _named(groups: Sequence[str | None]) -> list[str]:
    return [f"unit {at}" if one is None else f"group {one}" for at, one in enumerate(groups)]
