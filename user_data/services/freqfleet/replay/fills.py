"""Fills: at which prices the exit rule lets a position out.

*honest* (the default): what somebody could have got. *freqtrade*: what its backtest books, so that a
replay can be laid beside one (freqtrade 2026.9, `optimize/backtesting.py`, read and compared by the
parity tests):

- the stop is rounded to the price tick, towards the entry; the target's fill to the nearest tick.
  A price half way between two ticks falls to the side on which freqtrade's detour over margin-level
  ratios left it, see booking.py;
- a target is reached when the price goes beyond it (profit > ROI), a stop by equality;
- a stop that the candle straddles fills at the stop, also where the open had jumped it; only a candle
  that lies beyond it as a whole fills at its open. A target passed by a whole candle fills at the
  candle's nearest price.

Our strategies look at every open themselves (`custom_exit`) and leave there when it lies beyond a
barrier, in a backtest as live; `looks_at_open` says so. A strategy with a plain stoploss and ROI does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from freqfleet.domain.exits import Barriers
from freqfleet.domain.sides import Side
from freqfleet.replay.booking import Booking


@dataclass(frozen=True, slots=True, kw_only=True)
class Fills:
    """What a fill mode means for the exit rule.

    looks_at_open : the bot leaves at an open that lies on a barrier or beyond it.
    target_is_strict : the price must go beyond the target, touching it is not enough.
    tick_size : the price step to which freqtrade rounds; None leaves prices as they are. In a backtest it is
        the finest step seen in the candles of the entry's month, not the exchange's tick of today.
    """

    looks_at_open: bool = True
    target_is_strict: bool = False
    tick_size: float | None = None


HONEST = Fills()

# A price this close to the grid (as a ratio) stands on it but for the noise of float64.
ON_GRID_RATIO = 1e-10


def freqtrade_fills(tick_size: float | None, *, looks_at_open: bool = True) -> Fills:
    """Return the fills of freqtrade's backtest; `looks_at_open` for strategies of ours."""
    return Fills(looks_at_open=looks_at_open, target_is_strict=True, tick_size=tick_size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The prices that end one position, as its fill mode places them.

    stop_rate : the stop, or the liquidation price where that is nearer to the entry.
    target_rate : is compared with candles. target_fill_rate : is booked.
    """

    stop_rate: float
    target_rate: float
    target_fill_rate: float
    stop_is_liquidation: bool = False


def levels(
    barriers: Barriers,
    side: Side,
    fills: Fills = HONEST,
    *,
    liquidation_rate: float | None = None,
    booking: Booking | None = None,
) -> Levels:
    """Return the levels of a position with these barriers.

    liquidation_rate : where the exchange would close it; None where that cannot happen.
    booking : with a tick size, decides to which side prices half way between two ticks are rounded. Without
        it targets go up, and four in a thousand of the parity tests are booked one tick off freqtrade's.
    """
    stop, target = barriers.stop_rate, barriers.target_rate
    filled = target
    if fills.tick_size is not None and booking is not None:
        stop, filled = booking.stop_as_placed(stop), booking.target_as_filled(target)
        target = _not_short_of_grid(target, side, fills.tick_size)
    placed = placed_stop(stop, side, fills.tick_size)
    liquidated = liquidation_rate is not None and side.sign * (liquidation_rate - placed) > 0.0
    return Levels(
        stop_rate=liquidation_rate if liquidated and liquidation_rate is not None else placed,
        target_rate=target,
        target_fill_rate=nearest_tick(filled, fills.tick_size),
        stop_is_liquidation=liquidated,
    )


def placed_stop(stop_rate: float, side: Side, tick_size: float | None) -> float:
    """Return the stop on the price grid: rounded up for a long, down for a short, as freqtrade does."""
    if tick_size is None:
        return stop_rate
    return _on_grid(stop_rate, tick_size, ROUND_FLOOR if side.is_short else ROUND_CEILING)


def nearest_tick(rate: float, tick_size: float | None) -> float:
    """Return the nearest price of the grid."""
    return rate if tick_size is None else _on_grid(rate, tick_size, ROUND_HALF_UP)


def _not_short_of_grid(target_rate: float, side: Side, tick_size: float) -> float:
    """Return a target on the grid that noise has put short of it: touching it is not going beyond."""
    nearest = nearest_tick(target_rate, tick_size)
    short_of = 0.0 < side.sign * (nearest - target_rate) <= ON_GRID_RATIO * target_rate
    return nearest if short_of else target_rate


def _on_grid(rate: float, tick_size: float, rounding: str) -> float:
    if not math.isfinite(rate):
        return rate
    # Decimal of the shortest repr: 0.1 is a tenth here, as it is in freqtrade's own rounding.
    tick = Decimal(repr(tick_size))
    return float((Decimal(repr(rate)) / tick).to_integral_value(rounding=rounding) * tick)
