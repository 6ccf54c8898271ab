"""The searches that propose point by point, with Optuna's samplers.

The only file that knows Optuna's samplers; it is loaded when one of them is asked for. A study is held in
memory, because storage would cost more than a trial does; `learning.trial_diary` keeps what was measured.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import optuna

from freqfleet.learning.search import Proposal
from freqfleet.learning.search_space import FLOAT_NAMES, SearchSpace


class OptunaSearch:
    """A study in memory. TPE and GP are told the constraints and prefer what keeps them; for the others what
    breaks one earns less than any position can lose.
    """

    def __init__(self, name: str, space: SearchSpace, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space = space
        self._knows_constraints = name in ("tpe", "gp")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study = optuna.create_study(direction="maximize", sampler=_sampler(name, seed))
        self._open: dict[int, Any] = {}

    def ask(self, count: int) -> list[Proposal]:
        """Return `count` proposals."""
        return [self._ask_one() for _ in range(count)]

    def tell(self, proposal: Proposal, value: float) -> None:
        """Say what a proposal earned; a NaN is told as a failed trial."""
        trial = self._open.pop(proposal.ticket)
        broken = sum(max(one, 0.0) for one in self._space.violations(proposal.parameters).values())
        if broken > 0.0 and not self._knows_constraints:
            value = -1.0 - broken  # below anything a position can lose, so that the sampler turns away
        if np.isnan(value):
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(trial, value)

    def _ask_one(self) -> Proposal:
        trial = self._study.ask()
        values = {name: trial.suggest_float(name, *self._space.range_of(name)) for name in FLOAT_NAMES}
        minutes = trial.suggest_categorical("time_limit_minutes", self._space.time_limit_minutes)
        parameters = self._space.parameters(**values, time_limit_minutes=minutes)
        if self._knows_constraints:
            for name, violation in self._space.violations(parameters).items():
                trial.set_constraint(name, violation)
        self._open[trial.number] = trial
        return Proposal(parameters, trial.number)


def _sampler(name: str, seed: int) -> Any:
    samplers = optuna.samplers
    if name == "gp":
        return samplers.GPSampler(seed=seed, deterministic_objective=True, warn_independent_sampling=False)
    if name == "cmaes":
        return samplers.CmaEsSampler(
            seed=seed,
            warn_independent_sampling=False,
            independent_sampler=samplers.RandomSampler(seed=seed),
        )
    if name == "qmc":
        return samplers.QMCSampler(
            seed=seed,
            scramble=True,
            warn_independent_sampling=False,
            independent_sampler=samplers.RandomSampler(seed=seed),
        )
    if name == "random":
        return samplers.RandomSampler(seed=seed)
    return samplers.TPESampler(seed=seed)
