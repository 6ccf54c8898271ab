"""What a set of trade profits comes to. Unknown is NaN, never zero and never a large number.

Profits are net position-level ratios along the last axis; weights are per trade, above zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from freqfleet.errors import InputError
from freqfleet.market.arrays import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The figures of one parameter vector over some trades.

    mean_profit : weighted mean net profit per trade. profit_factor : NaN where nothing was lost.
    ambiguous_trades : how many exits had stop and target in one candle; the stop was taken.
    optimistic_mean_profit : mean_profit if the target had been taken in those.
    sharpe_per_trade : weighted mean over weighted standard deviation; per trade, not annualised.
    """

    trades: int
    effective_trades: float
    mean_profit: float
    win_rate: float
    profit_factor: float
    sharpe_per_trade: float
    ambiguous_trades: int
    optimistic_mean_profit: float


def score(
    profits: FloatArray,
    weights: FloatArray,
    *,
    optimistic_profits: FloatArray | None = None,
    ambiguous_trades: int = 0,
) -> Score:
    """Return every figure for the profits of one vector; shape (n,).

    optimistic_profits : None where no exit was ambiguous.
    """
    optimistic = profits if optimistic_profits is None else optimistic_profits
    return Score(
        trades=len(profits),
        effective_trades=effective_trades(weights),
        mean_profit=float(weighted_mean(profits, weights)),
        win_rate=float(weighted_mean((profits > 0.0).astype(np.float64), weights)),
        profit_factor=profit_factor(profits, weights),
        sharpe_per_trade=sharpe_per_trade(profits, weights),
        ambiguous_trades=ambiguous_trades,
        optimistic_mean_profit=float(weighted_mean(optimistic, weights)),
    )


def checked_weights(weights: FloatArray, trades: int) -> FloatArray:
    """Return `weights` if there is one for every trade, each a number above zero; else InputError."""
    if weights.shape != (trades,):
        raise InputError(f"{trades} trades need as many weights, were {weights.shape}")
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights > 0.0)))
    if len(wrong):
        raise InputError(f"the weight of trade {wrong[0]} must be above 0, was {weights[wrong[0]]}")
    return weights


def weighted_mean(values: ArrayLike, weights: FloatArray) -> FloatArray:
    """Return sum(w x) / sum(w) along the last axis; NaN without trades."""
    values = np.asarray(values, dtype=np.float64)
    total = weights.sum()
    if not total > 0.0:
        return np.full(values.shape[:-1], np.nan)
    mean: FloatArray = (values * weights).sum(axis=-1) / total
    return mean


def profit_factor(profits: FloatArray, weights: FloatArray) -> float:
    """Return weighted gains over weighted losses; NaN where there is no loss."""
    weighted = profits * weights
    losses = -weighted[weighted < 0.0].sum()
    return float(weighted[weighted > 0.0].sum() / losses) if losses > 0.0 else math.nan


def sharpe_per_trade(profits: FloatArray, weights: FloatArray) -> float:
    """Return mean over standard deviation per trade; NaN below two trades or without any spread."""
    if len(profits) < 2:
        return math.nan
    mean = float(weighted_mean(profits, weights))
    variance = float(weighted_mean((profits - mean) ** 2, weights))
    effective = effective_trades(weights)
    if not (variance > 0.0 and effective > 1.0):
        return math.nan
    return mean / math.sqrt(variance * effective / (effective - 1.0))


def effective_trades(weights: FloatArray) -> float:
    """Return Kish's (sum w)^2 / sum w^2: how many equal trades say as much. 0 without trades."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0.0 else 0.0
