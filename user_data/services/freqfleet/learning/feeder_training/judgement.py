"""What a head showed on rows it had not seen: the numbers of its certificate."""

from __future__ import annotations

from typing import Any

import numpy as np

from freqfleet.domain.sides import Side
from freqfleet.learning.feeder_training.baselines import RuleScores
from freqfleet.learning.feeder_training.heads import OutOfFold
from freqfleet.learning.feeder_training.samples import Samples
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.signals.feeder import VOTE_AT
from freqfleet.validation.blocks import auc_interval, mean_interval

CALIBRATION_BINS = 10
_DAYS_PER_WEEK = 7
_BPS = 1e4


def judge(samples: Samples, side: Side, scored: OutOfFold, rules: RuleScores, *, seed: int) -> dict[str, Any]:
    """Return the out-of-fold metrics of a head, plain values only.

    auc : of all scored rows. Everything else from the second fold on, whose votes were decided on the
    folds before: votes, precision (share of votes whose target was touched first), return_bps (mean of
    the label's return after costs), all_return_bps (the same of every row), brier, calibration_error
    (mean distance over bins of equal count), calibration, weeks, baselines (rule feeders on the same
    rows and label). Intervals are 95 %, days resampled.
    """
    rng = np.random.default_rng(seed)
    one = samples.sides[side]
    judged = scored.row[scored.judged]
    chance, votes = scored.chance[scored.judged], scored.votes[scored.judged]
    won, gained, day = one.won[judged], _BPS * one.return_ratio[judged], samples.day[judged]
    known = ~np.isnan(chance)
    all_days = samples.day[scored.row]
    return {
        "rows": len(scored.row),
        "judged_rows": len(judged),
        "won_share": float(won.mean()) if len(won) else None,
        "auc": auc_interval(scored.raw, one.won[scored.row], all_days, rng=rng).to_dict(),
        **_votes(votes, won, gained, day, rng),
        "all_return_bps": mean_interval(gained, day, rng=rng).to_dict(),
        "brier": float(((chance[known] - won[known]) ** 2).mean()) if known.any() else None,
        **_calibration(chance[known], won[known]),
        "weeks": _weeks(scored, samples, side),
        "baselines": {
            name: _rule(scores[side], samples, side, judged, rng)
            for name, scores in rules.of(samples).items()
        },
    }


def _votes(
    votes: BoolArray, won: BoolArray, gained: FloatArray, day: IntArray, rng: np.random.Generator
) -> dict[str, Any]:
    return {
        "votes": int(votes.sum()),
        "precision": mean_interval(won[votes].astype(np.float64), day[votes], rng=rng).to_dict(),
        "return_bps": mean_interval(gained[votes], day[votes], rng=rng).to_dict(),
    }


def _rule(
    confidence: FloatArray, samples: Samples, side: Side, judged: IntArray, rng: np.random.Generator
) -> dict[str, Any]:
    one = samples.sides[side]
    said = np.nan_to_num(confidence[judged])
    won, day = one.won[judged], samples.day[judged]
    return {
        "auc": auc_interval(said, won, day, rng=rng).to_dict(),
        **_votes(said >= VOTE_AT, won, _BPS * one.return_ratio[judged], day, rng),
    }


def _calibration(chance: FloatArray, won: BoolArray) -> dict[str, Any]:
    """Return the curve in bins of equal count, and its mean distance from the diagonal."""
    if len(chance) < CALIBRATION_BINS:
        return {"calibration": [], "calibration_error": None}
    order = np.argsort(chance, kind="stable")
    curve = [
        {"said": float(chance[rows].mean()), "won": float(won[rows].mean()), "rows": len(rows)}
        for rows in np.array_split(order, CALIBRATION_BINS)
    ]
    error = sum(one["rows"] * abs(one["said"] - one["won"]) for one in curve) / len(chance)
    return {"calibration": curve, "calibration_error": float(error)}


def _weeks(scored: OutOfFold, samples: Samples, side: Side) -> list[dict[str, Any]]:
    """Return AUC, votes and return of each seven days, oldest first."""
    one = samples.sides[side]
    day = samples.day[scored.row]
    week = (day - day.min()) // _DAYS_PER_WEEK
    rows_by_week = [np.flatnonzero(week == number) for number in range(int(week.max()) + 1)]
    return [
        {
            "from_day": int(day.min() + number * _DAYS_PER_WEEK),
            "rows": len(rows),
            "auc": _plain_auc(scored.raw[rows], one.won[scored.row[rows]]),
            "votes": int(scored.votes[rows].sum()),
            "return_bps": _mean(_BPS * one.return_ratio[scored.row[rows]][scored.votes[rows]]),
        }
        for number, rows in enumerate(rows_by_week)
        if len(rows)
    ]


def _plain_auc(scores: FloatArray, won: BoolArray) -> float | None:
    """Return the area without an interval; None with one class."""
    winners, losers = int(won.sum()), int((~won).sum())
    if not winners or not losers:
        return None
    _values, index, counts = np.unique(scores, return_inverse=True, return_counts=True)
    middle_rank = np.cumsum(counts) - (counts - 1) / 2.0
    ranks = float(middle_rank[index][won].sum())
    return (ranks - winners * (winners + 1) / 2.0) / (winners * losers)


def _mean(values: FloatArray) -> float | None:
    return float(values.mean()) if len(values) else None
