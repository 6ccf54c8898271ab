"""Circuit breakers: when a bot stops opening positions for a while (seed 004).

freqtrade's own protections do what they can: `CooldownPeriod` (after every exit, by pair) and `MaxDrawdown`.
Three have no counterpart there and are asked where an entry is confirmed: the loss of the day, losses in
a row, entries of the day. They look at closed trades and at prices that are there now, so that a backtest
with --enable-protections trips them when a bot would have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

PAUSE_AFTER_LOSSES_MINUTES = 120  # four cooldowns
DRAWDOWN_WINDOW_DAYS = 30
_LONGEST_RUN = timedelta(days=7)  # losses further apart are no run
DRAWDOWN_PAUSE_MINUTES = 1440


class Trades(Protocol):
    """What the breakers ask of the host's trades."""

    def closed_since(self, moment: datetime) -> Sequence[Any]:
        """Return trades closed after `moment`: `close_date_utc`, `close_profit_abs`."""
        ...

    def entries_since(self, moment: datetime) -> int:
        """Return how many positions were opened at or after `moment`, open and closed."""
        ...

    def equity_quote(self) -> float:
        """Return starting capital, closed profits and open positions as last priced."""
        ...

    def open_profit_quote(self) -> float:
        """Return the profit of the open positions as last priced, fees included."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakers:
    """The three of ours; None switches one off."""

    daily_loss_ratio: float | None = None
    consecutive_losses: int | None = None
    trades_per_day: int | None = None

    def refusal(self, now: datetime, trades: Trades) -> str | None:
        """Return why no position may be opened at `now`, the first that holds, or None."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.trades_per_day is not None and trades.entries_since(midnight) >= self.trades_per_day:
            return f"{self.trades_per_day} entries today"
        if self.daily_loss_ratio is not None:
            lost = self._daily_loss(midnight, trades)
            if lost >= self.daily_loss_ratio:
                return f"{lost:.2%} of the day's equity lost, until 00:00"
        if self.consecutive_losses is not None:
            until = self._paused_until(now, trades, self.consecutive_losses)
            if until is not None:
                return f"{self.consecutive_losses} losses in a row, until {until:%Y-%m-%d %H:%M}"
        return None

    @staticmethod
    def _daily_loss(midnight: datetime, trades: Trades) -> float:
        """The lost share of the equity at 00:00 UTC; open positions count with all they have lost so far."""
        closed = sum(one.close_profit_abs or 0.0 for one in trades.closed_since(midnight))
        today = closed + trades.open_profit_quote()
        began_with = trades.equity_quote() - today
        return -today / began_with if began_with > 0.0 else 0.0

    @staticmethod
    def _paused_until(now: datetime, trades: Trades, limit: int) -> datetime | None:
        """Return when the pause after the newest run of losses ends; a win within the pause ends it too."""
        pause = timedelta(minutes=PAUSE_AFTER_LOSSES_MINUTES)
        if not trades.closed_since(now - pause):
            return None
        newest = sorted(trades.closed_since(now - _LONGEST_RUN), key=_closed_at)[-limit:]
        if len(newest) < limit or any((one.close_profit_abs or 0.0) >= 0.0 for one in newest):
            return None
        until: datetime = _closed_at(newest[-1]) + pause
        return until if until > now else None


def host_protections(*, cooldown_minutes: int, drawdown_ratio: float) -> list[dict[str, Any]]:
    """Return freqtrade's part, as entries of a strategy's `protections`; 0 leaves one out."""
    found: list[dict[str, Any]] = []
    if cooldown_minutes:
        found.append({"method": "CooldownPeriod", "stop_duration": cooldown_minutes})
    if drawdown_ratio:
        found.append(
            {
                "method": "MaxDrawdown",
                "calculation_mode": "equity",
                "lookback_period": DRAWDOWN_WINDOW_DAYS * 1440,
                "max_allowed_drawdown": drawdown_ratio,
                "stop_duration": DRAWDOWN_PAUSE_MINUTES,
                "trade_limit": 1,
            }
        )
    return found


def _closed_at(trade: Any) -> datetime:
    moment: datetime = trade.close_date_utc
    return moment
