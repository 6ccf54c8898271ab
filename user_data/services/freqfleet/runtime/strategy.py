"""FleetStrategy: the adapter between freqtrade's callbacks and FleetBot.

The three strategies inherit it. Each callback answers from FleetBot or, when that fails, with the
safe answer that its name says; the fault is recorded.
"""

from __future__ import annotations

import logging
from datetime import datetime
from functools import cached_property, partial
from typing import Any, ClassVar

import pandas as pd
from freqtrade.enums import ExitCheckTuple, ExitType
from freqtrade.persistence import Order, Trade
from freqtrade.strategy import IStrategy

from freqfleet.domain.sides import Side
from freqfleet.runtime.bot import FleetBot
from freqfleet.runtime.host_copies import only_reads_the_trade
from freqfleet.runtime.host_stops import move_stop
from freqfleet.runtime.host_trades import HostTrades, closed_trades
from freqfleet.runtime.market_context import MarketContext
from freqfleet.runtime.moving_stop import Analysed

logger = logging.getLogger(__name__)

STAY = None
KEEP_STOPLOSS = None
NO_TARGET = None
REFUSE = False
NO_STAKE = 0.0

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

    def bot_loop_start(self, current_time: datetime, **_: Any) -> None:
        """Tell the kill switch what the bot is worth, before anything is decided."""
        with self.bot.faults.recorded("bot_loop_start", "-"):
            if self.bot.measures_equity and self._trades.all_priced:
                self.bot.see_equity(self._trades.equity_quote())

    def ft_bot_cleanup(self) -> None:
        """End the bot's threads: `/reload_config` makes another strategy, and bot, in the same process.

        A kill switch that went on reading would go on reporting the equity it saw last, beside the new one's.
        """
        super().ft_bot_cleanup()
        if hasattr(self, "bot"):  # a start that failed has none
            with self.bot.faults.recorded("ft_bot_cleanup", "-"):
                self.bot.close()

    @cached_property
    def _trades(self) -> HostTrades:
        return HostTrades(self.wallets.get_starting_balance())

    def _analysed(self, pair: str) -> pd.DataFrame:
        """Return the pair's closed candles; from the pair alone, whatever the whitelist is now."""
        analysed, _updated = self.dp.get_analyzed_dataframe(pair, self.timeframe)
        found: pd.DataFrame = analysed
        return found

    @cached_property
    def _context(self) -> MarketContext:
        return MarketContext(self.dp, self.timeframe)

    # -- entries -----------------------------------------------------------------------------------

    def informative_pairs(self) -> list[tuple[str, str, str]]:
        """Ask for the leader, funding and mark prices, where a feeder reads them.

        freqtrade asks at the start of every loop, before it fetches candles and looks at them.
        """
        with self.bot.faults.recorded("take_new_voters", "-"):
            self.bot.take_new_voters()
        if not self.bot.reads_context:
            return []
        return self._context.informative_pairs(self.dp.current_whitelist())

    def populate_indicators(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        """Add votes and volatility to closed candles."""
        if self.bot.reads_context:
            with self.bot.faults.recorded("market_context", metadata["pair"]):
                dataframe = self._context.beside(metadata["pair"], dataframe)
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
            return self.bot.leverage(pair, Side(side), current_time, self._analysed(pair), max_leverage)
        return 1.0

    def custom_stake_amount(
        self,
        pair: str,
        current_time: datetime,
        current_rate: float,
        proposed_stake: float,
        min_stake: float | None,
        max_stake: float,
        leverage: float,
        entry_tag: str | None,
        side: str,
        **_: Any,
    ) -> float:
        """Return the stake of the position to open; below the exchange's least there is none."""
        with self.bot.faults.recorded("custom_stake_amount", pair):
            stake = self.bot.stake(pair, Side(side), current_time, proposed=proposed_stake, leverage=leverage)
            # freqtrade would raise a small stake to the least; less was meant, so nothing is opened.
            return stake if stake == proposed_stake or stake >= (min_stake or 0.0) else NO_STAKE
        return NO_STAKE

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
            refusal = self.bot.entry_refusal(pair, Side(side), current_time, closed_trades, self._trades)
            return refusal is None
        return REFUSE

    def order_filled(self, pair: str, trade: Trade, order: Order, current_time: datetime, **_: Any) -> None:
        """Freeze the plan when a position has been opened; pass the trade on when it has been closed."""
        with self.bot.faults.recorded("order_filled", pair):
            if order.ft_order_side == trade.entry_side:
                self.bot.freeze_plan(trade, current_time, self._analysed(pair))
            elif not trade.is_open:
                self.bot.closed(trade)

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
            if self.bot.prices_positions:
                self._trades.price(trade, current_profit)
            return self.bot.exit_reason(trade, current_time, current_rate, partial(self._analysed, pair))
        return STAY

    def confirm_trade_exit(
        self,
        pair: str,
        trade: Trade,
        order_type: str,
        amount: float,
        rate: float,
        time_in_force: str,
        exit_reason: str,
        current_time: datetime,
        **_: Any,
    ) -> bool:
        """Write down why the position is left; an exit is never refused."""
        with self.bot.faults.recorded("confirm_trade_exit", pair):
            self.bot.left(trade, current_time, exit_reason)
        return True

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
        """Price the stop when the position has been filled, and where a later version tightens it."""
        with self.bot.faults.recorded("custom_stoploss", pair):
            if after_fill:
                return self.bot.stop_margin_ratio(trade, current_rate)
            return self.bot.tightened_stop_margin_ratio(
                trade, current_time, current_rate, partial(self._analysed, pair)
            )
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
        """Bring a stop nearer that follows the path, and name stops and targets after their source.

        Type and fill stay freqtrade's. A stop comes before a target of the same candle, also one that has
        moved, which freqtrade alone would put last: nobody knows the order inside a candle. In a backtest,
        candles in which nothing can happen are not asked about: see runtime/quiet.py.
        """
        if self._stays_through(trade, current_time, **known):
            return []
        analysed = partial(self._analysed, trade.pair)
        with self.bot.faults.recorded("move_stop", trade.pair):
            stop_rate = self.bot.moved_stop_rate(trade, rate, analysed)
            if stop_rate is not None:
                move_stop(trade, stop_rate, rate)
        exits: list[ExitCheckTuple] = super().should_exit(trade, rate, current_time, **known)
        with self.bot.faults.recorded("should_exit", trade.pair):
            named = [self._named(trade, one, analysed) for one in exits]
            return sorted(named, key=lambda one: one.exit_type is ExitType.ROI)
        return exits

    def _stays_through(self, trade: Trade, current_time: datetime, **known: Any) -> bool:
        low, high = known.get("low"), known.get("high")  # of the whole candle, in backtests only
        if not low or not high or known.get("exit_") or known.get("force_stoploss"):
            return False
        # What the bot knows nothing of: settings in freqtrade's config or hyperopt, callbacks of a subclass.
        if self.minimal_roi or self.trailing_stop or not self._callbacks_are_ours:
            return False
        with self.bot.faults.recorded("stays_through", trade.pair):
            if self.bot.stays_through(trade, current_time, low, high):
                trade.adjust_min_max_rates(high, low)
                return True
        return False

    @cached_property
    def _callbacks_are_ours(self) -> bool:
        names = ("custom_exit", "custom_stoploss", "custom_roi")
        return all(getattr(type(self), name) is getattr(FleetStrategy, name) for name in names)

    def _named(self, trade: Trade, one: ExitCheckTuple, analysed: Analysed) -> ExitCheckTuple:
        if one.exit_type in _STOPS:
            return ExitCheckTuple(one.exit_type, self.bot.stop_reason(trade, analysed))
        if one.exit_type is ExitType.ROI:
            return ExitCheckTuple(one.exit_type, self.bot.plan_of(trade).target_reason)
        return one
