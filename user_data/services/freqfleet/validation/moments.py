"""Cell moments: all that selection needs to know about a unit's trades, for every cell of the grid at once.

A *unit* is what gets parameters of its own: a pair and side. d is the paired difference of one trade:
what it earned in a cell minus what it earned under the incumbent (position-level ratio; costs that do not
depend on the cell cancel). The sums add up over trades, so surfaces of parts can be added before they come
here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from freqfleet.errors import InputError
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class CellMoments:
    """Weighted sums over the trades of S training sets, for C cells.

    trades : (S,) how many. weight, weight_squared : (S,) sum w and sum w^2.
    gain, gain_by_square : (S, C) sum w d and sum w^2 d. square : (S, C) sum w^2 d^2.
    """

    trades: IntArray
    weight: FloatArray
    weight_squared: FloatArray
    gain: FloatArray
    gain_by_square: FloatArray
    square: FloatArray

    def __post_init__(self) -> None:
        sets = self.trades.shape
        if self.weight.shape != sets or self.weight_squared.shape != sets or len(sets) != 1:
            raise InputError(f"trades, weight and weight_squared must be (sets,), were {sets}")
        shape = self.gain.shape
        if self.gain_by_square.shape != shape or self.square.shape != shape or shape[:1] != sets:
            raise InputError(f"the sums over cells must be (sets, cells) with {sets[0]} sets, were {shape}")

    def estimates(self) -> Estimates:
        """Return mean and sandwich variance of the mean; NaN for sets without weight."""
        total = np.where(self.weight > 0.0, self.weight, np.nan)
        mean = self.gain / total[:, None]
        spread = self.square - 2.0 * mean * self.gain_by_square + mean**2 * self.weight_squared[:, None]
        effective = np.where(self.weight > 0.0, self.weight**2 / np.maximum(self.weight_squared, 1e-300), 0.0)
        return Estimates(
            trades=self.trades,
            effective_trades=effective,
            mean=mean,
            variance=np.maximum(spread, 0.0) / total[:, None] ** 2,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """Mean paired difference of every training set and cell, and how well it is known.

    trades, effective_trades : (S,); the latter is Kish's. mean, variance : (S, C); the variance is that of
    the mean, sum w^2 (d - mean)^2 / (sum w)^2. NaN where a set holds no weight. float32 is precise enough
    where memory counts.
    """

    trades: IntArray
    effective_trades: FloatArray
    mean: FloatArray
    variance: FloatArray


def moments_of(differences: FloatArray, weights: FloatArray, sets: BoolArray) -> CellMoments:
    """Return the moments of trades whose every cell is known.

    differences : (n, C). weights : (n,), not negative. sets : (S, n), which trades belong to a set.
    Raises InputError with the position of a difference or weight that is not a number.
    """
    if not np.isfinite(differences).all():
        trade, cell = (int(one[0]) for one in np.nonzero(~np.isfinite(differences)))
        raise InputError(
            f"trade {trade}, cell {cell}: the profit is {differences[trade, cell]}, not a number"
        )
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0.0)))
    if len(wrong):
        raise InputError(f"the weight of trade {wrong[0]} must not be below 0, was {weights[wrong[0]]}")
    each = sets * weights
    squared = sets * weights**2
    return CellMoments(
        trades=sets.sum(axis=1, dtype=np.int64),
        weight=each.sum(axis=1),
        weight_squared=squared.sum(axis=1),
        gain=each @ differences,
        gain_by_square=squared @ differences,
        square=squared @ differences**2,
    )
