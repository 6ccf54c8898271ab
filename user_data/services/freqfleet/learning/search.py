"""Search: proposals are asked for in fixed batches and told what they earned.

The only file that knows Optuna. A study is seeded by (seed, pair, side), so its proposals do not depend
on the order of the pairs or on how many of them are searched at once.
"""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import optuna

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.learning.search_space import FLOAT_NAMES, SearchSpace
from freqfleet.learning.wording import bps_text, exits_text
from freqfleet.market.arrays import FloatArray

logger = logging.getLogger(__name__)

DEFAULT_SEARCH = "tpe"
SEARCHES = ("tpe", "gp", "cmaes", "qmc", "random", "grid")
# Results depend on the batch, because a sampler learns between batches: one number for everyone.
BATCH = 10

_NEEDS = {"gp": "torch", "cmaes": "cmaes"}


@dataclass(frozen=True, slots=True)
class Proposal:
    """Parameters to try; `ticket` is the search's own name for them."""

    parameters: ExitParameters
    ticket: int


class Search(Protocol):
    """Proposes parameters and learns from what they earned; deterministic for its seed."""

    def ask(self, count: int) -> list[Proposal]:
        """Return up to `count` proposals; an empty list says that nothing is left to try."""
        ...

    def tell(self, proposal: Proposal, value: float) -> None:
        """Say what a proposal earned; higher is better."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The best proposal that keeps every constraint; None where none did.

    value : its objective; NaN where there is none. candidates : how many proposals were tried.
    """

    best: ExitParameters | None
    value: float
    candidates: int


def checked_search(name: str) -> str:
    """Return `name` if this installation can search that way; raises InputError with the remedy."""
    if name == "exact":
        raise InputError(
            f"search exact is not part of this version; take --search {DEFAULT_SEARCH}, or one of "
            f"{', '.join(SEARCHES)}"
        )
    if name not in SEARCHES:
        raise InputError(f"no search {name!r}; take one of {', '.join(SEARCHES)}")
    package = _NEEDS.get(name)
    if package is not None and importlib.util.find_spec(package) is None:
        raise InputError(
            f"search {name} needs the package {package}: pip install {package}, or take --search tpe"
        )
    return name


def study_seed(seed: int, pair: str, side: Side) -> int:
    """Return the 32-bit seed of one study."""
    digest = hashlib.sha256(f"{seed}|{pair}|{side.value}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def open_search(name: str, space: SearchSpace, *, seed: int, trials: int) -> Search:
    """Return the search of that name; raises InputError where this installation has none."""
    if checked_search(name) == "grid":
        return GridSearch(space, trials)
    return OptunaSearch(name, space, seed)


def find_best(
    search: Search,
    space: SearchSpace,
    means: Callable[[Sequence[ExitParameters]], FloatArray],
    *,
    trials: int,
) -> SearchResult:
    """Try `trials` proposals and return the best one that keeps every constraint.

    The first of equals wins. A value that is NaN never wins.
    """
    best, value, tried = None, -np.inf, 0
    while tried < trials:
        proposals = search.ask(min(BATCH, trials - tried))
        if not proposals:
            break
        values = means([proposal.parameters for proposal in proposals]).tolist()
        for proposal, one in zip(proposals, values, strict=True):
            search.tell(proposal, one)
            if one > value and space.allows(proposal.parameters):
                best, value = proposal.parameters, one
        tried += len(proposals)
        so_far = "N/A" if best is None else f"{bps_text(value)} a trade ({exits_text(best)})"
        logger.info("trial %d/%d: best so far %s", tried, trials, so_far)
    return SearchResult(best=best, value=value if best is not None else float("nan"), candidates=tried)


class OptunaSearch:
    """A study in memory. Constraints are told to Optuna, whose samplers then prefer what keeps them."""

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
        for name, violation in self._space.violations(parameters).items():
            trial.set_constraint(name, violation)
        self._open[trial.number] = trial
        return Proposal(parameters, trial.number)


class GridSearch:
    """Evenly spread values of every parameter, about `trials` combinations that keep the constraints."""

    def __init__(self, space: SearchSpace, trials: int) -> None:
        steps = max(2, round((trials / len(space.time_limit_minutes)) ** (1 / len(FLOAT_NAMES))))
        axes = [np.unique(np.linspace(*space.range_of(name), steps)).tolist() for name in FLOAT_NAMES]
        points = (
            space.parameters(**dict(zip(FLOAT_NAMES, values, strict=True)), time_limit_minutes=minutes)
            for minutes in space.time_limit_minutes
            for values in itertools.product(*axes)
        )
        self._points = [point for point in points if space.allows(point)]
        self._next = 0

    def ask(self, count: int) -> list[Proposal]:
        """Return the next points; none when the grid is done."""
        start, self._next = self._next, min(self._next + count, len(self._points))
        return [Proposal(self._points[ticket], ticket) for ticket in range(start, self._next)]

    def tell(self, proposal: Proposal, value: float) -> None:
        """A grid learns nothing."""


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
