"""Which parameter mattered: the share of the objective's spread that each one explains alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from freqfleet.domain.exits import ExitParameters
from freqfleet.learning.search_space import FLOAT_NAMES, SearchSpace
from freqfleet.market.arrays import BoolArray, FloatArray

# Below this a forest says more about its own seed than about the parameters.
LEAST_TRIALS = 30


def sampled_importance(
    tried: Sequence[tuple[ExitParameters, float]], space: SearchSpace, *, seed: int
) -> dict[str, float] | None:
    """Return the fANOVA importance of every searched parameter, largest first; the shares add up to 1.

    tried : proposals and what they earned; those that break a constraint or earned NaN do not count.
    None where fewer than `LEAST_TRIALS` count, or all of them earned the same: nothing can be told apart.
    A parameter with one value only is left out.
    """
    import optuna  # noqa: PLC0415  (heavy, and scikit-learn behind it heavier: only who asks pays)
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances  # noqa: PLC0415

    usable = [(one, value) for one, value in tried if np.isfinite(value) and space.allows(one)]
    if len(usable) < LEAST_TRIALS or len({value for _, value in usable}) == 1:
        return None
    distributions = trial_distributions(space)
    searched = [name for name, one in distributions.items() if not one.single()]
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    for parameters, value in usable:
        trial = optuna.trial.create_trial(
            value=value,
            params={name: getattr(parameters, name) for name in searched},
            distributions={name: distributions[name] for name in searched},
        )
        study.add_trial(trial)
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=seed))
    return {name: float(share) for name, share in found.items()}


def surface_importance(means: FloatArray, axes: Sequence[str]) -> dict[str, float] | None:
    """Return the share of a surface's variance that each axis explains alone, largest first.

    means : the objective on a full grid, one axis per name; NaN where a constraint is broken. The shares
        add up to at most 1: the rest is what parameters do together, and the unevenness of allowed cells.
    None where the surface is flat or empty.
    """
    known = np.isfinite(means)
    if means.ndim != len(axes):
        raise ValueError(f"a surface of {means.ndim} axes needs as many names, got {list(axes)}")
    values = means[known]
    spread = float(values.var()) if len(values) else 0.0
    if spread == 0.0:
        return None
    shares: Mapping[str, float] = {
        name: _explained(means, known, axis) / spread for axis, name in enumerate(axes)
    }
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def trial_distributions(space: SearchSpace) -> dict[str, Any]:
    """Return the space as Optuna's distributions, by parameter name."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution  # noqa: PLC0415

    floats = {name: FloatDistribution(*space.range_of(name)) for name in FLOAT_NAMES}
    return {**floats, "time_limit_minutes": CategoricalDistribution(space.time_limit_minutes)}


def _explained(means: FloatArray, known: BoolArray, axis: int) -> float:
    """Return the variance of the means along one axis, every value weighing as many cells as it has."""
    others = tuple(one for one in range(means.ndim) if one != axis)
    cells = known.sum(axis=others)
    sums = np.where(known, means, 0.0).sum(axis=others)
    present = cells > 0
    averages = sums[present] / cells[present]
    weights = cells[present] / cells.sum()
    overall = float(np.sum(weights * averages))
    return float(np.sum(weights * (averages - overall) ** 2))
