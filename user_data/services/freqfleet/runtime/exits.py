"""Why a position is left, as the strategy sees it: pure functions of the plan and the price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from freqfleet.clock import to_ms
from freqfleet.domain.exit_plan import ExitPlan
from freqfleet.domain.exits import TIME_LIMIT_REASON
from freqfleet.domain.sides import Side
from freqfleet.market.timeframes import MINUTE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What an exit needs to know of an open position."""

    side: Side
    open_rate: float
    opened_at: datetime


def exit_reason(plan: ExitPlan, position: Position, *, rate: float, now: datetime) -> str | None:
    """Return the reason to leave at `rate` now, or None to stay.

    The order is that of the replay at a candle's open: the time limit, then a rate on or beyond the
    stop, then on or beyond the target. In a backtest freqtrade asks at every candle's open, so a price
    that jumped a barrier between two candles is left at the open, not at the barrier; what happens inside
    the candle is priced by the stop and the ROI. Live it is asked in every loop.
    """
    limit_ms = plan.parameters.time_limit_minutes * MINUTE_MS
    if to_ms(now) >= to_ms(position.opened_at) + limit_ms:  # in milliseconds, as candles count
        return TIME_LIMIT_REASON
    barriers = plan.barriers(position.open_rate, position.side)
    if barriers.stop_crossed(rate, position.side):
        return plan.source.stop_reason
    if barriers.target_crossed(rate, position.side):
        return plan.source.target_reason
    return None
