"""Monte Carlo: how deep and how long it may hurt, had the same kind of trades come in another order.

A circular block bootstrap: blocks of consecutive trades are drawn with replacement until there are as many
as before, the last block wraps around to the first trade. Blocks keep what consecutive trades share (one
market move, one burst of signals); drawing with replacement also asks what if the good weeks had been fewer.
Only ratios are drawn, never profits in currency: a late profit made with a grown account is no larger than
an early one, and a drawdown cannot exceed the account.

Politis and Romano, A circular block-resampling procedure for stationary data (1992).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from freqfleet.errors import InputError
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray

Level = Literal["position", "margin"]

FEWEST_TRADES = 10
PATHS = 1000
COVERAGE = 0.95
_CELLS_AT_ONCE = 2_000_000
_RUIN = 1e-12  # what is left of an account that lost everything, so that its logarithm exists


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """The middle 95 % of the paths, and the median."""

    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MonteCarlo:
    """What happened, and what might as well have happened.

    level : of the returns: `position` is on price, `margin` times leverage.
    stake_ratio : the share of the account each trade had at stake.
    max_drawdown, observed_drawdown : largest fall of the compounded account from a peak, 0.08 is 8 %.
    losing_streak, observed_streak : most losing trades in a row; a trade at exactly 0 ends a streak.
    total_return, observed_return : of the compounded account.
    loss_share : share of the paths that end below where they began.
    """

    level: Level
    stake_ratio: float
    trades: int
    paths: int
    block: int
    seed: int
    max_drawdown: Interval
    observed_drawdown: float
    losing_streak: Interval
    observed_streak: int
    total_return: Interval
    observed_return: float
    loss_share: float


def block_bootstrap(
    returns: FloatArray,
    *,
    level: Level,
    seed: int,
    stake_ratio: float = 1.0,
    paths: int = PATHS,
    block: int | None = None,
) -> MonteCarlo | None:
    """Return the intervals, None for fewer than `FEWEST_TRADES`: an interval of them would say nothing.

    returns : net ratio per trade at `level`, in the order of closing; (n,).
    stake_ratio : the account grows by stake_ratio * return a trade, one trade at a time.
    block : trades per block; None takes n^(1/3), at least 2.

    A return that costs more than the account leaves nothing of it, not less than nothing. The same arguments
    give the same answer. Raises InputError for NaN or infinity.
    """
    if level not in ("position", "margin"):
        raise InputError(f"level must be position or margin, was {level!r}")
    if not 0.0 < stake_ratio <= 1.0:
        raise InputError(f"stake_ratio must lie above 0 and up to 1, was {stake_ratio}")
    if paths < 1:
        raise InputError(f"paths must be at least 1, was {paths}")
    if not np.isfinite(returns).all():
        raise InputError(f"{int((~np.isfinite(returns)).sum())} of {len(returns)} returns are no numbers")
    count = len(returns)
    if count < FEWEST_TRADES:
        return None
    size = default_block(count) if block is None else block
    if not 1 <= size <= count:
        raise InputError(f"block must lie in 1..{count}, was {size}")
    growth = np.log(np.maximum(1.0 + stake_ratio * returns, _RUIN))
    losses = returns < 0.0
    drawdowns, streaks, totals = [], [], []
    for drawn in _draws(count, size, paths, np.random.default_rng(seed)):
        drawdowns.append(_drawdowns(growth[drawn]))
        streaks.append(_streaks(losses[drawn]))
        totals.append(np.expm1(growth[drawn].sum(axis=1)))
    total = np.concatenate(totals)
    return MonteCarlo(
        level=level,
        stake_ratio=stake_ratio,
        trades=count,
        paths=paths,
        block=size,
        seed=seed,
        max_drawdown=_interval(np.concatenate(drawdowns)),
        observed_drawdown=float(_drawdowns(growth[None, :])[0]),
        losing_streak=_interval(np.concatenate(streaks).astype(np.float64)),
        observed_streak=int(_streaks(losses[None, :])[0]),
        total_return=_interval(total),
        observed_return=float(np.expm1(growth.sum())),
        loss_share=float((total < 0.0).mean()),
    )


def default_block(trades: int) -> int:
    """Return how many trades a block has: the cube root of all, at least 2."""
    return max(2, round(math.cbrt(trades)))


def _draws(count: int, block: int, paths: int, random: np.random.Generator) -> list[IntArray]:
    """Return which trades each path has, (some paths, count) at a time to bound the memory."""
    blocks = math.ceil(count / block)
    at_once = max(1, _CELLS_AT_ONCE // count)
    draws: list[IntArray] = []
    starts = random.integers(0, count, size=(paths, blocks))
    for first in range(0, paths, at_once):
        chunk = starts[first : first + at_once]
        drawn = (chunk[:, :, None] + np.arange(block)) % count
        draws.append(drawn.reshape(len(chunk), -1)[:, :count])
    return draws


def _drawdowns(growth: FloatArray) -> FloatArray:
    """Return the largest fall from a peak of every row; growth : (paths, n), logarithms."""
    account = growth.cumsum(axis=1)
    peak = np.maximum(np.maximum.accumulate(account, axis=1), 0.0)  # the start is a peak, too
    falls: FloatArray = -np.expm1((account - peak).min(axis=1))
    return falls


def _streaks(losses: BoolArray) -> IntArray:
    """Return the longest run of True of every row; losses : (paths, n)."""
    place = np.arange(1, losses.shape[1] + 1)
    last_win = np.maximum.accumulate(np.where(losses, 0, place), axis=1)
    longest: IntArray = (place - last_win).max(axis=1)
    return longest


def _interval(values: FloatArray) -> Interval:
    tail = (1.0 - COVERAGE) / 2.0
    low, median, high = np.quantile(values, [tail, 0.5, 1.0 - tail])
    return Interval(low=float(low), median=float(median), high=float(high))
