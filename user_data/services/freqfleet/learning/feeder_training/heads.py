"""One head: boosted fold by fold, calibrated out of fold, judged on rows it had not seen, then fitted on all.

The judgement is forward in both steps: the trees of a fold come from older rows, and what turns their
scores into votes was fitted on the folds before. The first fold only calibrates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from freqfleet.domain.sides import Side
from freqfleet.learning.feeder_training.boosting import Rows, boost
from freqfleet.learning.feeder_training.calibration import Calibration, calibrate
from freqfleet.learning.feeder_training.plan import TrainingPlan
from freqfleet.learning.feeder_training.samples import Samples
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.signals.models.trees import read_trees
from freqfleet.validation.purged_folds import PurgedFold, purged_walk_forward


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutOfFold:
    """What a head said of rows it had not seen; arrays of shape (n_scored,), ascending rows.

    row : index into the samples. raw : score of the fold's trees.
    chance : probability calibrated on the folds before, NaN in the first one.
    votes : the head would have voted, decided on the folds before; False in the first one.
    judged : in a later fold than the first.
    folds : each fold's text model with the rows it scored.
    """

    row: IntArray
    raw: FloatArray
    chance: FloatArray
    votes: BoolArray
    judged: BoolArray
    folds: tuple[tuple[str, IntArray], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedHead:
    """A head ready to be written. model : LightGBM's text; None where `abstains` says why."""

    model: str | None
    abstains: str | None
    trees: int
    calibration: Calibration | None
    out_of_fold: OutOfFold | None


def fit_head(samples: Samples, side: Side, names: Sequence[str], plan: TrainingPlan) -> FittedHead:
    """Return the head of one side.

    A head that cannot be trained is no error: it abstains, with the reason in its certificate.
    """
    one = samples.sides[side]
    everything = Rows(features=samples.features, won=one.won, weight=one.weight)
    if len(samples) < plan.min_rows:
        return _abstaining(f"{len(samples)} rows, {plan.min_rows} needed")
    if not everything.has_both_classes:
        return _abstaining("one class only in the window")
    scored, rounds = walk_forward(samples, everything, names, plan)
    if scored is None:
        return _abstaining("no fold with both classes on each of its parts")
    calibration = calibrate(scored.raw, one.won[scored.row], one.weight[scored.row], plan.vote_share)
    if isinstance(calibration, str):
        return FittedHead(model=None, abstains=calibration, trees=0, calibration=None, out_of_fold=scored)
    model, trees = boost(everything, names, plan, rounds=rounds)
    if not read_trees(model, label="the model").has_splits:
        return FittedHead(
            model=None, abstains="no split was worth it", trees=0, calibration=None, out_of_fold=scored
        )
    return FittedHead(model=model, abstains=None, trees=trees, calibration=calibration, out_of_fold=scored)


def walk_forward(
    samples: Samples, rows: Rows, names: Sequence[str], plan: TrainingPlan
) -> tuple[OutOfFold | None, int]:
    """Return the out-of-fold scores, and how many rounds the folds found right (their median).

    rows : what is learned, row by row that of `samples`. None where no fold could be trained.
    """
    tested: list[IntArray] = []
    raws: list[FloatArray] = []
    chances: list[FloatArray] = []
    votes: list[BoolArray] = []
    rounds: list[int] = []
    models: list[tuple[str, IntArray]] = []
    for fold in _folds(samples, plan):
        parts = [_take(rows, index) for index in (fold.train, fold.stopping)]
        if not len(fold.test) or not all(part.has_both_classes for part in parts):
            continue
        model, best = boost(parts[0], names, plan, rounds=plan.rounds, stopping=parts[1])
        raw = read_trees(model, label="the fold").raw_scores(rows.features[fold.test])
        chance, voted = np.full(len(raw), np.nan), np.zeros(len(raw), dtype=np.bool_)
        if tested:
            before = np.concatenate(tested)
            earlier = calibrate(np.concatenate(raws), rows.won[before], rows.weight[before], plan.vote_share)
            if not isinstance(earlier, str):
                chance = earlier.chance(raw)
                voted = chance >= earlier.vote_probability
        tested.append(fold.test)
        raws.append(raw)
        chances.append(chance)
        votes.append(voted)
        rounds.append(best)
        models.append((model, fold.test))
    if not tested:
        return None, 0
    judged = np.repeat(np.arange(len(tested)) > 0, [len(one) for one in tested])
    scored = OutOfFold(
        row=np.concatenate(tested),
        raw=np.concatenate(raws),
        chance=np.concatenate(chances),
        votes=np.concatenate(votes),
        judged=judged,
        folds=tuple(models),
    )
    return scored, max(1, round(float(np.median(rounds))))


def _folds(samples: Samples, plan: TrainingPlan) -> list[PurgedFold]:
    return list(
        purged_walk_forward(
            samples.time_ms,
            samples.known_ms,
            folds=plan.folds,
            embargo_ms=round(plan.embargo.total_seconds() * 1000),
        )
    )


def _take(rows: Rows, index: IntArray) -> Rows:
    return Rows(features=rows.features[index], won=rows.won[index], weight=rows.weight[index])


def _abstaining(reason: str) -> FittedHead:
    return FittedHead(model=None, abstains=reason, trees=0, calibration=None, out_of_fold=None)
