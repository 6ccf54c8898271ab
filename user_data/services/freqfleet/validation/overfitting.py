"""Overfitting: two numbers of the literature, for information. No decision depends on them.

PBO asks how often the best cell of one half of the time is below the middle in the other half. It scores a
way of choosing, not an error rate: in a market with nothing to learn it still lets a few per cent through.
The deflated Sharpe ratio asks whether the best of many tries beats what the best of as many lucky tries
would reach.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

import numpy as np

from freqfleet.errors import InputError
from freqfleet.market.arrays import FloatArray

BLOCKS = 8
_EULER_GAMMA = 0.5772156649015329
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Overfitting:
    """pbo : share of the splits whose in-sample best is at or below the out-of-sample median.

    splits : how many were made. mean_logit : of the best's out-of-sample rank; 0 is what chance gives,
    below it the choice is worse than a blind one.
    """

    pbo: float
    splits: int
    mean_logit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeflatedSharpe:
    """expected_maximum : the Sharpe ratio that the best of `trials` lucky tries is expected to have.

    probability : that the true Sharpe ratio lies above it.
    """

    trials: float
    expected_maximum: float
    probability: float


def backtest_overfitting(block_sums: FloatArray, block_weights: FloatArray) -> Overfitting | None:
    """Return the probability of backtest overfitting by combinatorially symmetric cross-validation.

    block_sums : weighted sums of profit per cell over blocks of consecutive time, (blocks, cells), as
        `replay.surface` gives them for groups of trades. block_weights : (blocks,). Cells are compared by
        their mean profit a trade. `BLOCKS` blocks give 70 splits of 4 against 4.

    None where a half holds no weight or there are fewer than two cells. Ties share their rank. Raises
    InputError for an odd number of blocks, for other shapes and for NaN.

    Bailey, Borwein, Lopez de Prado and Zhu, The probability of backtest overfitting (2015).
    """
    blocks = len(block_weights)
    if block_sums.ndim != 2 or block_sums.shape[0] != blocks:
        raise InputError(f"block_sums must be ({blocks}, cells), was {block_sums.shape}")
    if blocks < 2 or blocks % 2:
        raise InputError(f"an even number of blocks is needed, was {blocks}")
    if not (np.isfinite(block_sums).all() and np.isfinite(block_weights).all()):
        raise InputError("block_sums and block_weights must be numbers, some are NaN or infinite")
    cells = block_sums.shape[1]
    if cells < 2:
        return None
    all_sums, all_weight = block_sums.sum(axis=0), float(block_weights.sum())
    logits = []
    for half in combinations(range(blocks), blocks // 2):
        chosen = list(half)
        weight = float(block_weights[chosen].sum())
        rest = all_weight - weight
        if not (weight > 0.0 and rest > 0.0):
            return None
        inside = block_sums[chosen].sum(axis=0)
        outside = (all_sums - inside) / rest
        logits.append(_logit_of_rank(outside, int(inside.argmax())))
    return Overfitting(
        pbo=sum(one <= 0.0 for one in logits) / len(logits),
        splits=len(logits),
        mean_logit=math.fsum(logits) / len(logits),
    )


def deflated_sharpe(
    sharpe: float,
    *,
    observations: int,
    skew: float,
    kurtosis: float,
    trials: float,
    sharpe_variance: float,
) -> DeflatedSharpe | None:
    """Return the deflated Sharpe ratio.

    sharpe, sharpe_variance : per observation, not annualised; the variance is over the trials.
    kurtosis : 3 for a normal distribution. trials : independent ones; cells that are neighbours of each
        other are not, see `independent_trials`.

    None where it is not defined: fewer than two observations or trials, or a variance of the estimate that
    is not above 0. Raises InputError for NaN.

    Bailey and Lopez de Prado, The deflated Sharpe ratio (2014), equations 1 and 2.
    """
    given = (sharpe, skew, kurtosis, trials, sharpe_variance)
    if not all(math.isfinite(one) for one in given):
        raise InputError(f"sharpe, skew, kurtosis, trials and sharpe_variance must be numbers, were {given}")
    spread = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    if observations < 2 or not trials > 1.0 or sharpe_variance < 0.0 or not spread > 0.0:
        return None
    expected = math.sqrt(sharpe_variance) * (
        (1.0 - _EULER_GAMMA) * _NORMAL.inv_cdf(1.0 - 1.0 / trials)
        + _EULER_GAMMA * _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    )
    score = (sharpe - expected) * math.sqrt(observations - 1.0) / math.sqrt(spread)
    return DeflatedSharpe(trials=trials, expected_maximum=expected, probability=_NORMAL.cdf(score))


def independent_trials(profits: FloatArray) -> float | None:
    """Return how many independent tries correlated ones are worth, 1 to their number.

    profits : (trades, cells). The participation ratio of the correlations' eigenvalues,
    (sum of them)^2 / sum of their squares, which needs no eigenvalues. Cells that never vary count nothing;
    None where none varies.
    """
    centred = profits - profits.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0))
    varies = spread > 0.0
    if not varies.any():
        return None
    scaled = centred[:, varies] / spread[varies]
    gram = scaled @ scaled.T if scaled.shape[0] < scaled.shape[1] else scaled.T @ scaled
    return float(np.trace(gram) ** 2 / (gram**2).sum())


def _logit_of_rank(values: FloatArray, at: int) -> float:
    own = values[at]
    below, equal = int((values < own).sum()), int((values == own).sum())
    rank = (below + (equal + 1) / 2.0) / (len(values) + 1.0)
    return math.log(rank / (1.0 - rank))
