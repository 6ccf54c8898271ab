"""A plain freqtrade strategy's exits: a stoploss, and a target that steps down with the trade's age.

Our own strategies do not trade like this (exit_rule.py is their rule). It is here so that results which
others published can be replayed: the order of events and the fills are those of freqtrade's backtest.
The bot does not look at opens; of each candle it asks, in this order:

1. Does the candle reach the stop (by equality)? It fills at the stop, or at the open where the candle as
   a whole lies beyond it.
2. Is the best price of the candle worth more, net of fees, than the step of the table in force at the
   candle's open? It fills at the price that is worth exactly the step, kept inside the candle. Where the
   step came into force with this candle and its open is worth more already, it fills at the open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from freqfleet.errors import InputError
from freqfleet.market.timeframes import MINUTE_MS
from freqfleet.replay.booking import Booking
from freqfleet.replay.exit_rule import Candle, Exit, ExitKind
from freqfleet.replay.fills import nearest_tick

# Until 2026 the price of a step was taken as a ratio of the entry's price, not of what the entry cost with
# its fee; it lies a hair's breadth nearer to the entry than the price at which the step is reached. Their
# results also book it between two ticks.

# As a step of the table: leave at the open of the candle in which the step comes into force.
LEAVE_NOW = -1.0


@dataclass(frozen=True, slots=True)
class RoiTable:
    """freqtrade's `minimal_roi`: (minutes held, margin-level profit net of fees), rising in minutes."""

    steps: tuple[tuple[int, float], ...]

    @classmethod
    def of(cls, minimal_roi: Mapping[str | int, float]) -> Self:
        """Read the table as strategies and exports write it, `{"0": 0.05, "60": 0.01}`, in any order.

        Raises InputError for a key that is no number of minutes.
        """
        try:
            return cls(tuple(sorted((int(minutes), float(ratio)) for minutes, ratio in minimal_roi.items())))
        except (TypeError, ValueError):
            raise InputError(f"minimal_roi maps minutes to ratios, was {dict(minimal_roi)!r}") from None

    def in_force(self, minutes: int) -> tuple[int, float] | None:
        """Return the step that holds after `minutes`, None before the first one."""
        reached = [step for step in self.steps if step[0] <= minutes]
        return reached[-1] if reached else None


def first_table_exit(
    candles: Sequence[Candle],
    *,
    entered_ms: int,
    stop_rate: float,
    table: RoiTable,
    booking: Booking,
    timeframe_minutes: int,
    tick_size: float | None,
    ratio_of_price: bool = False,
    funding_ratio: Sequence[float] | None = None,
) -> Exit:
    """Return where the position ends.

    candles : without gaps, from the one that contains the entry on; at least one.
    stop_rate : as it is placed, on the price grid.
    booking : what the position costs, which decides the price that is worth a step of the table.
    tick_size : the price step to which fills are rounded; None leaves them as they are.
    ratio_of_price : price a step as older releases did, as a ratio of the entry's price without its fee.
    funding_ratio : what the position has received (paid where negative) in funding up to and including
        the open of each candle, as a ratio of its value at entry; moves the profit, and with it the target.

    Where the candles end first, the position is valued at the last close (END_OF_DATA).
    """
    side = booking.side
    sign = side.sign
    for index, candle in enumerate(candles):
        held = (candle.open_ms - entered_ms) // MINUTE_MS
        worst, best = (candle.high, candle.low) if side.is_short else (candle.low, candle.high)
        step = table.in_force(held)
        if funding_ratio is not None:
            booking = replace(booking, funding_ratio=funding_ratio[index])
        reached = step is not None and booking.profit_ratio(best) > step[1]
        if sign * (worst - stop_rate) <= 0.0:
            beyond = sign * (best - stop_rate) < 0.0
            rate = candle.open if beyond else stop_rate
            return Exit(index, nearest_tick(rate, tick_size), ExitKind.STOP, ambiguous=reached)
        if step is not None and reached:
            rate = _table_fill(candle, held, step, booking, timeframe_minutes, ratio_of_price)
            return Exit(index, nearest_tick(rate, tick_size), ExitKind.TARGET)
    return Exit(len(candles) - 1, candles[-1].close, ExitKind.END_OF_DATA)


def _table_fill(
    candle: Candle,
    held: int,
    step: tuple[int, float],
    booking: Booking,
    timeframe_minutes: int,
    ratio_of_price: bool,
) -> float:
    minutes, ratio = step
    on_grid = minutes % timeframe_minutes == 0
    if ratio == LEAVE_NOW and on_grid:
        return candle.open
    rate = _rate_of_price_ratio(booking, ratio) if ratio_of_price else booking.rate_worth(ratio)
    if held > 0 and held == minutes and on_grid and booking.side.sign * (candle.open - rate) > 0.0:
        return candle.open
    return min(max(rate, candle.low), candle.high)


def _rate_of_price_ratio(booking: Booking, ratio: float) -> float:
    sign, fee = booking.side.sign, booking.fee_ratio
    return booking.open_rate * (1.0 + sign * (fee + ratio / booking.leverage)) / (1.0 - sign * fee)
