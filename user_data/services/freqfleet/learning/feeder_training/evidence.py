"""What a report asks beyond a certificate: controls, importance, likeness. All of it out of fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from freqfleet.domain.sides import Side
from freqfleet.learning.feeder_training.boosting import Rows
from freqfleet.learning.feeder_training.heads import OutOfFold, walk_forward
from freqfleet.learning.feeder_training.plan import TrainingPlan
from freqfleet.learning.feeder_training.samples import Samples
from freqfleet.learning.feeder_training.trainer import FeederFit
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.market.timeframes import HOUR_MS
from freqfleet.signals.models.trees import read_trees
from freqfleet.validation.blocks import UNKNOWN, Interval, auc_interval

IMPORTANCE_ROWS = 40_000
CONTROL_LEVEL = 0.9975
"""Of the shuffled labels' interval: twenty heads together then hold 0.5 with 95 % (Bonferroni)."""
_CONTROL_RESAMPLES = 4000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeadEvidence:
    """One side of a feeder.

    shuffled_auc : of the same training on labels that were dealt out anew; 0.5 inside, or something leaks.
    importance : the AUC that is lost when a feature is shuffled, largest first.
    hourly : the rank, 0..1, of each out-of-fold score on rows at full hours, by (pair, time in ms).
    """

    shuffled_auc: Interval
    importance: tuple[tuple[str, float], ...]
    hourly: Mapping[tuple[str, int], float]


def head_evidence(fit: FeederFit, side: Side, plan: TrainingPlan) -> HeadEvidence:
    """Return what a report shows of a head; empty where it could not be trained at all."""
    scored = fit.heads[side].out_of_fold
    if scored is None:
        return HeadEvidence(shuffled_auc=UNKNOWN, importance=(), hourly={})
    rng = np.random.default_rng(plan.seed)
    return HeadEvidence(
        shuffled_auc=shuffled_auc(fit.samples, side, fit.recipe.features, plan, rng),
        importance=_importance(fit, side, scored, rng),
        hourly=_hourly(fit.samples, scored),
    )


def shuffled_auc(
    samples: Samples, side: Side, names: Sequence[str], plan: TrainingPlan, rng: np.random.Generator
) -> Interval:
    """Return the out-of-fold AUC of the same training where no row keeps its own label."""
    one = samples.sides[side]
    dealt = rng.permutation(len(samples))
    rows = Rows(features=samples.features, won=one.won[dealt], weight=one.weight)
    scored, _rounds = walk_forward(samples, rows, names, plan)
    if scored is None:
        return UNKNOWN
    return auc_interval(
        scored.raw,
        rows.won[scored.row],
        samples.day[scored.row],
        rng=rng,
        level=CONTROL_LEVEL,
        resamples=_CONTROL_RESAMPLES,
    )


def _importance(
    fit: FeederFit, side: Side, scored: OutOfFold, rng: np.random.Generator
) -> tuple[tuple[str, float], ...]:
    """Return the loss of AUC, fold by fold, averaged over folds by their rows."""
    won = fit.samples.sides[side].won
    lost = np.zeros(len(fit.recipe.features))
    total = 0
    for model, test in scored.folds:
        rows = (
            test
            if len(test) <= IMPORTANCE_ROWS
            else np.sort(rng.choice(test, IMPORTANCE_ROWS, replace=False))
        )
        trees, features = read_trees(model, label="the fold"), np.asfortranarray(fit.samples.features[rows])
        whole = _auc(trees.raw_scores(features), won[rows])
        for column in range(features.shape[1]):
            kept = features[:, column].copy()
            features[:, column] = rng.permutation(kept)
            lost[column] += len(rows) * (whole - _auc(trees.raw_scores(features), won[rows]))
            features[:, column] = kept
        total += len(rows)
    ranked = sorted(
        zip(fit.recipe.features, (lost / max(total, 1)).tolist(), strict=True), key=lambda one: -one[1]
    )
    return tuple(ranked)


def _auc(scores: FloatArray, won: np.ndarray) -> float:
    order = np.argsort(scores, kind="stable")
    winners = int(won.sum())
    losers = len(won) - winners
    if not winners or not losers:
        return 0.5
    ranks = float((np.flatnonzero(won[order]) + 1).sum())
    return (ranks - winners * (winners + 1) / 2.0) / (winners * losers)


def _hourly(samples: Samples, scored: OutOfFold) -> dict[tuple[str, int], float]:
    ranks = np.empty(len(scored.raw))
    ranks[np.argsort(scored.raw, kind="stable")] = np.arange(len(ranks)) / max(1, len(ranks) - 1)
    time_ms = samples.time_ms[scored.row]
    full: IntArray = np.flatnonzero(time_ms % HOUR_MS == 0)
    pairs, times = samples.pair[scored.row[full]].tolist(), time_ms[full].tolist()
    return {
        (samples.pairs[pair], moment): rank
        for pair, moment, rank in zip(pairs, times, ranks[full].tolist(), strict=True)
    }


def likeness(one: HeadEvidence, other: HeadEvidence) -> float:
    """Return the rank correlation of two heads on the hours both scored; NaN for fewer than a hundred."""
    shared = one.hourly.keys() & other.hourly.keys()
    if len(shared) < 100:
        return float("nan")
    keys = sorted(shared)
    pair = np.array([[one.hourly[key] for key in keys], [other.hourly[key] for key in keys]])
    return float(np.corrcoef(pair)[0, 1])
