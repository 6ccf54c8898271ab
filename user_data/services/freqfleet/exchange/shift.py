"""Moving history to now: by whole days, so that the 1h and 8h grids of candles and funding stay in place."""

from __future__ import annotations

import math

from freqfleet.clock import from_ms, iso
from freqfleet.errors import ExchangeError
from freqfleet.market.timeframes import DAY_MS, HOUR_MS

DEFAULT_HOURS_LEFT = 24.0
HISTORY_BEFORE_NOW_MS = DAY_MS


def whole_days_to_now(first_ms: int, end_ms: int, now_ms: int, hours_left: float = DEFAULT_HOURS_LEFT) -> int:
    """Return the milliseconds, a whole number of days, to add to the times of the candles.

    first_ms, end_ms : the first candle's open and the last candle's close.
    hours_left : at least so many hours of candles still lie ahead of `now_ms` after the move, so long can
        a bot run; at most 24 h more than that, so that as much history as possible lies behind it.

    History that already covers now, with the hours left and a day before it, is not moved.
    Raises ExchangeError where the candles do not span the hours left and a day of history.
    """
    if hours_left <= 0:
        raise ExchangeError(f"hours left must be positive, was {hours_left}")
    left_ms = round(hours_left * HOUR_MS)
    needed_end_ms = now_ms + left_ms
    if end_ms >= needed_end_ms and first_ms + HISTORY_BEFORE_NOW_MS <= now_ms:
        return 0
    shift_ms = math.ceil((needed_end_ms - end_ms) / DAY_MS) * DAY_MS
    if first_ms + shift_ms + HISTORY_BEFORE_NOW_MS > now_ms:
        span_hours = (end_ms - first_ms) / HOUR_MS
        raise ExchangeError(
            f"candles from {iso(from_ms(first_ms))} to {iso(from_ms(end_ms))} span {span_hours:.0f} h; to be"
            f" moved to now with {hours_left:g} h left they must span {48 + hours_left:.0f} h:"
            " take a longer history or fewer hours left"
        )
    return shift_ms
