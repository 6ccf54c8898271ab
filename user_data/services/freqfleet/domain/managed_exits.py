"""Exits that follow the path of a position: trailing stop, break-even, giveback, regime, partial targets.

Everything here is decided from *closed* candles and is in force from the next candle on; the extreme of
the candle that is still open moves nothing, because nobody knows it yet. Replay and live trading call
the same functions: `stop_in_force`, `gave_back` and `regime_turned` are all that is to be asked at a
candle's open (exit_at_open.py has the order).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

from freqfleet.domain.exits import (
    STOP_LOSS_BOUNDS,
    Barriers,
    ExitParameters,
    effective_barriers,
)
from freqfleet.domain.sides import Side
from freqfleet.domain.units import price_after
from freqfleet.errors import ParameterError

TRAILING_STOP_BOUNDS = (0.0025, 0.30)
GIVEBACK_BOUNDS = (0.05, 1.0)
# How far a position must have gone before something is done: below the fees there is nothing to protect.
ACTIVATION_BOUNDS = (0.0025, 0.50)
REGIME_EXIT_BOUNDS = (0.25, 4.0)
PARTIAL_SHARE_BOUNDS = (0.05, 1.0)
MOST_PARTIAL_TARGETS = 3
# 0.6 + 0.3 + 0.1 misses 1 in binary: what is left of a position below this share is nothing.
SHARE_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class PartialTarget:
    """A rung: where a part of the position is closed (position-level), and how large a part of the whole."""

    ratio: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedExits(ExitParameters):
    """Exit parameters and, each of them optional, what follows the path. All ratios are position-level.

    trailing_stop_ratio : how far below its best price the stop follows, as a ratio of that price, once
        the best price has moved by trailing_activation_ratio.
    giveback_ratio : the share of the best profit, counted on closes, whose loss ends the position, once
        that profit has been giveback_activation_ratio.
    break_even_after_ratio : how far the price must have gone for the stop to move to entry plus fees; it
        moves too when the first partial target has filled.
    partial_targets : up to three rungs below take_profit, nearest first. What they leave is closed by
        take_profit or by anything else that ends the position. Plain pairs [ratio, share] are accepted.
    regime_exit_z : the position ends when the trend (`market.indicators.trend_z`, in standard deviations of
        a driftless walk) has turned so far against it. A trend that was against it from before the entry on
        has not turned: whoever enters against a trend wants to.

    Volatility scaling moves every ratio that stands for a price, by the factor of the barriers.

    Raises ParameterError with the value for anything out of bounds, half-specified or without effect.
    """

    trailing_stop_ratio: float | None = None
    trailing_activation_ratio: float | None = None
    giveback_ratio: float | None = None
    giveback_activation_ratio: float | None = None
    break_even_after_ratio: float | None = None
    partial_targets: tuple[PartialTarget, ...] = ()
    regime_exit_z: float | None = None

    def __post_init__(self) -> None:
        ExitParameters.__post_init__(self)  # super() does not work in a dataclass with slots
        object.__setattr__(self, "partial_targets", _rungs(self.partial_targets))
        _optional("trailing_stop_ratio", self.trailing_stop_ratio, TRAILING_STOP_BOUNDS)
        _optional("giveback_ratio", self.giveback_ratio, GIVEBACK_BOUNDS)
        _optional("regime_exit_z", self.regime_exit_z, REGIME_EXIT_BOUNDS)
        self._check_pair("trailing_stop_ratio", "trailing_activation_ratio")
        self._check_pair("giveback_ratio", "giveback_activation_ratio")
        for name in ("trailing_activation_ratio", "giveback_activation_ratio", "break_even_after_ratio"):
            self._check_activation(name)
        self._check_rungs()

    @property
    def is_plain(self) -> bool:
        """True when nothing here follows the path: the barriers and the time limit are all there is."""
        return not (
            self.partial_targets
            or self.trailing_stop_ratio is not None
            or self.giveback_ratio is not None
            or self.break_even_after_ratio is not None
            or self.regime_exit_z is not None
        )

    @property
    def moves_stop(self) -> bool:
        """True when the stop may come nearer while the position is open."""
        return self.trailing_stop_ratio is not None or self.break_even_after_ratio is not None

    def plain(self) -> ExitParameters:
        """Return the barriers and the time limit alone."""
        return ExitParameters.from_dict(ExitParameters.to_dict(self))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            **ExitParameters.to_dict(self),
            "trailing_stop_ratio": self.trailing_stop_ratio,
            "trailing_activation_ratio": self.trailing_activation_ratio,
            "giveback_ratio": self.giveback_ratio,
            "giveback_activation_ratio": self.giveback_activation_ratio,
            "break_even_after_ratio": self.break_even_after_ratio,
            "partial_targets": [[rung.ratio, rung.share] for rung in self.partial_targets],
            "regime_exit_z": self.regime_exit_z,
        }

    def _check_pair(self, name: str, activation: str) -> None:
        value, from_ = getattr(self, name), getattr(self, activation)
        if (value is None) != (from_ is None):
            missing, given = (activation, name) if from_ is None else (name, activation)
            raise ParameterError(f"{given}={getattr(self, given)!r} needs {missing}, was None")

    def _check_activation(self, name: str) -> None:
        value = getattr(self, name)
        _optional(name, value, ACTIVATION_BOUNDS)
        if value is not None and value >= self.take_profit:
            raise ParameterError(
                f"{name}={value!r} is never reached: take_profit={self.take_profit!r} ends the position "
                f"first; choose one below it"
            )

    def _check_rungs(self) -> None:
        ratios = [rung.ratio for rung in self.partial_targets]
        if any(later <= earlier for earlier, later in pairwise(ratios)):
            raise ParameterError(f"partial_targets must rise, nearest first, were {ratios}")
        if ratios and ratios[-1] >= self.take_profit:
            raise ParameterError(
                f"partial_targets must lie below take_profit={self.take_profit!r}, were {ratios}"
            )
        shares = [rung.share for rung in self.partial_targets]
        if sum(shares) > 1.0 + SHARE_TOLERANCE:
            raise ParameterError(
                f"the shares of partial_targets come to {sum(shares):.6g}, more than the position: {shares}"
            )


def as_managed(parameters: ExitParameters) -> ManagedExits:
    """Return plain parameters as managed ones with every part off; managed ones as they are."""
    if isinstance(parameters, ManagedExits):
        return parameters
    return ManagedExits(**parameters.to_dict())


def _optional(name: str, value: Any, bounds: tuple[float, float]) -> None:
    low, high = bounds
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and not (number and low <= value <= high):
        raise ParameterError(f"{name} must be None or lie in {low}..{high}, was {value!r}")


def _rungs(values: Any) -> tuple[PartialTarget, ...]:
    if not isinstance(values, tuple | list) or len(values) > MOST_PARTIAL_TARGETS:
        raise ParameterError(
            f"partial_targets must be up to {MOST_PARTIAL_TARGETS} pairs [ratio, share], was {values!r}"
        )
    return tuple(_rung(number, value) for number, value in enumerate(values, start=1))


def _rung(number: int, value: Any) -> PartialTarget:
    if isinstance(value, tuple | list) and len(value) == 2:
        value = PartialTarget(*value)
    if not isinstance(value, PartialTarget):
        raise ParameterError(f"partial target {number} must be a pair [ratio, share], was {value!r}")
    for name, part, (low, high) in (
        ("ratio", value.ratio, ACTIVATION_BOUNDS),
        ("share", value.share, PARTIAL_SHARE_BOUNDS),
    ):
        if isinstance(part, bool) or not isinstance(part, int | float) or not low <= part <= high:
            raise ParameterError(f"{name} of partial target {number} must lie in {low}..{high}, was {part!r}")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedBarriers:
    """Managed exits as prices of one position. A rate is None where its part is off.

    barriers : the fixed stop and the last target. trailing_stop_ratio : after volatility scaling.
    break_even_rate : where the position comes out even after the fees of both fills.
    partial_targets : (rate, share of the whole position), nearest first. regime_exit_z : as it was given.
    """

    barriers: Barriers
    trailing_stop_ratio: float | None
    trailing_activation_rate: float | None
    giveback_ratio: float | None
    giveback_activation_rate: float | None
    break_even_after_rate: float | None
    break_even_rate: float
    partial_targets: tuple[tuple[float, float], ...]
    regime_exit_z: float | None = None


def managed_barriers(
    parameters: ManagedExits, *, open_rate: float, side: Side, atr_ratio: float | None, fee_ratio: float
) -> ManagedBarriers:
    """Return the prices of a position opened at `open_rate`.

    atr_ratio : as for `effective_barriers`. fee_ratio : of each fill; moves only the break-even price.
    """
    barriers = effective_barriers(parameters, open_rate=open_rate, side=side, atr_ratio=atr_ratio)
    factor = parameters.volatility_factor(atr_ratio)

    def rate(ratio: float | None) -> float | None:
        return None if ratio is None else _scaled_rate(ratio, factor, barriers, open_rate, side)

    trailing = parameters.trailing_stop_ratio
    return ManagedBarriers(
        barriers=barriers,
        trailing_stop_ratio=None if trailing is None else min(trailing * factor, -STOP_LOSS_BOUNDS[0]),
        trailing_activation_rate=rate(parameters.trailing_activation_ratio),
        giveback_ratio=parameters.giveback_ratio,
        giveback_activation_rate=rate(parameters.giveback_activation_ratio),
        break_even_after_rate=rate(parameters.break_even_after_ratio),
        break_even_rate=break_even_rate(open_rate, fee_ratio, side),
        partial_targets=tuple(
            (_scaled_rate(rung.ratio, factor, barriers, open_rate, side), rung.share)
            for rung in parameters.partial_targets
        ),
        regime_exit_z=parameters.regime_exit_z,
    )


def _scaled_rate(ratio: float, factor: float, barriers: Barriers, open_rate: float, side: Side) -> float:
    # The target may have been held at its bound; nothing on the way to it may end up beyond it.
    return price_after(open_rate, min(ratio * factor, barriers.target_ratio), side)


class StopKind(StrEnum):
    """What put the stop where it is."""

    FIXED = "fixed"
    BREAK_EVEN = "break_even"
    TRAILING = "trailing"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedCandles:
    """What the candles closed since the entry, its own included, have shown; nothing before the first.

    best_rate : their best price for the position: the highest high of a long, the lowest low of a short.
    best_close, last_close : of their closes. All three are NaN while no candle has closed.
    trend_z, best_trend_z : the trend at the last close, and the one that favoured the position most; these
        two begin with the candle before the entry (`before_entry`). NaN where the trend is unknown.
    """

    best_rate: float = math.nan
    best_close: float = math.nan
    last_close: float = math.nan
    trend_z: float = math.nan
    best_trend_z: float = math.nan

    @classmethod
    def before_entry(cls, trend_z: float) -> ClosedCandles:
        """Return what is known when the position is opened: the trend at the last close before."""
        return cls(trend_z=trend_z, best_trend_z=trend_z)

    def and_then(
        self, *, high: float, low: float, close: float, side: Side, trend_z: float = math.nan
    ) -> ClosedCandles:
        """Return what is known when one more candle has closed."""
        best = low if side.is_short else high
        unknown = math.isnan(trend_z)
        return ClosedCandles(
            best_rate=_better(self.best_rate, best, side),
            best_close=_better(self.best_close, close, side),
            last_close=close,
            trend_z=trend_z,
            best_trend_z=self.best_trend_z if unknown else _better(self.best_trend_z, trend_z, side),
        )


def stop_in_force(
    managed: ManagedBarriers,
    closed: ClosedCandles,
    *,
    fixed_stop_rate: float,
    partial_target_filled: bool,
    side: Side,
) -> tuple[float, StopKind]:
    """Return the stop of the candle that opens now, and what put it there. It never moves away.

    fixed_stop_rate : the stop of the barriers, or the liquidation price where that is nearer.
    partial_target_filled : whether a closed candle filled one.
    """
    stop, kind = fixed_stop_rate, StopKind.FIXED
    protects = managed.break_even_after_rate is not None
    if protects and (partial_target_filled or reached(closed.best_rate, managed.break_even_after_rate, side)):
        stop, kind = _nearer(stop, kind, managed.break_even_rate, StopKind.BREAK_EVEN, side)
    ratio = managed.trailing_stop_ratio
    if ratio is not None and reached(closed.best_rate, managed.trailing_activation_rate, side):
        trailing = trailing_stop_rate(closed.best_rate, ratio, side)
        stop, kind = _nearer(stop, kind, trailing, StopKind.TRAILING, side)
    return stop, kind


def gave_back(managed: ManagedBarriers, closed: ClosedCandles, *, open_rate: float, side: Side) -> bool:
    """True when the position has lost the given share of its best profit: leave at the next open."""
    share = managed.giveback_ratio
    if share is None or not reached(closed.best_close, managed.giveback_activation_rate, side):
        return False
    level = closed.best_close - share * (closed.best_close - open_rate)
    return side.sign * (closed.last_close - level) <= 0.0


def regime_turned(managed: ManagedBarriers, closed: ClosedCandles, *, side: Side) -> bool:
    """True when the trend, not against the position at some close before, is so now: leave at the next open.

    False where the trend is unknown.
    """
    limit = managed.regime_exit_z
    if limit is None:
        return False
    return side.sign * closed.trend_z <= -limit < side.sign * closed.best_trend_z


def reached(best_rate: float, activation_rate: float | None, side: Side) -> bool:
    """True when the best price lies on the activation price or beyond it; False for NaN and for None."""
    return activation_rate is not None and side.sign * (best_rate - activation_rate) >= 0.0


def trailing_stop_rate(best_closed_rate: float, trailing_stop_ratio: float, side: Side) -> float:
    """Return the stop that follows the best price of the closed candles."""
    return price_after(best_closed_rate, -trailing_stop_ratio, side)


def break_even_rate(open_rate: float, fee_ratio: float, side: Side) -> float:
    """Return the price at which what both fills cost is earned, and nothing more."""
    return open_rate * (1.0 + side.sign * fee_ratio) / (1.0 - side.sign * fee_ratio)


def _better(known: float, new: float, side: Side) -> float:
    return known if side.sign * (new - known) <= 0.0 else new  # NaN compares as False: the first is taken


def _nearer(
    stop: float, kind: StopKind, other: float, other_kind: StopKind, side: Side
) -> tuple[float, StopKind]:
    return (other, other_kind) if side.sign * (other - stop) > 0.0 else (stop, kind)
