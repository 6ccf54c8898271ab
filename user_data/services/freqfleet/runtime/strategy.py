"""FleetStrategy: the adapter between freqtrade's callbacks and FleetBot.

The three strategies inherit it. Each callback answers from FleetBot or, when that fails, with the
safe answer that its name says; the fault is recorded.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import pandas as pd
from freqtrade.enums import ExitCheckTuple, ExitType
from freqtrade.persistence import Order, Trade
from freqtrade.strategy import IStrategy

from freqfleet.domain.sides import Side
from freqfleet.runtime.bot import FleetBot
from freqfleet.runtime.host_copies import only_reads_the_trade
from freqfleet.runtime.stop_guard import ClosedHostTrade

logger = logging.getLogger(__name__)

STAY = None
KEEP_STOPLOSS = None
NO_TARGET = None
REFUSE = False

_STOPS = (ExitType.STOP_LOSS, ExitType.TRAILING_STOP_LOSS)


class FleetStrategy(IStrategy):
    """A freqtrade strategy whose thought is in `self.bot`; subclasses say who they are."""

    INTERFACE_VERSION = 3

    timeframe = "5m"
    can_short = True
    startup_candle_count = 600
    process_only_new_candles = True

    # Margin-level floor, wider than any plan: the stop itself is custom_stoploss.
    stoploss = -0.99
    use_custom_stoploss = True
    # No table of ours: the target itself is custom_roi.
    minimal_roi: ClassVar[dict[str, float]] = {}
    use_custom_roi = True
    use_exit_signal = True
    trailing_stop = False
    # Protective exits must fill: they cross the book anyway.
    order_types: ClassVar[dict[str, Any]] = {
        "entry": "limit",
        "exit": "market",
        "stoploss": "market",
        "emergency_exit": "market",
        "stoploss_on_exchange": False,
    }

    bot: FleetBot  # the strategy file opens it in bot_start

    # -- entries -----------------------------------------------------------------------------------

    def populate_indicators(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        """Add votes and volatility to closed candles."""
        return self.bot.indicators(dataframe)

    def populate_entry_trend(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        """Enter where the ensemble agrees, with the tag that says who spoke."""
        return self.bot.entries(dataframe)

    def populate_exit_trend(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        """No exit signals: exits are the plan's."""
        dataframe["exit_long"] = 0
        dataframe["exit_short"] = 0
        return dataframe

    def leverage(
        self,
        pair: str,
        current_time: datetime,
        current_rate: float,
        proposed_leverage: float,
        max_leverage: float,
        entry_tag: str | None,
        side: str,
        **_: Any,
    ) -> float:
        """Return the leverage of the position to open."""
        with self.bot.faults.recorded("leverage", pair):
            return self.bot.leverage(max_leverage)
        return 1.0

    def confirm_trade_entry(
        self,
        pair: str,
        order_type: str,
        amount: float,
        rate: float,
        time_in_force: str,
        current_time: datetime,
        entry_tag: str | None,
        side: str,
        **_: Any,
    ) -> bool:
        """Refuse an entry that a guard forbids."""
        with self.bot.faults.recorded("confirm_trade_entry", pair):
            return self.bot.entry_refusal(pair, Side(side), current_time, closed_trades) is None
        return REFUSE

    def order_filled(self, pair: str, trade: Trade, order: Order, current_time: datetime, **_: Any) -> None:
        """Freeze the plan when a position has been opened."""
        with self.bot.faults.recorded("order_filled", pair):
            if order.ft_order_side == trade.entry_side:
                analysed, _updated = self.dp.get_analyzed_dataframe(pair, self.timeframe)
                self.bot.freeze_plan(trade, current_time, analysed)

    # -- exits -------------------------------------------------------------------------------------

    @only_reads_the_trade
    def custom_exit(
        self,
        pair: str,
        trade: Trade,
        current_time: datetime,
        current_rate: float,
        current_profit: float,
        **_: Any,
    ) -> str | bool | None:
        """Leave at the rate of this call: a barrier that was jumped, or the time limit."""
        with self.bot.faults.recorded("custom_exit", pair):
            return self.bot.exit_reason(trade, current_time, current_rate)
        return STAY

    @only_reads_the_trade
    def custom_stoploss(
        self,
        pair: str,
        trade: Trade,
        current_time: datetime,
        current_rate: float,
        current_profit: float,
        after_fill: bool,
        **_: Any,
    ) -> float | None:
        """Price the stop once, when the position has been filled; None keeps it where it is."""
        if not after_fill:
            return KEEP_STOPLOSS
        with self.bot.faults.recorded("custom_stoploss", pair):
            return self.bot.stop_margin_ratio(trade, current_rate)
        return KEEP_STOPLOSS

    @only_reads_the_trade
    def custom_roi(
        self,
        pair: str,
        trade: Trade,
        current_time: datetime,
        trade_duration: int,
        entry_tag: str | None,
        side: str,
        **_: Any,
    ) -> float | None:
        """Price the target."""
        with self.bot.faults.recorded("custom_roi", pair):
            return self.bot.target_margin_ratio(trade)
        return NO_TARGET

    def should_exit(
        self, trade: Trade, rate: float, current_time: datetime, **known: Any
    ) -> list[ExitCheckTuple]:
        """Name stops and targets after the source of their level; type and fill stay freqtrade's."""
        exits: list[ExitCheckTuple] = super().should_exit(trade, rate, current_time, **known)
        with self.bot.faults.recorded("should_exit", trade.pair):
            return [self._named(trade, one) for one in exits]
        return exits

    def _named(self, trade: Trade, one: ExitCheckTuple) -> ExitCheckTuple:
        if one.exit_type in _STOPS:
            return ExitCheckTuple(one.exit_type, self.bot.plan_of(trade).source.stop_reason)
        if one.exit_type is ExitType.ROI:
            return ExitCheckTuple(one.exit_type, self.bot.plan_of(trade).source.target_reason)
        return one


def closed_trades(pair: str | None, since: datetime) -> Sequence[ClosedHostTrade]:
    """Return the host's trades that closed after `since`; works live and in backtests."""
    found: Sequence[ClosedHostTrade] = Trade.get_trades_proxy(
        pair=pair, is_open=False, close_date=since.astimezone(UTC)
    )
    return found
