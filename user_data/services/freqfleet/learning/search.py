"""Search: proposals are asked for in fixed batches and told what they earned.

A study is seeded by (seed, pair, side), so its proposals do not depend on the order of the pairs or on
how many of them are searched at once. No sampler is loaded here: `open_search` loads the one it opens.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.learning.plateau import Plateau
from freqfleet.learning.search_space import SearchSpace
from freqfleet.learning.wording import bps_text, exits_text
from freqfleet.market.arrays import FloatArray

logger = logging.getLogger(__name__)

DEFAULT_SEARCH = "exact"
SEARCHES = ("exact", "tpe", "gp", "cmaes", "qmc", "random", "grid")
# Results depend on the batch, because a sampler learns between batches: one number for everyone.
BATCH = 10
# A search that learns nothing gives the same result in batches of any size, and large ones are faster.
DEAF_BATCH = 256
DEAF_SEARCHES = ("grid",)

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


class Diary(Protocol):
    """Remembers what every proposal of one search earned, in the order of the proposals."""

    def recall(self, parameters: Sequence[ExitParameters]) -> list[float] | None:
        """Return what the next proposals earned when they were tried before; None where one is new.

        Raises InputError where other proposals stand in their place: that was another search.
        """
        ...

    def keep(self, parameters: Sequence[ExitParameters], values: Sequence[float]) -> None:
        """Remember what the proposals of the last `recall` earned."""
        ...


class _NoDiary:
    def recall(self, parameters: Sequence[ExitParameters]) -> list[float] | None:
        return None

    def keep(self, parameters: Sequence[ExitParameters], values: Sequence[float]) -> None:
        """Forget it."""


NO_DIARY: Diary = _NoDiary()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The best proposal that keeps every constraint; None where none did.

    value : its objective; NaN where there is none. candidates : how many proposals were tried.
    tried : every proposal and what it earned, in order, where a search tries them one by one.
    plateau : how the best one stands among its neighbours, where the search knows them.
    importance : share of the objective's variance by parameter, where the search was asked for it.
    """

    best: ExitParameters | None
    value: float
    candidates: int
    tried: Sequence[tuple[ExitParameters, float]] = ()
    plateau: Plateau | None = None
    importance: Mapping[str, float] | None = None


def checked_search(name: str) -> str:
    """Return `name` if this installation can search that way; raises InputError with the remedy."""
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
    if checked_search(name) == "exact":
        raise InputError(
            "search exact proposes nothing, it replays its whole grid; see learning.exact_search"
        )
    if name == "grid":
        from freqfleet.learning.grid_search import GridSearch  # noqa: PLC0415  (it builds on this module)

        return GridSearch(space, trials)
    from freqfleet.learning.samplers import OptunaSearch  # noqa: PLC0415  (Optuna is heavy)

    return OptunaSearch(name, space, seed)


def find_best(
    search: Search,
    space: SearchSpace,
    means: Callable[[Sequence[ExitParameters]], FloatArray],
    *,
    trials: int,
    diary: Diary = NO_DIARY,
    batch: int = BATCH,
) -> SearchResult:
    """Try `trials` proposals and return the best one that keeps every constraint.

    The first of equals wins. A value that is NaN never wins. What the diary remembers is told to the search
    again instead of being measured again: a search that was cut off goes on as if it had never been.
    """
    best, value, log = None, -np.inf, _TrialLog(trials)
    tried: list[tuple[ExitParameters, float]] = []
    while log.done < trials:
        proposals = search.ask(min(batch, trials - log.done))
        if not proposals:
            break
        asked = [proposal.parameters for proposal in proposals]
        values = diary.recall(asked)
        if values is None:
            values = means(asked).tolist()
            diary.keep(asked, values)
        for proposal, one in zip(proposals, values, strict=True):
            search.tell(proposal, one)
            if one > value and space.allows(proposal.parameters):
                best, value = proposal.parameters, one
            tried.append((proposal.parameters, one))
            log.write(proposal.parameters, one, best, value)
    return SearchResult(
        best=best,
        value=value if best is not None else float("nan"),
        candidates=len(tried),
        tried=tried,
    )


class _TrialLog:
    """Seed 000's line for every trial: its parameters and profit, the best so far, the time to go."""

    def __init__(self, trials: int) -> None:
        self.done = 0
        self._trials = trials
        self._started = time.monotonic()

    def write(
        self, parameters: ExitParameters, profit: float, best: ExitParameters | None, best_profit: float
    ) -> None:
        self.done += 1
        if not logger.isEnabledFor(logging.INFO):
            return
        elapsed = time.monotonic() - self._started
        logger.info(
            "trial %d/%d: %s: profit %s, best so far %s, ETA %.0f s",
            self.done,
            self._trials,
            exits_text(parameters),
            bps_text(profit),
            "N/A" if best is None else f"{bps_text(best_profit)} ({exits_text(best)})",
            elapsed / self.done * (self._trials - self.done),
        )
