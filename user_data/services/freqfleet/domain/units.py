"""Position-level against margin-level: the only place where leverage converts one into the other.

*position-level* is on price, unlevered; *margin-level* is what freqtrade calls profit, stoploss and
ROI: the same move times the leverage (seed 000: "position-level learning").
A ratio is always a fraction: 0.03 is 3 %.
"""

from __future__ import annotations

import math

from freqfleet.domain.sides import Side
from freqfleet.errors import InputError


def checked_leverage(leverage: float) -> float:
    """Return `leverage` if it is a number from 1 on; raises InputError with the value otherwise."""
    if not 1.0 <= leverage < math.inf:
        raise InputError(f"leverage must be at least 1, was {leverage}")
    return leverage


def to_margin_ratio(position_ratio: float, leverage: float) -> float:
    """Return the margin-level ratio of a position-level ratio: -0.0201 at 3x is -0.0603."""
    return position_ratio * checked_leverage(leverage)


def to_position_ratio(margin_ratio: float, leverage: float) -> float:
    """Return the position-level ratio of a margin-level ratio: 0.06 at 3x is 0.02."""
    return margin_ratio / checked_leverage(leverage)


def price_after(open_rate: float, position_ratio: float, side: Side) -> float:
    """Return the price at which a position opened at `open_rate` has moved by `position_ratio`.

    A gain is positive on both sides: +0.03 lies above the entry for a long, below it for a short.
    """
    return open_rate * (1.0 + side.sign * position_ratio)


def price_move_ratio(open_rate: float, rate: float, side: Side) -> float:
    """Return the position-level move from `open_rate` to `rate`, positive when it is a gain."""
    return side.sign * (rate / open_rate - 1.0)
