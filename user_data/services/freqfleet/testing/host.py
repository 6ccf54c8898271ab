"""Hand-written stand-ins for what freqtrade hands to a strategy."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

OPENED = datetime(2025, 10, 1, 12, 0, tzinfo=UTC)


@dataclass(kw_only=True)
class FakeTrade:
    """An open freqtrade trade, with fees as freqtrade counts them and custom data in memory."""

    id: int = 1
    pair: str = "BTC/USDT:USDT"
    is_short: bool = False
    leverage: float = 3.0
    open_rate: float = 100.0
    stake_amount: float = 100.0
    amount: float = 1.0
    enter_tag: str | None = "long ensemble 3/4 conf=0.8 from=trend"
    open_date_utc: datetime = OPENED
    fee_ratio: float = 0.0005
    custom: dict[str, Any] = field(default_factory=dict)

    @property
    def fee_open(self) -> float:
        """The fee of the entry, as a ratio."""
        return self.fee_ratio

    @property
    def entry_side(self) -> str:
        """Buy for a long, sell for a short."""
        return "sell" if self.is_short else "buy"

    def calc_profit_ratio(self, rate: float) -> float:
        """Return the margin-level profit at `rate`, net of both fees, rounded as freqtrade does."""
        opened = self.open_rate * (1 + (-self.fee_ratio if self.is_short else self.fee_ratio))
        closed = rate * (1 + (self.fee_ratio if self.is_short else -self.fee_ratio))
        move = 1 - closed / opened if self.is_short else closed / opened - 1
        return round(move * self.leverage, 8)

    def set_custom_data(self, key: str, value: Any) -> None:
        """Keep a value on the trade."""
        self.custom[key] = value

    def get_custom_data(self, key: str, default: Any = None) -> Any:
        """Return a value kept on the trade."""
        return self.custom.get(key, default)


@dataclass(kw_only=True)
class FakeClosedTrade:
    """A closed freqtrade trade, as guards read it; the profit is margin-level."""

    close_date_utc: datetime
    exit_reason: str | None = "stop_loss_optuna"
    close_profit: float | None = -0.05
    close_profit_abs: float | None = -5.0
    pair: str = "BTC/USDT:USDT"
    is_short: bool = False


@dataclass(kw_only=True)
class FakeHostTrades:
    """The host's trades as breakers ask for them."""

    closed: list[FakeClosedTrade] = field(default_factory=list)
    entered_at: list[datetime] = field(default_factory=list)
    starting_quote: float = 1_000.0
    open_profit: float = 0.0

    def closed_since(self, moment: datetime) -> list[FakeClosedTrade]:
        """Return trades closed after `moment`."""
        return [one for one in self.closed if one.close_date_utc > moment]

    def entries_since(self, moment: datetime) -> int:
        """Return how many positions were opened at or after `moment`."""
        return sum(at >= moment for at in self.entered_at)

    def equity_quote(self) -> float:
        """Return starting capital, closed profits and open positions."""
        return (
            self.starting_quote + sum(one.close_profit_abs or 0.0 for one in self.closed) + self.open_profit
        )

    def open_profit_quote(self) -> float:
        """Return the profit of the open positions."""
        return self.open_profit
