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
    amount: float = 1.0
    enter_tag: str | None = "long ensemble 3/4 conf=0.8 from=trend"
    open_date_utc: datetime = OPENED
    fee_ratio: float = 0.0005
    custom: dict[str, Any] = field(default_factory=dict)

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
    pair: str = "BTC/USDT:USDT"
    is_short: bool = False
