"""StoplossGuard for named stops.

freqtrade's StoplossGuard counts trades whose exit reason is one of its own. Ours are named after the
source of the stop (`stop_loss_optuna`, ...), so it would count nothing and guard nothing, in silence.
A strategy that lists StoplossGuard in its protections therefore gets the same rule from here, applied
where an entry is confirmed (docs/decisions/0004-named-exits.md).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from freqfleet.domain.exits import MOVED_STOP_REASONS, STOP_REASONS
from freqfleet.domain.sides import Side
from freqfleet.errors import SettingsError

logger = logging.getLogger(__name__)

OWN_STOP_REASONS = STOP_REASONS | MOVED_STOP_REASONS
NATIVE_STOP_REASONS = frozenset({"stop_loss", "trailing_stop_loss", "stoploss_on_exchange", "liquidation"})


class ClosedHostTrade(Protocol):
    """What the guard reads of a closed freqtrade trade."""

    pair: str
    is_short: bool
    exit_reason: str | None
    close_profit: float | None

    @property
    def close_date_utc(self) -> datetime: ...  # noqa: D102


# (pair or None, closed since) -> closed trades
ClosedTrades = Callable[[str | None, datetime], Sequence[ClosedHostTrade]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StopGuardRule:
    """One StoplossGuard entry of a strategy's protections, in minutes; profits margin-level."""

    lookback_minutes: int
    stop_minutes: int
    trade_limit: int
    only_per_pair: bool
    only_per_side: bool
    required_profit: float

    def locked_until(
        self, pair: str, side: Side, now: datetime, closed_trades: ClosedTrades
    ) -> datetime | None:
        """Return until when entries of `pair` and `side` are refused, or None."""
        since = now - timedelta(minutes=self.lookback_minutes)
        stops = [
            trade
            for trade in closed_trades(pair if self.only_per_pair else None, since)
            if trade.exit_reason in OWN_STOP_REASONS | NATIVE_STOP_REASONS
            and trade.close_profit is not None
            and trade.close_profit < self.required_profit
            and (not self.only_per_side or Side.of(is_short=trade.is_short) is side)
        ]
        if len(stops) < self.trade_limit:
            return None
        until = max(trade.close_date_utc for trade in stops) + timedelta(minutes=self.stop_minutes)
        return until if until > now else None


def stop_guard_rules(
    protections: Iterable[dict[str, Any]], timeframe_minutes: int
) -> tuple[StopGuardRule, ...]:
    """Read the StoplossGuard entries of a strategy's `protections`, with freqtrade's own defaults."""
    return tuple(
        StopGuardRule(
            lookback_minutes=_minutes(entry, "lookback_period", timeframe_minutes),
            stop_minutes=_minutes(entry, "stop_duration", timeframe_minutes),
            trade_limit=int(entry.get("trade_limit", 10)),
            only_per_pair=bool(entry.get("only_per_pair", False)),
            only_per_side=bool(entry.get("only_per_side", False)),
            required_profit=float(entry.get("required_profit", 0.0)),
        )
        for entry in protections
        if entry.get("method") == "StoplossGuard"
    )


def _minutes(entry: dict[str, Any], name: str, timeframe_minutes: int) -> int:
    if f"{name}_candles" in entry:
        return int(entry[f"{name}_candles"]) * timeframe_minutes
    if "unlock_at" in entry and name == "stop_duration":
        raise SettingsError(
            f"StoplossGuard with unlock_at={entry['unlock_at']!r} is not supported; use stop_duration"
        )
    return int(entry.get(name, 60))
