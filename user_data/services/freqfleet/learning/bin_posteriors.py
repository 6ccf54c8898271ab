"""Posteriors of every level: what is believed of a bin's profit, drawn towards its pair and the fleet.

Levels of a side: the fleet -> a pair, and the fleet -> a bin; a pair -> its bin. A child's belief is
B * own mean + (1 - B) * the parent's, with B = tau^2 / (tau^2 + v): tau is how much children of one parent
differ beyond chance, v the variance of the own mean. Its variance is B * v + (1 - B)^2 * the parent's, so
that trades which a parent has already spoken for are not counted twice: a pair with all of its trades in one
bin is no surer of that bin than of itself.
Source: Gelman et al., Bayesian Data Analysis, 3rd ed., section 5.4; tau by moments as in
`validation.shrinkage`.

Trades that close on one day share the market of that day: the variance of a mean is that of its days.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from freqfleet.domain.bin_record import MIN_TRADES
from freqfleet.domain.leverage_bins import LEVERAGE_BINS
from freqfleet.learning.bin_columns import DAY_MS, BinColumns
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.market.trade_columns import SIDES
from freqfleet.validation.shrinkage import UNITS_FOR_A_MEAN

# Before any trade: a fleet earns nothing, give or take 50 bps a trade, and one trade moves by 2 %.
PRIOR_MEAN_SD, PRIOR_TRADE_SD = 0.005, 0.02
# Confidence in what a parent said for its child.
INHERITED_CONFIDENCE = 0.8
# Where every child is its parent's only one, their differences say nothing.
LEAST_ROOM = 1e-9
BINS = len(LEVERAGE_BINS)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Level:
    """All groups of one level; every array is (groups,). NaN where nothing could be measured.

    mean, variance : of the measured mean. The others are as in `BinRecord`.
    learned_ms : close of the newest trade; 0 without trades.
    """

    trades: IntArray
    effective: FloatArray
    weight: FloatArray
    mean: FloatArray
    variance: FloatArray
    trade_variance: FloatArray
    win_rate: FloatArray
    mean_win: FloatArray
    mean_loss: FloatArray
    profit_factor: FloatArray
    learned_ms: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Belief:
    """Posterior of every group of a level; (groups,). Nothing in it is NaN."""

    level: Level
    mean: FloatArray
    mean_sd: FloatArray
    trade_sd: FloatArray
    confidence: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beliefs:
    """The four levels. Groups are numbered by pair, side, bin, as far as a level has them, the last fastest.

    fleet : of a side. bins : of a side and bin. pairs : of a pair and side. cells : of all three.
    """

    fleet: Belief
    bins: Belief
    pairs: Belief
    cells: Belief


def believe(columns: BinColumns, weights: FloatArray) -> Beliefs:
    """Return what the trades say of every level. weights : (n,), above zero."""
    sides, pairs = len(SIDES), len(columns.pairs)
    side = columns.side
    pair_side = columns.pair * sides + side
    fleet = _rooted(_measured(columns, weights, side, sides, None))
    spread = fleet.trade_sd**2
    of_bin = np.repeat(np.arange(sides), BINS)
    of_pair = np.tile(np.arange(sides), pairs)
    of_cell = np.repeat(np.arange(pairs * sides), BINS)
    bins = _child(
        _measured(columns, weights, side * BINS + columns.step, sides * BINS, spread[of_bin]), fleet, of_bin
    )
    own = _child(_measured(columns, weights, pair_side, pairs * sides, spread[of_pair]), fleet, of_pair)
    cells = _child(
        _measured(
            columns, weights, pair_side * BINS + columns.step, pairs * sides * BINS, spread[of_pair][of_cell]
        ),
        own,
        of_cell,
    )
    return Beliefs(fleet=fleet, bins=bins, pairs=own, cells=cells)


def _measured(
    columns: BinColumns, weights: FloatArray, group: IntArray, groups: int, spread: FloatArray | None
) -> Level:
    """Return what was measured. spread : (groups,), variance of one trade that groups fall back on."""

    def total(values: FloatArray) -> FloatArray:
        return np.bincount(group, weights=values, minlength=groups).astype(np.float64)

    x, w = columns.profit, weights
    trades = np.bincount(group, minlength=groups)
    weight, squared = total(w), total(w * w)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mean = total(w * x) / weight
        effective = np.where(trades > 0, np.minimum(weight**2 / squared, trades), 0.0)
        rest = x - mean[group]
        own = total(w * rest * rest) / weight
        win, loss = np.where(x > 0.0, x, 0.0), np.where(x > 0.0, 0.0, x)
        winning = total(np.where(x > 0.0, w, 0.0))
        won, lost = total(w * win), -total(w * loss)
        prior = np.full(groups, PRIOR_TRADE_SD**2) if spread is None else spread
        trade_variance = (np.where(trades > 0, own, 0.0) * effective + MIN_TRADES * prior) / (
            effective + MIN_TRADES
        )
        by_trade = trade_variance / effective
        return Level(
            trades=trades,
            effective=effective,
            weight=weight,
            mean=mean,
            variance=np.fmax(by_trade, _of_days(columns, w * rest, weight, group, groups)),
            trade_variance=trade_variance,
            win_rate=winning / weight,
            mean_win=won / winning,
            mean_loss=-lost / (weight - winning),
            profit_factor=np.where(lost > 0.0, won / lost, np.nan),
            learned_ms=_newest(columns, group, groups),
        )


def _of_days(
    columns: BinColumns, weighted_rest: FloatArray, weight: FloatArray, group: IntArray, groups: int
) -> FloatArray:
    """Return the variance of the mean from the sums of its days; NaN for groups of fewer than two days."""
    if not len(columns):
        return np.full(groups, np.nan)
    day = columns.closed_ms // DAY_MS
    day = day - day.min()
    days = int(day.max()) + 1
    place = group * days + day
    sums = np.bincount(place, weights=weighted_rest, minlength=groups * days).reshape(groups, days)
    met = (np.bincount(place, minlength=groups * days).reshape(groups, days) > 0).sum(axis=1)
    variance: FloatArray = np.where(met > 1, (sums**2).sum(axis=1) / weight**2 * met / (met - 1), np.nan)
    return variance


def _newest(columns: BinColumns, group: IntArray, groups: int) -> IntArray:
    newest = np.zeros(groups, dtype=np.int64)
    np.maximum.at(newest, group, columns.closed_ms)
    return newest


def _rooted(level: Level) -> Belief:
    known = level.trades > 0
    variance = np.where(known, level.variance, 1.0)
    trust = np.where(known, PRIOR_MEAN_SD**2 / (PRIOR_MEAN_SD**2 + variance), 0.0)
    mean = trust * np.where(known, level.mean, 0.0)
    mean_sd = np.where(known, np.sqrt(trust * variance), PRIOR_MEAN_SD)
    return Belief(
        level=level,
        mean=mean,
        mean_sd=mean_sd,
        trade_sd=np.sqrt(level.trade_variance),
        confidence=_confidence(mean, mean_sd, level.effective),
    )


def _child(level: Level, parent: Belief, of: IntArray) -> Belief:
    """Return the belief of a level. of : (groups,), the parent of every group."""
    known = level.trades > 0
    variance, own = np.where(known, level.variance, 1.0), np.where(known, level.mean, 0.0)
    between = _between(level, parent, of)
    trust = np.where(known, between / (between + variance), 0.0)
    mean = trust * own + (1.0 - trust) * parent.mean[of]
    mean_sd = np.sqrt(trust * variance + ((1.0 - trust) * parent.mean_sd[of]) ** 2)
    return Belief(
        level=level,
        mean=mean,
        mean_sd=mean_sd,
        trade_sd=np.sqrt(level.trade_variance),
        confidence=np.where(
            level.trades >= MIN_TRADES,
            _confidence(mean, mean_sd, level.effective),
            INHERITED_CONFIDENCE * parent.confidence[of],
        ),
    )


def _between(level: Level, parent: Belief, of: IntArray) -> float:
    """Return tau^2: how much children differ from their parents beyond chance; 0 where chance explains it.

    Only children with enough trades are asked, and four of them at least: one outlier would be a difference.
    They are not believed to differ by more than fleets do.
    """
    asked = level.trades >= MIN_TRADES
    if asked.sum() < UNITS_FOR_A_MEAN:
        return 0.0
    of = of[asked]
    share = level.weight[asked] / parent.level.weight[of]
    away = level.mean[asked] - parent.level.mean[of]
    room = float((share * (1.0 - share)).sum())
    if not room > LEAST_ROOM:
        return 0.0
    excess = float((share * (away**2 - (1.0 - share) * level.variance[asked])).sum())
    return min(max(0.0, excess / room), PRIOR_MEAN_SD**2)


def _confidence(mean: FloatArray, mean_sd: FloatArray, effective: FloatArray) -> FloatArray:
    """Return P(mean > 0) * n / (n + 60): the definition shown beside a record."""
    ratio = mean / mean_sd
    above = np.array([0.5 * math.erfc(-one / math.sqrt(2.0)) for one in ratio.tolist()])
    shown: FloatArray = above * effective / (effective + MIN_TRADES)
    return shown
