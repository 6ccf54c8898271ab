"""The exit rule at the open of a candle: what a bot asks first, in this order.

1. the time limit; 2. the trend has turned against the position; 3. a rate on the stop or beyond it; 4. a
rate on the target or beyond it; 5. too much of the best profit was given back.

Replay asks at every open after the entry candle's, a backtest through `custom_exit` too, live every few
seconds. All of it rests on closed candles and on the one rate that is there now.
"""

from __future__ import annotations

from enum import StrEnum

from freqfleet.domain.managed_exits import ClosedCandles, ManagedBarriers, gave_back, regime_turned
from freqfleet.domain.sides import Side

_MINUTE_MS = 60_000


class OpenExit(StrEnum):
    """Why a position is left at an open."""

    TIME_LIMIT = "time_limit"
    REGIME = "regime_exit"
    STOP = "stop"
    TARGET = "target"
    GIVEBACK = "giveback"


def exit_at_open(
    *,
    rate: float,
    now_ms: int,
    entered_ms: int,
    open_rate: float,
    side: Side,
    stop_rate: float,
    target_rate: float,
    time_limit_minutes: int | None,
    managed: ManagedBarriers | None,
    closed: ClosedCandles,
) -> OpenExit | None:
    """Return why the position is left at `rate` now, the first reason that holds, or None.

    stop_rate : the stop in force. target_rate : the next target. open_rate : the price of the entry.
    managed : None where nothing follows the path; `closed` is not looked at then.
    """
    if time_limit_minutes is not None and now_ms >= entered_ms + time_limit_minutes * _MINUTE_MS:
        return OpenExit.TIME_LIMIT
    if managed is not None and regime_turned(managed, closed, side=side):
        return OpenExit.REGIME
    if side.sign * (rate - stop_rate) <= 0.0:
        return OpenExit.STOP
    if side.sign * (rate - target_rate) >= 0.0:
        return OpenExit.TARGET
    if managed is not None and gave_back(managed, closed, open_rate=open_rate, side=side):
        return OpenExit.GIVEBACK
    return None
