"""GatePlan: how a run is going to be judged, decided before any result is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from freqfleet.errors import InputError
from freqfleet.learning.candidacy import Nomination
from freqfleet.learning.certification import Certifier
from freqfleet.learning.grid_search import grid_steps
from freqfleet.learning.lattice import Lattice
from freqfleet.learning.path_lattice import PATH_SEARCH, PathLattice
from freqfleet.replay.costs import Costs
from freqfleet.settings import MOST_LEVELS, MOST_SCALINGS, LatticeSettings, Settings
from freqfleet.validation.folds import Fold, crossfit
from freqfleet.validation.publication import GateRules, refusal_of_search

MINUTE_MS = 60_000
# A replay window ends with the candle that the time limit falls in, which began before it.
EMBARGO_SLACK_MINUTES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePlan:
    """What a run and its gate have to agree on.

    folds : of the cross-fit; none where nothing can be certified, which `refusal` then explains.
    """

    settings: Settings
    lattice: Lattice | PathLattice
    folds: Sequence[Fold]
    refusal: str | None

    def nomination(self, costs: Costs) -> Nomination | None:
        """Return how pairs make their candidacies; None where nothing can be certified."""
        if self.refusal is not None:
            return None
        return Nomination(
            cells=self.lattice,
            costs=costs,
            folds=self.folds,
            defaults=self.settings.defaults.parameters(),
            least_trades=self.settings.gate.family_trades,
        )

    def certifier(self, search: str) -> Certifier:
        """Return what judges them."""
        gate = self.settings.gate
        return Certifier(
            lattice=self.lattice,
            folds=self.folds,
            rules=GateRules(
                fdr=gate.fdr,
                pooled_alpha=gate.pooled_alpha,
                claim_min_bps=gate.claim_min_bps,
                min_trades=self.settings.optimizer.min_trades,
                min_nonzero=gate.min_nonzero,
            ),
            search=search,
            refusal=self.refusal,
            families=gate.families,
            meta_bots=frozenset(name for name, bot in self.settings.bots.items() if bot.side == "both"),
        )


def gate_plan(
    settings: Settings,
    *,
    search: str,
    entries_ms: tuple[int, int] | None,
    longest_minutes: int,
) -> GatePlan | None:
    """Return the plan of a run; None where [gate] method asks for a plain hold-out.

    entries_ms : when the first and the last trade of the run were entered; None without trades.
    longest_minutes : the longest time limit of any exit that is replayed, of those in force too.

    Raises InputError for ways to follow the path with a plain hold-out, which searches stops and targets.
    """
    if settings.gate.method == "holdout":
        if search == PATH_SEARCH:
            raise InputError(
                '[gate] method = "holdout" cannot judge exits that follow the path; write '
                'method = "certified", the default'
            )
        return None
    folds: Sequence[Fold] = ()
    refusal = refusal_of_search(search)
    if refusal is None:
        try:
            folds = _folds(settings, entries_ms, longest_minutes)
        except InputError as error:
            refusal = f"cannot certify: {error}"
    return GatePlan(
        settings=settings,
        lattice=(
            PathLattice()
            if search == PATH_SEARCH
            else Lattice(settings.optimizer, _lattice_settings(settings, search))
        ),
        folds=folds,
        refusal=refusal,
    )


def _lattice_settings(settings: Settings, search: str) -> LatticeSettings:
    """Return the axes among which the gate chooses: those that a plain grid searches, if they are few."""
    if search != "grid":
        return settings.gate.lattice
    optimizer = settings.optimizer
    steps = grid_steps(len(set(optimizer.time_limit_minutes)), optimizer.trials)
    return LatticeSettings(
        stop_losses=min(steps.stop_losses, MOST_LEVELS),
        take_profits=min(steps.take_profits, MOST_LEVELS),
        volatility_scalings=min(steps.volatility_scalings, MOST_SCALINGS),
    )


def _folds(settings: Settings, entries_ms: tuple[int, int] | None, longest_minutes: int) -> Sequence[Fold]:
    if entries_ms is None:
        return ()  # every pair is skipped for want of trades, which says it better
    return crossfit(
        entries_ms[0],
        entries_ms[1] + 1,
        folds=settings.gate.folds,
        embargo_ms=(longest_minutes + EMBARGO_SLACK_MINUTES) * MINUTE_MS,
    )
