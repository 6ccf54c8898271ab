"""SearchSpace: which exits may be proposed, as data. No sampler is known here."""

from __future__ import annotations

import math
from dataclasses import dataclass

from freqfleet.domain.exits import ExitParameters
from freqfleet.errors import SettingsError
from freqfleet.settings import OptimizerSettings

# One basis point, one hundredth: finer steps are below the tick of most markets and unreadable.
RATIO_DECIMALS = 4
SCALING_DECIMALS = 2
# 0.04 / 0.05 is a little below 0.8 in binary; that is no violation.
CONSTRAINT_DECIMALS = 9
# An optimum this close to an edge, as a part of the range, is said to lie on the boundary.
BOUNDARY_SHARE = 0.02

FLOAT_NAMES = ("stop_loss", "take_profit", "volatility_scaling")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpace:
    """Ranges of position-level ratios, and the constraints between them.

    atr_reference_ratio : given to every proposal; None fixes volatility_scaling at 0.

    Raises SettingsError where no point of it keeps the constraints.
    """

    stop_loss: tuple[float, float]
    take_profit: tuple[float, float]
    volatility_scaling: tuple[float, float]
    time_limit_minutes: tuple[int, ...]
    reward_risk_min: float
    take_profit_min: float
    atr_reference_ratio: float | None

    def __post_init__(self) -> None:
        if self.take_profit[1] < self.reward_risk_min * -self.stop_loss[1]:
            raise SettingsError(
                f"[optimizer] no take_profit up to {self.take_profit[1]} reaches reward/risk "
                f"{self.reward_risk_min} with a stop_loss up to {self.stop_loss[1]}"
            )

    @classmethod
    def of(cls, settings: OptimizerSettings, atr_reference_ratio: float | None) -> SearchSpace:
        """Return the space of these settings; without a known ATR nothing is scaled by volatility."""
        known = atr_reference_ratio is not None and math.isfinite(atr_reference_ratio)
        return cls(
            stop_loss=settings.stop_loss,
            take_profit=settings.take_profit,
            volatility_scaling=settings.volatility_scaling if known else (0.0, 0.0),
            time_limit_minutes=tuple(sorted(set(settings.time_limit_minutes))),
            reward_risk_min=settings.reward_risk_min,
            take_profit_min=settings.take_profit[0],
            atr_reference_ratio=atr_reference_ratio if known else None,
        )

    def parameters(
        self, *, stop_loss: float, take_profit: float, volatility_scaling: float, time_limit_minutes: int
    ) -> ExitParameters:
        """Return a proposal as exit parameters, rounded to what people can read, inside the ranges."""
        return ExitParameters(
            stop_loss=_rounded(stop_loss, RATIO_DECIMALS, self.stop_loss),
            take_profit=_rounded(take_profit, RATIO_DECIMALS, self.take_profit),
            volatility_scaling=_rounded(volatility_scaling, SCALING_DECIMALS, self.volatility_scaling),
            atr_reference_ratio=self.atr_reference_ratio,
            time_limit_minutes=time_limit_minutes,
        )

    def violations(self, parameters: ExitParameters) -> dict[str, float]:
        """Return each constraint by name: at or below 0 it holds, above 0 it is broken by that much."""
        return {
            "reward_risk": round(self.reward_risk_min - parameters.reward_risk, CONSTRAINT_DECIMALS),
            "take_profit": round(self.take_profit_min - parameters.take_profit, CONSTRAINT_DECIMALS),
        }

    def allows(self, parameters: ExitParameters) -> bool:
        """True when every constraint holds."""
        return all(value <= 0.0 for value in self.violations(parameters).values())

    def boundaries(self, parameters: ExitParameters) -> tuple[str, ...]:
        """Return the names of the parameters that lie on an edge: the optimum may be outside."""
        found = []
        # The other two end where their meaning ends: scaling at "not at all" and "in proportion", and the
        # time limit is a menu.
        for name in ("stop_loss", "take_profit"):
            low, high = self.range_of(name)
            margin = BOUNDARY_SHARE * (high - low)
            if not low + margin < getattr(parameters, name) < high - margin:
                found.append(name)
        return tuple(found)

    def range_of(self, name: str) -> tuple[float, float]:
        """Return the range of one of FLOAT_NAMES."""
        low, high = getattr(self, name)
        return low, high


def _rounded(value: float, decimals: int, bounds: tuple[float, float]) -> float:
    return min(max(round(value, decimals), bounds[0]), bounds[1])
