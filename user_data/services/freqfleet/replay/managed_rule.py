"""The rule for managed positions: the exit rule with a stop that moves and exits in parts.

Every managed engine gives the results of `managed_exit`, bit for bit; with every optional part off they
are those of `exit_rule.first_exit`. The order inside one candle:

1. At its open, not in the entry candle: the time limit closes everything; else a trend that has turned
   against the position does; else an open on the stop or beyond it; else the targets that the open has
   passed fill there, and what is left is closed when the closed candles say that too much profit was given
   back. All of it at the open (domain/exit_at_open.py: bots ask the same function).
2. Inside: the stop in force closes what is left, before any target of the same candle (ambiguous);
   else every partial target and then the last target fill at their prices.
3. At its close the stop may move, for the next candle.

With the fills of freqtrade (fills.py) it reproduces the backtests of our strategies, which look at every
open and hand each stop that has moved to freqtrade; they take no partial targets, and of those only honest
fills are known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from freqfleet.domain.exit_at_open import OpenExit, exit_at_open
from freqfleet.domain.managed_exits import (
    SHARE_TOLERANCE,
    ClosedCandles,
    ManagedBarriers,
    StopKind,
    gave_back,
    stop_in_force,
)
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.replay.exit_rule import Candle, ExitKind
from freqfleet.replay.fills import HONEST, Fills, Levels, placed_stop


class FillKind(IntEnum):
    """Why a part of a position was closed; the first codes are those of `ExitKind`."""

    STOP = ExitKind.STOP
    TARGET = ExitKind.TARGET
    TIME_LIMIT = ExitKind.TIME_LIMIT
    END_OF_DATA = ExitKind.END_OF_DATA
    LIQUIDATION = ExitKind.LIQUIDATION
    BREAK_EVEN = 5
    TRAILING_STOP = 6
    GIVEBACK = 7
    PARTIAL_TARGET = 8
    REGIME = 9


_WHOLE_AT_OPEN = {
    OpenExit.TIME_LIMIT: FillKind.TIME_LIMIT,
    OpenExit.REGIME: FillKind.REGIME,
    OpenExit.GIVEBACK: FillKind.GIVEBACK,
}
_MOVED_STOPS = {StopKind.BREAK_EVEN: FillKind.BREAK_EVEN, StopKind.TRAILING: FillKind.TRAILING_STOP}


@dataclass(frozen=True, slots=True)
class Fill:
    """A part of a position that was closed: candle 0 is the entry candle; rate is before costs."""

    candle_index: int
    rate: float
    share: float
    kind: FillKind


@dataclass(frozen=True, slots=True)
class ManagedExit:
    """How a position was closed, in the order of the fills; their shares come to 1.

    ambiguous : the stop and a target lay in one candle and the stop was taken to come first.
    """

    fills: tuple[Fill, ...]
    ambiguous: bool = False


def managed_exit(
    candles: Sequence[Candle],
    *,
    entered_ms: int,
    open_rate: float,
    levels: Levels,
    managed: ManagedBarriers,
    side: Side,
    time_limit_minutes: int | None,
    trend_z: Sequence[float] | None = None,
    fills: Fills = HONEST,
) -> ManagedExit:
    """Return how the position is closed.

    candles, entered_ms, levels, time_limit_minutes, fills : as for `first_exit`.
    open_rate : the price of the entry. managed : its other prices.
    trend_z : the trend at the close before the entry candle, then at the close of each candle; None where
        nothing asks for it.
    """
    sign = side.sign
    position = _Position(targets=[*managed.partial_targets, (levels.target_rate, 1.0)])
    loss = FillKind.LIQUIDATION if levels.stop_is_liquidation else FillKind.STOP
    trend = _trend(trend_z, managed, len(candles))
    closed = ClosedCandles.before_entry(trend[0])
    for index, candle in enumerate(candles):
        stop, moved_by = stop_in_force(
            managed,
            closed,
            fixed_stop_rate=levels.stop_rate,
            partial_target_filled=bool(position.fills),
            side=side,
        )
        if moved_by is not StopKind.FIXED:  # the fixed one stands on its tick already
            stop = placed_stop(stop, side, fills.tick_size)
        stop_kind = _MOVED_STOPS.get(moved_by, loss)
        if index > 0:
            why = exit_at_open(
                rate=candle.open,
                now_ms=candle.open_ms,
                entered_ms=entered_ms,
                open_rate=open_rate,
                side=side,
                stop_rate=stop,
                target_rate=position.next_target,
                time_limit_minutes=time_limit_minutes,
                managed=managed,
                closed=closed,
            )
            if why is OpenExit.STOP:
                return position.closed(index, candle.open, stop_kind)
            if why is OpenExit.TARGET:
                while position.is_open and sign * (candle.open - position.next_target) >= 0.0:
                    position.take(index, candle.open)
                gave = position.is_open and gave_back(managed, closed, open_rate=open_rate, side=side)
                why = OpenExit.GIVEBACK if gave else None
            if why is not None:
                return position.closed(index, candle.open, _WHOLE_AT_OPEN[why])
        worst, best = (candle.high, candle.low) if side.is_short else (candle.low, candle.high)

        def touched(target: float, best: float = best) -> bool:
            beyond = sign * (best - target)
            return beyond > 0.0 if fills.target_is_strict else beyond >= 0.0

        if position.is_open and sign * (worst - stop) <= 0.0:
            return position.closed(index, stop, stop_kind, ambiguous=touched(position.next_target))
        while position.is_open and touched(position.next_target):
            last = position.next_target == levels.target_rate
            position.take(index, levels.target_fill_rate if last else position.next_target)
        if not position.is_open:
            return ManagedExit(tuple(position.fills))
        closed = closed.and_then(
            high=candle.high, low=candle.low, close=candle.close, side=side, trend_z=trend[index + 1]
        )
    return position.closed(len(candles) - 1, candles[-1].close, FillKind.END_OF_DATA)


def _trend(trend_z: Sequence[float] | None, managed: ManagedBarriers, candles: int) -> Sequence[float]:
    if trend_z is not None:
        return trend_z
    if managed.regime_exit_z is not None:
        raise InputError(f"regime_exit_z={managed.regime_exit_z!r} needs the trend of every candle")
    return [math.nan] * (candles + 1)


@dataclass(slots=True)
class _Position:
    """What is left of a position, and its targets (rate, share) that have not filled; the last takes all."""

    targets: list[tuple[float, float]]
    left: float = 1.0
    fills: list[Fill] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.left > SHARE_TOLERANCE

    @property
    def next_target(self) -> float:
        return self.targets[0][0]

    def take(self, index: int, rate: float) -> None:
        _, share = self.targets.pop(0)
        kind = FillKind.PARTIAL_TARGET if self.targets else FillKind.TARGET
        share = min(share, self.left)
        self.fills.append(Fill(index, rate, share, kind))
        self.left -= share

    def closed(self, index: int, rate: float, kind: FillKind, *, ambiguous: bool = False) -> ManagedExit:
        return ManagedExit((*self.fills, Fill(index, rate, self.left, kind)), ambiguous)
