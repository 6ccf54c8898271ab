"""ManagedSpace: which path-dependent exits may be proposed, as data. No sampler is known here.

Every proposal draws every number, also those of a part that is switched off: samplers that model all
parameters together (GP, CMA-ES, QMC) need a space that does not change from trial to trial.
Activations and rungs are drawn as shares of take_profit, so that nothing is drawn that is never reached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.managed_exits import (
    ACTIVATION_BOUNDS,
    GIVEBACK_BOUNDS,
    MOST_PARTIAL_TARGETS,
    TRAILING_STOP_BOUNDS,
    ManagedExits,
    PartialTarget,
)
from freqfleet.errors import SettingsError
from freqfleet.learning.search_space import RATIO_DECIMALS, SearchSpace

SHARE_DECIMALS = 2
SWITCHES = ("trailing", "giveback", "break_even")
PARTIAL_TARGETS = "partial_targets"
FEATURES = (*SWITCHES, PARTIAL_TARGETS)

# Shares of take_profit, and of the position, stay clear of what the domain refuses after rounding.
_SHARE_BOUNDS = (0.1, 0.9)
_FIRST_RUNG_BOUNDS = (0.2, 0.8)
_TAKEN_BOUNDS = (0.2, 0.9)
MANAGED_RANGES: Mapping[str, tuple[float, float]] = {
    "trailing_stop_ratio": (0.0025, 0.05),
    "trailing_activation_share": _SHARE_BOUNDS,
    "giveback_ratio": (0.1, 0.9),
    "giveback_activation_share": _SHARE_BOUNDS,
    "break_even_after_share": _SHARE_BOUNDS,
    "first_rung_share": _FIRST_RUNG_BOUNDS,
    "taken_by_rungs_share": _TAKEN_BOUNDS,
}
_WIDEST = {
    **MANAGED_RANGES,
    "trailing_stop_ratio": TRAILING_STOP_BOUNDS,
    "giveback_ratio": GIVEBACK_BOUNDS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedSpace(SearchSpace):
    """A search space with, on top, what follows the path.

    features : which of FEATURES may be switched on; the others stay off.
    ranges : of every name of MANAGED_RANGES.

    Raises SettingsError for an unknown feature or name, and for a range out of bounds.
    """

    features: tuple[str, ...] = FEATURES
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=lambda: MANAGED_RANGES)

    def __post_init__(self) -> None:
        SearchSpace.__post_init__(self)  # super() does not work in a dataclass with slots
        for feature in self.features:
            if feature not in FEATURES:
                raise SettingsError(f"no feature {feature!r} of exits; take from {', '.join(FEATURES)}")
        if set(self.ranges) != set(MANAGED_RANGES):
            wrong = sorted(set(self.ranges) ^ set(MANAGED_RANGES))
            raise SettingsError(f"ranges must name {', '.join(MANAGED_RANGES)}; wrong: {', '.join(wrong)}")
        for name, (low, high) in self.ranges.items():
            lowest, highest = _WIDEST[name]
            if not lowest <= low <= high <= highest:
                raise SettingsError(
                    f"{name} must be a rising range within {lowest}..{highest}, was {low}..{high}"
                )

    @classmethod
    def around(
        cls,
        space: SearchSpace,
        *,
        features: Sequence[str] = FEATURES,
        ranges: Mapping[str, tuple[float, float]] = MANAGED_RANGES,
    ) -> ManagedSpace:
        """Return `space` with these features; `ranges` may name some of MANAGED_RANGES only."""
        plain = {one.name: getattr(space, one.name) for one in fields(SearchSpace)}
        return cls(**plain, features=tuple(features), ranges={**MANAGED_RANGES, **ranges})

    @property
    def switches(self) -> tuple[str, ...]:
        """The features that are on or off."""
        return tuple(one for one in SWITCHES if one in self.features)

    @property
    def rung_counts(self) -> tuple[int, ...]:
        """How many partial targets there may be."""
        return tuple(range(MOST_PARTIAL_TARGETS + 1)) if PARTIAL_TARGETS in self.features else (0,)

    def managed(
        self, plain: ExitParameters, draws: Mapping[str, float], on: Mapping[str, bool], rungs: int
    ) -> ManagedExits:
        """Return a proposal, rounded to what people can read.

        draws : a number for every name of MANAGED_RANGES. on : for every switch; absent is off.
        """
        take_profit = plain.take_profit

        def activation(name: str) -> float:
            return max(round(draws[name] * take_profit, RATIO_DECIMALS), ACTIVATION_BOUNDS[0])

        trailing, giveback = on.get("trailing", False), on.get("giveback", False)
        return ManagedExits(
            **plain.to_dict(),
            trailing_stop_ratio=round(draws["trailing_stop_ratio"], RATIO_DECIMALS) if trailing else None,
            trailing_activation_ratio=activation("trailing_activation_share") if trailing else None,
            giveback_ratio=round(draws["giveback_ratio"], SHARE_DECIMALS) if giveback else None,
            giveback_activation_ratio=activation("giveback_activation_share") if giveback else None,
            break_even_after_ratio=activation("break_even_after_share") if on.get("break_even") else None,
            partial_targets=_rungs(
                rungs, take_profit, draws["first_rung_share"], draws["taken_by_rungs_share"]
            ),
        )


def _rungs(
    count: int, take_profit: float, first_share: float, taken_share: float
) -> tuple[PartialTarget, ...]:
    """Return rungs of equal size, evenly spread from the first one up to take_profit."""
    first = max(first_share * take_profit, ACTIVATION_BOUNDS[0])
    return tuple(
        PartialTarget(
            round(first + (take_profit - first) * number / count, RATIO_DECIMALS),
            round(taken_share / count, SHARE_DECIMALS),
        )
        for number in range(count)
    )
