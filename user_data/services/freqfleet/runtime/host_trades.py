"""freqtrade's trades, as guards and breakers read them; the same live and in backtests."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from freqtrade.persistence import LocalTrade, Trade

from freqfleet.runtime.plans import TradeKey, trade_key
from freqfleet.runtime.stop_guard import ClosedHostTrade

logger = logging.getLogger(__name__)


def closed_trades(pair: str | None, since: datetime) -> Sequence[ClosedHostTrade]:
    """Return the host's trades that closed after `since`; works live and in backtests."""
    found: Sequence[ClosedHostTrade] = Trade.get_trades_proxy(
        pair=pair, is_open=False, close_date=since.astimezone(UTC)
    )
    return found


class HostTrades:
    """What `runtime.breakers.Trades` asks for.

    starting_quote : the capital the bot began with, in stake currency.
    Open positions count with the profit of the last look at them (`price`): no price is fetched here.
    Those that an earlier process left open have had none yet: see `all_priced`.
    """

    def __init__(self, starting_quote: float) -> None:
        self._starting_quote = starting_quote
        self._priced: dict[TradeKey, float] = {}
        self._unpriced = {trade_key(one) for one in _open_trades() if one.has_open_position}
        self._waits = False

    def price(self, trade: Any, margin_profit_ratio: float) -> None:
        """Note the profit of an open position, margin-level and net of fees."""
        self._priced[trade_key(trade)] = margin_profit_ratio * trade.stake_amount
        self._unpriced.discard(trade_key(trade))

    @property
    def all_priced(self) -> bool:
        """False after a start until every position found open was looked at: without them equity is wrong."""
        if self._unpriced:
            self._unpriced &= {trade_key(one) for one in _open_trades()}
        if self._waits != bool(self._unpriced):
            self._waits = not self._waits
            self._say_what_waits()
        return not self._unpriced

    def _say_what_waits(self) -> None:
        if self._waits:
            pairs = ", ".join(sorted(pair for _, pair, _ in self._unpriced))
            logger.warning(
                "the drawdown is not measured before every position of an earlier start has a price: %s",
                pairs,
            )
        else:
            logger.info("the drawdown is measured: every open position has a price")

    def closed_since(self, moment: datetime) -> Sequence[Any]:
        """Return trades closed after `moment`."""
        return closed_trades(None, moment)

    def entries_since(self, moment: datetime) -> int:
        """Return how many positions were opened at or after `moment`."""
        open_ = [one for one in _open_trades() if one.open_date_utc >= moment]
        # Whatever was opened since has also closed since, or is open.
        closed = [one for one in self.closed_since(moment) if one.open_date_utc >= moment]
        return len(open_) + len(closed)

    def equity_quote(self) -> float:
        """Return starting capital, closed profits and open positions as last priced."""
        return self._starting_quote + _closed_profit() + self.open_profit_quote()

    def open_profit_quote(self) -> float:
        """Return the profit of the open positions as last priced."""
        open_ = {trade_key(one) for one in _open_trades()}
        self._priced = {key: profit for key, profit in self._priced.items() if key in open_}
        return sum(self._priced.values())


def _open_trades() -> Sequence[Any]:
    found: Sequence[Any] = Trade.get_trades_proxy(is_open=True)
    return found


def _closed_profit() -> float:
    # freqtrade adds up every closed trade of a backtest at each question; it keeps the sum too.
    found: float = Trade.get_total_closed_profit() if Trade.use_db else LocalTrade.bt_total_profit
    return found
