"""Why a position is left, as the strategy sees it: the domain's rule, and the names its reasons get."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from freqfleet.clock import to_ms
from freqfleet.domain.exit_at_open import OpenExit, exit_at_open
from freqfleet.domain.exit_plan import ExitPlan
from freqfleet.domain.exits import (
    BREAK_EVEN_REASON,
    GIVEBACK_REASON,
    REGIME_REASON,
    TIME_LIMIT_REASON,
    TRAILING_REASON,
)
from freqfleet.domain.managed_exits import ClosedCandles, ManagedBarriers, StopKind, stop_in_force
from freqfleet.domain.sides import Side

NOTHING_CLOSED = ClosedCandles()
_REASONS = {
    OpenExit.TIME_LIMIT: TIME_LIMIT_REASON,
    OpenExit.REGIME: REGIME_REASON,
    OpenExit.GIVEBACK: GIVEBACK_REASON,
}
_MOVED_BY = {StopKind.BREAK_EVEN: BREAK_EVEN_REASON, StopKind.TRAILING: TRAILING_REASON}


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What an exit needs to know of an open position."""

    side: Side
    open_rate: float
    opened_at: datetime


def exit_reason(
    plan: ExitPlan,
    position: Position,
    *,
    rate: float,
    now: datetime,
    managed: ManagedBarriers | None = None,
    closed: ClosedCandles = NOTHING_CLOSED,
) -> str | None:
    """Return the reason to leave at `rate` now, or None to stay.

    managed, closed : what follows the path, and what the candles closed since the entry have shown.

    It is `exit_at_open`, which the replay asks at every open. In a backtest freqtrade asks there too, so a
    price that jumped a barrier between two candles is left at the open, not at the barrier; what happens
    inside the candle is priced by the stop and the ROI. Live it is asked in every loop.
    """
    barriers = plan.barriers(position.open_rate, position.side)
    stop_rate, kind = stop_now(barriers.stop_rate, position.side, managed, closed)
    why = exit_at_open(
        rate=rate,
        now_ms=to_ms(now),
        entered_ms=to_ms(position.opened_at),
        open_rate=position.open_rate,
        side=position.side,
        stop_rate=stop_rate,
        target_rate=barriers.target_rate,
        time_limit_minutes=plan.parameters.time_limit_minutes,
        managed=managed,
        closed=closed,
    )
    if why is None:
        return None
    if why is OpenExit.STOP:
        return stop_reason(plan, kind)
    if why is OpenExit.TARGET:
        return plan.target_reason
    return _REASONS[why]


def stop_now(
    fixed_stop_rate: float, side: Side, managed: ManagedBarriers | None, closed: ClosedCandles
) -> tuple[float, StopKind]:
    """Return the stop in force until the next candle closes, and what put it there."""
    if managed is None:
        return fixed_stop_rate, StopKind.FIXED
    return stop_in_force(
        managed, closed, fixed_stop_rate=fixed_stop_rate, partial_target_filled=False, side=side
    )


def stop_reason(plan: ExitPlan, kind: StopKind) -> str:
    """Return the exit reason of a stop: what moved it, or where the plan's own level came from."""
    return _MOVED_BY.get(kind, plan.stop_reason)
