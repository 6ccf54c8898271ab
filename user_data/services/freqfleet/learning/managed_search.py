"""Search of exits that follow the path, and what they are worth beside the best plain ones.

A space that holds more exits finds a better optimum on the trades it was searched on when it is searched
long enough, whatever the market; that says nothing. So both optima, of as many trials each, are laid side
by side on trades that neither search has seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.managed_exits import as_managed
from freqfleet.learning.managed_space import ManagedSpace
from freqfleet.learning.search import Search, SearchResult, checked_search, find_best, open_search
from freqfleet.learning.wording import bps_text, exits_text
from freqfleet.market.arrays import FloatArray
from freqfleet.replay.costs import Costs
from freqfleet.replay.managed_engine import ManagedEngine
from freqfleet.replay.metrics import checked_weights, effective_trades, weighted_mean

# A gain this many standard errors above nothing is taken for one.
CLEAR_STANDARD_ERRORS = 2.0


class ManagedObjective:
    """The weighted mean net profit per trade, position-level, of managed and of plain exits.

    weights : one per trade of the engine's paths, above zero; InputError otherwise.
    """

    def __init__(self, engine: ManagedEngine, weights: FloatArray, costs: Costs) -> None:
        self._engine = engine
        self.weights = checked_weights(weights, len(engine.paths))
        self._costs = costs

    def means(self, parameters: Sequence[ExitParameters]) -> FloatArray:
        """Return the mean of every vector, shape (p,); the same bits in whatever batch it is asked."""
        return weighted_mean(self._profits(parameters), self.weights)

    def profits(self, parameters: ExitParameters) -> FloatArray:
        """Return the net profit of every trade, shape (n,)."""
        row: FloatArray = self._profits([parameters])[0]
        return row

    def ambiguous_trades(self, parameters: ExitParameters) -> int:
        """Return how many trades had the stop and a target in one candle; the stop was taken."""
        return int(self._engine.fills([as_managed(parameters)]).ambiguous.sum())

    def _profits(self, parameters: Sequence[ExitParameters]) -> FloatArray:
        fills = self._engine.fills([as_managed(one) for one in parameters])
        return fills.net_profit_ratio(self._costs, self._engine.paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedFinding:
    """What following the path is worth: both optima, and their paired difference on unseen trades.

    gain : weighted mean of managed minus plain net profit per held-out trade; NaN without both optima.
    standard_error : of the gain; NaN below two trades. held_out_trades : how many were compared.
    ambiguous_trades : of the managed optimum on the held-out trades.
    """

    plain: SearchResult
    managed: SearchResult
    gain: float
    standard_error: float
    held_out_trades: int
    ambiguous_trades: int

    @property
    def helps(self) -> bool:
        """True when the gain stands clear of chance on trades that were not searched."""
        return self.gain > CLEAR_STANDARD_ERRORS * self.standard_error  # False for NaN

    @property
    def text(self) -> str:
        """One line for a person."""
        if self.plain.best is None or self.managed.best is None:
            return "not compared: no proposal kept the constraints"
        verdict = "helps" if self.helps else "does not help"
        return (
            f"following the path {verdict}: {bps_text(self.gain)} a trade over the best plain exits on "
            f"{self.held_out_trades} trades not searched (standard error "
            f"{self.standard_error * 1e4:.1f} bps, {self.ambiguous_trades} ambiguous); "
            f"{exits_text(self.managed.best)}"
        )


def open_managed_search(name: str, space: ManagedSpace, *, seed: int, trials: int) -> Search:
    """Return the search of that name; raises InputError where this installation has none."""
    checked_search(name)
    from freqfleet.learning.managed_samplers import (  # noqa: PLC0415  (Optuna is heavy)
        ManagedGridSearch,
        ManagedOptunaSearch,
    )

    return ManagedGridSearch(space, trials) if name == "grid" else ManagedOptunaSearch(name, space, seed)


def compare_with_plain(
    name: str,
    space: ManagedSpace,
    *,
    searched: ManagedObjective,
    held_out: ManagedObjective,
    seed: int,
    trials: int,
) -> ManagedFinding:
    """Search plain and managed exits, each with `trials` proposals, and compare them on unseen trades."""
    plain = find_best(
        open_search(name, space, seed=seed, trials=trials), space, searched.means, trials=trials
    )
    managed = find_best(
        open_managed_search(name, space, seed=seed, trials=trials), space, searched.means, trials=trials
    )
    gain, error, ambiguous = math.nan, math.nan, 0
    if plain.best is not None and managed.best is not None:
        differences = held_out.profits(managed.best) - held_out.profits(plain.best)
        gain, error = _mean_and_standard_error(differences, held_out.weights)
        ambiguous = held_out.ambiguous_trades(managed.best)
    return ManagedFinding(
        plain=plain,
        managed=managed,
        gain=gain,
        standard_error=error,
        held_out_trades=len(held_out.weights),
        ambiguous_trades=ambiguous,
    )


def _mean_and_standard_error(values: FloatArray, weights: FloatArray) -> tuple[float, float]:
    mean = float(weighted_mean(values, weights))
    effective = effective_trades(weights)
    if not effective > 1.0:
        return mean, math.nan
    variance = float(weighted_mean((values - mean) ** 2, weights))
    return mean, float(np.sqrt(variance / (effective - 1.0)))
