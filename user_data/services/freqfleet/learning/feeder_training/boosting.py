"""Boosting: the one file that imports LightGBM, when it is called.

One thread, one seed, deterministic: the same rows give the same text model on the same library version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from freqfleet.errors import InputError
from freqfleet.learning.feeder_training.plan import TrainingPlan
from freqfleet.market.arrays import BoolArray, FloatArray
from freqfleet.market.features.table import FeatureArray
from freqfleet.signals.models.trees import MAX_LEAVES


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """What a booster is given: features (n_rows, n_features), won and weight (n_rows,)."""

    features: FeatureArray
    won: BoolArray
    weight: FloatArray

    @property
    def has_both_classes(self) -> bool:
        """False where there is nothing to tell apart."""
        return bool(self.won.any() and not self.won.all())


def boost(
    rows: Rows, names: Sequence[str], plan: TrainingPlan, *, rounds: int, stopping: Rows | None = None
) -> tuple[str, int]:
    """Return a text model and its number of trees.

    stopping : rows that decide when to stop; without them `rounds` are boosted.
    Winners and losers weigh the same in sum; calibration gives the probabilities their base rate back.
    """
    lightgbm = _lightgbm()
    training = lightgbm.Dataset(
        rows.features, label=rows.won, weight=_balanced(rows), feature_name=list(names)
    )
    parameters = _parameters(plan, len(rows.won))
    if stopping is None:
        booster = lightgbm.train(parameters, training, num_boost_round=rounds)
        return booster.model_to_string(), booster.num_trees()
    watched = lightgbm.Dataset(
        stopping.features, label=stopping.won, weight=_balanced(stopping), reference=training
    )
    booster = lightgbm.train(
        parameters,
        training,
        num_boost_round=rounds,
        valid_sets=[watched],
        callbacks=[lightgbm.early_stopping(plan.patience, verbose=False)],
    )
    best = max(1, booster.best_iteration)
    return booster.model_to_string(num_iteration=best), best


def library_versions() -> dict[str, str]:
    """Return the versions of what decides how a model comes out."""
    import talib  # noqa: PLC0415

    return {"lightgbm": _lightgbm().__version__, "numpy": np.__version__, "talib": talib.__version__}


def _parameters(plan: TrainingPlan, rows: int) -> dict[str, Any]:
    return {
        "objective": "binary",
        "metric": "binary_logloss",
        "num_leaves": MAX_LEAVES,
        "learning_rate": 0.1,
        "max_bin": 63,
        "min_data_in_leaf": int(np.clip(rows // 500, 20, 500)),
        "feature_fraction": 0.7,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "seed": plan.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }


def _balanced(rows: Rows) -> FloatArray:
    """Return weights under which winners and losers have the same sum."""
    winners = float(rows.weight[rows.won].sum())
    losers = float(rows.weight[~rows.won].sum())
    if winners <= 0.0 or losers <= 0.0:
        return rows.weight
    return np.where(rows.won, rows.weight * losers / winners, rows.weight)


def _lightgbm() -> Any:
    try:
        import lightgbm  # noqa: PLC0415
    except ImportError:
        raise InputError("LightGBM is not installed; pip install 'freqfleet[feeders]'") from None
    return lightgbm
