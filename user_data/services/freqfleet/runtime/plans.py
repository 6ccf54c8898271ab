"""The plan of each open position: frozen when it is opened, found again after a restart.

Live, the plan is kept in the trade's custom data (freqtrade's database). Backtests keep it in memory
only: freqtrade's in-memory custom data is scanned from end to end at every look-up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from freqfleet.domain.exit_plan import ExitPlan
from freqfleet.errors import ParameterError

logger = logging.getLogger(__name__)

PLAN_KEY = "freqfleet_plan"
SIGNAL_KEY = "freqfleet_signal"


class HostTrade(Protocol):
    """What this package uses of freqtrade's Trade."""

    id: int
    pair: str
    is_short: bool
    leverage: float
    open_rate: float
    stake_amount: float
    amount: float
    fee_open: float | None
    enter_tag: str | None

    @property
    def open_date_utc(self) -> datetime: ...  # noqa: D102
    @property
    def entry_side(self) -> str: ...  # noqa: D102
    def calc_profit_ratio(self, rate: float) -> float: ...  # noqa: D102
    def set_custom_data(self, key: str, value: Any) -> None: ...  # noqa: D102
    def get_custom_data(self, key: str, default: Any = None) -> Any: ...  # noqa: D102


TradeKey: TypeAlias = tuple[int, str, datetime]


def trade_key(trade: HostTrade) -> TradeKey:
    """Return what a trade is known by; an id alone is not enough, they restart with every backtest."""
    return trade.id, trade.pair, trade.open_date_utc


class PlanLedger:
    """Plans by trade."""

    def __init__(self, *, persistent: bool) -> None:
        self._persistent = persistent
        self._plans: dict[TradeKey, ExitPlan] = {}
        self.missing_plans = 0

    def freeze(self, trade: HostTrade, plan: ExitPlan, signal: dict[str, Any] | None) -> None:
        """Keep `plan` for the life of the trade; `signal` is what the feeders said at entry."""
        self._plans[trade_key(trade)] = plan
        if self._persistent:
            trade.set_custom_data(PLAN_KEY, plan.to_dict())
            if signal is not None:
                trade.set_custom_data(SIGNAL_KEY, signal)

    def has_plan(self, trade: HostTrade) -> bool:
        """Return True where a live trade has its plan; never in a backtest, where ids begin anew."""
        return self._persistent and (trade_key(trade) in self._plans or self._recall(trade) is not None)

    def replace(self, trade: HostTrade, plan: ExitPlan) -> None:
        """Keep a tightened plan in the place of the one it came from."""
        self._plans[trade_key(trade)] = plan
        if self._persistent:
            trade.set_custom_data(PLAN_KEY, plan.to_dict())

    def plan_of(self, trade: HostTrade, make: Callable[[], ExitPlan]) -> ExitPlan:
        """Return the trade's plan; `make` gives one for a trade that was opened without.

        Such a trade comes from before freqfleet, or from a plan that cannot be read: it is counted
        and logged, and gets what was in force when it was opened.
        """
        key = trade_key(trade)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._recall(trade)
            if plan is None:
                plan = make()
                self.missing_plans += 1
                logger.warning("%s trade %s has no plan; using %s", trade.pair, trade.id, plan)
            self._plans[key] = plan
        return plan

    def _recall(self, trade: HostTrade) -> ExitPlan | None:
        if not self._persistent:
            return None
        stored = trade.get_custom_data(PLAN_KEY)
        if not isinstance(stored, dict):
            return None
        try:
            return ExitPlan.from_dict(stored)
        except ParameterError as error:
            logger.warning("%s trade %s: %s", trade.pair, trade.id, error)
            return None
