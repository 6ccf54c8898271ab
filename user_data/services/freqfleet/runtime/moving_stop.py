"""The stop of a plan that follows the path: where it stands until the next candle closes, and its name."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from freqfleet.domain.exit_plan import ExitPlan
from freqfleet.domain.managed_exits import ClosedCandles, ManagedBarriers, StopKind
from freqfleet.domain.sides import Side
from freqfleet.runtime.exits import NOTHING_CLOSED, stop_now, stop_reason
from freqfleet.runtime.path_ledger import PathLedger
from freqfleet.runtime.plans import HostTrade

# Asked only where the answer matters: a data frame costs more than most callbacks.
Analysed = Callable[[], pd.DataFrame]


def followed(
    trade: HostTrade, plan: ExitPlan, paths: PathLedger, analysed: Analysed
) -> tuple[ManagedBarriers | None, ClosedCandles]:
    """Return what of a plan follows the path, and what the closed candles have shown."""
    managed = plan.managed(trade.open_rate, Side.of(is_short=trade.is_short), trade.fee_open or 0.0)
    return managed, NOTHING_CLOSED if managed is None else paths.closed(trade, analysed())


def moved_stop_rate(
    trade: HostTrade, plan: ExitPlan, paths: PathLedger, rate: float, analysed: Analysed
) -> float | None:
    """Return the stop that trailing or break-even have brought nearer; None where neither has.

    None too where `rate` lies on it or beyond: the position is then left at `rate` (`exits.exit_reason`).
    """
    if not plan.moves_stop:
        return None
    stop_rate, kind = _stop_now(trade, plan, paths, analysed)
    ahead = Side.of(is_short=trade.is_short).sign * (rate - stop_rate) > 0.0
    return stop_rate if ahead and kind is not StopKind.FIXED else None


def reason_of_stop(trade: HostTrade, plan: ExitPlan, paths: PathLedger, analysed: Analysed) -> str:
    """Return the exit reason of the stop in force."""
    if not plan.moves_stop:
        return plan.stop_reason
    return stop_reason(plan, _stop_now(trade, plan, paths, analysed)[1])


def _stop_now(
    trade: HostTrade, plan: ExitPlan, paths: PathLedger, analysed: Analysed
) -> tuple[float, StopKind]:
    side = Side.of(is_short=trade.is_short)
    fixed = plan.barriers(trade.open_rate, side).stop_rate
    return stop_now(fixed, side, *followed(trade, plan, paths, analysed))
