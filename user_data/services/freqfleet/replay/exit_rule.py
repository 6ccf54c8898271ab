"""The exit rule: where one position leaves the market. This file is the specification.

Every engine gives the results of `first_exit`, bit for bit; tests hold them to it. Read one candle the
way a bot lives it:

1. At its open the bot looks first. The time limit closes the position at the open; else an open on a
   barrier or beyond it closes the position at the open, because no better price was there.
2. Inside the candle the barriers are orders: the stop fills at the stop, the target at the target. When
   both lie inside one candle the stop is taken to come first, and the exit is marked ambiguous.

The entry candle has no step 1: its open is the entry itself, or lies before it. Its high and low count,
because bots enter seconds after the open. A barrier is touched by equality: `low <= stop`,
`high >= target` for a long position, mirrored for a short one.

`Fills` says what differs when freqtrade's backtest is to be reproduced instead (fills.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from freqfleet.domain.sides import Side
from freqfleet.market.timeframes import MINUTE_MS
from freqfleet.replay.fills import HONEST, Fills, Levels


class ExitKind(IntEnum):
    """Why a replayed position ended; the numbers are the codes in arrays."""

    STOP = 0
    TARGET = 1
    TIME_LIMIT = 2
    END_OF_DATA = 3
    LIQUIDATION = 4


class Candle(NamedTuple):
    """One candle: when it opens (ms since 1970 UTC) and its four prices."""

    open_ms: int
    open: float
    high: float
    low: float
    close: float


@dataclass(frozen=True, slots=True)
class Exit:
    """Where a position ended.

    candle_index : 0 is the entry candle.
    rate : the price of the fill, before costs.
    ambiguous : stop and target lay in this candle and only a finer timeframe could tell which came first.
    """

    candle_index: int
    rate: float
    kind: ExitKind
    ambiguous: bool = False


def first_exit(
    candles: Sequence[Candle],
    *,
    entered_ms: int,
    levels: Levels,
    side: Side,
    time_limit_minutes: int | None,
    fills: Fills = HONEST,
) -> Exit:
    """Return where the position ends.

    candles : without gaps, from the one that contains the entry on; at least one.
    entered_ms : when the position was opened; the time limit counts from here.
    levels : the prices that end it (`fills.levels` makes them from barriers); the liquidation price, where
        it is nearer than the stop, has taken the stop's place.
    time_limit_minutes : None for a position that nothing but its barriers ends.

    Where the candles end first, the position is valued at the last close (END_OF_DATA).
    """
    sign = side.sign
    stop, target, target_fill = levels.stop_rate, levels.target_rate, levels.target_fill_rate
    loss = ExitKind.LIQUIDATION if levels.stop_is_liquidation else ExitKind.STOP
    for index, candle in enumerate(candles):
        if index > 0:
            if time_limit_minutes is not None and (
                candle.open_ms >= entered_ms + time_limit_minutes * MINUTE_MS
            ):
                return Exit(index, candle.open, ExitKind.TIME_LIMIT)
            if fills.looks_at_open:
                if sign * (candle.open - stop) <= 0.0:
                    return Exit(index, candle.open, loss)
                if sign * (candle.open - target) >= 0.0:
                    return Exit(index, candle.open, ExitKind.TARGET)
        worst, best = (candle.high, candle.low) if side.is_short else (candle.low, candle.high)
        beyond_target = sign * (best - target)
        target_touched = beyond_target > 0.0 if fills.target_is_strict else beyond_target >= 0.0
        if sign * (worst - stop) <= 0.0:
            beyond = not fills.looks_at_open and sign * (best - stop) < 0.0  # as a whole
            return Exit(index, candle.open if beyond else stop, loss, ambiguous=target_touched)
        if target_touched:
            beyond = not fills.looks_at_open and sign * (worst - target_fill) > 0.0
            return Exit(index, worst if beyond else target_fill, ExitKind.TARGET)
    return Exit(len(candles) - 1, candles[-1].close, ExitKind.END_OF_DATA)
