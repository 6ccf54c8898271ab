"""How a position is left: parameters, the plan frozen at entry, and the barriers they come to.

`effective_barriers` is the only place where volatility enters an exit. Replay, backtest and live call
this one function, so what was learned is what trades live (seed 000 optimised one formula and traded
another).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from freqfleet.domain.sides import Side
from freqfleet.domain.units import price_after
from freqfleet.errors import ParameterError

STOP_LOSS_BOUNDS = (-0.30, -0.0025)
TAKE_PROFIT_BOUNDS = (0.005, 0.50)
VOLATILITY_SCALING_BOUNDS = (0.0, 1.5)
TIME_LIMIT_MINUTES_BOUNDS = (5, 30 * 1440)
VOLATILITY_FACTOR_BOUNDS = (0.5, 2.0)


class ExitSource(StrEnum):
    """Where the parameters of a plan come from."""

    OPTUNA = "optuna"
    BIN = "bin"
    DEFAULT = "default"

    @property
    def stop_reason(self) -> str:
        """The exit reason of a stop whose level this source gave."""
        return _STOP_REASONS[self]

    @property
    def target_reason(self) -> str:
        """The exit reason of a target whose level this source gave."""
        return _TARGET_REASONS[self]


_STOP_REASONS = {
    ExitSource.OPTUNA: "stop_loss_optuna",
    ExitSource.BIN: "stop_loss_bin",
    ExitSource.DEFAULT: "cutloss_fallback",
}
_TARGET_REASONS = {
    ExitSource.OPTUNA: "roi_optuna",
    ExitSource.BIN: "roi_bin",
    ExitSource.DEFAULT: "roi_fallback",
}
TIME_LIMIT_REASON = "time_limit"
GIVEBACK_REASON = "giveback"
REGIME_REASON = "regime_exit"
TRAILING_REASON = "trailing_stop"
BREAK_EVEN_REASON = "break_even"
KILL_SWITCH_REASON = "kill_switch"

STOP_REASONS = frozenset(_STOP_REASONS.values())
# Of a stop that came nearer by itself.
MOVED_STOP_REASONS = frozenset({TRAILING_REASON, BREAK_EVEN_REASON})
EXIT_REASONS = frozenset(
    {*_STOP_REASONS.values(), *_TARGET_REASONS.values()}
    | MOVED_STOP_REASONS
    | {TIME_LIMIT_REASON, GIVEBACK_REASON, REGIME_REASON, KILL_SWITCH_REASON}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitParameters:
    """What is learned: the barriers of a position, position-level.

    stop_loss : below zero, for example -0.03.
    take_profit : above zero, for example 0.05.
    volatility_scaling : how strongly both barriers follow the volatility at entry; 0 keeps them fixed,
        1 scales them in proportion (see `effective_barriers`).
    atr_reference_ratio : the ATR, as a ratio of price, for which the barriers stand as written.
        None with scaling 0 only.
    time_limit_minutes : the position is closed at the first candle that opens this long after entry.

    Raises ParameterError with the value for anything outside the bounds of this module.
    """

    stop_loss: float
    take_profit: float
    volatility_scaling: float = 0.0
    atr_reference_ratio: float | None = None
    time_limit_minutes: int = 1440

    def __post_init__(self) -> None:
        _within("stop_loss", self.stop_loss, STOP_LOSS_BOUNDS)
        _within("take_profit", self.take_profit, TAKE_PROFIT_BOUNDS)
        _within("volatility_scaling", self.volatility_scaling, VOLATILITY_SCALING_BOUNDS)
        _within("time_limit_minutes", self.time_limit_minutes, TIME_LIMIT_MINUTES_BOUNDS)
        reference = self.atr_reference_ratio
        if reference is None and self.volatility_scaling != 0.0:
            raise ParameterError(
                f"volatility_scaling={self.volatility_scaling} needs an atr_reference_ratio, was None"
            )
        if reference is not None and not (math.isfinite(reference) and reference > 0.0):
            raise ParameterError(f"atr_reference_ratio must be above 0, was {reference}")

    @property
    def reward_risk(self) -> float:
        """Reward over risk: take_profit / |stop_loss|."""
        return self.take_profit / -self.stop_loss

    def volatility_factor(self, atr_ratio: float | None) -> float:
        """Return the factor on both barriers for an ATR ratio known at entry.

        clip(atr_ratio / atr_reference_ratio, 0.5, 2) ** volatility_scaling; 1.0 without scaling, and
        1.0 when the ATR is unknown (None, NaN or <= 0): the barriers then stand as written.
        """
        if self.volatility_scaling == 0.0 or self.atr_reference_ratio is None:
            return 1.0
        if atr_ratio is None or not atr_ratio > 0.0:
            return 1.0
        low, high = VOLATILITY_FACTOR_BOUNDS
        relative = min(max(atr_ratio / self.atr_reference_ratio, low), high)
        return float(relative**self.volatility_scaling)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "stop_loss": self.stop_loss,
            "take_profit": self.take_profit,
            "volatility_scaling": self.volatility_scaling,
            "atr_reference_ratio": self.atr_reference_ratio,
            "time_limit_minutes": self.time_limit_minutes,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read what `to_dict` wrote; an unknown or missing key is a ParameterError that names it."""
        unknown = sorted(set(values) - set(cls.__dataclass_fields__))
        if unknown:
            raise ParameterError(f"unknown exit parameter {unknown[0]!r}={values[unknown[0]]!r}")
        try:
            return cls(**values)
        except TypeError as error:
            raise ParameterError(f"exit parameters {values!r}: {error}") from None


def _within(name: str, value: float, bounds: tuple[float, float]) -> None:
    low, high = bounds
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ParameterError(f"{name} must lie in {low}..{high}, was {value!r}")


@dataclass(frozen=True, slots=True)
class Barriers:
    """The two prices at which a position is left, and the ratios they stand for (position-level)."""

    stop_ratio: float
    target_ratio: float
    stop_rate: float
    target_rate: float

    def stop_crossed(self, rate: float, side: Side) -> bool:
        """True when `rate` lies on the stop or beyond it."""
        return side.sign * (rate - self.stop_rate) <= 0.0

    def target_crossed(self, rate: float, side: Side) -> bool:
        """True when `rate` lies on the target or beyond it."""
        return side.sign * (rate - self.target_rate) >= 0.0


def effective_barriers(
    parameters: ExitParameters, *, open_rate: float, side: Side, atr_ratio: float | None
) -> Barriers:
    """Return the barriers of a position opened at `open_rate`.

    atr_ratio : ATR(14) / close of the last closed candle before the entry. Known at entry, so nothing
        later can move the barriers. Leverage does not enter: barriers are prices.
    """
    factor = parameters.volatility_factor(atr_ratio)
    stop_ratio = max(parameters.stop_loss * factor, STOP_LOSS_BOUNDS[0])
    target_ratio = min(parameters.take_profit * factor, TAKE_PROFIT_BOUNDS[1])
    return Barriers(
        stop_ratio=stop_ratio,
        target_ratio=target_ratio,
        stop_rate=price_after(open_rate, stop_ratio, side),
        target_rate=price_after(open_rate, target_ratio, side),
    )
