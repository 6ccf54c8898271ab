"""A trade as freqtrade holds it in memory at the moment it closes, and as a ClosedTrade.

It is the same trade that `freqtrade_db` reads later, field by field, so whichever comes first, the other
one is a duplicate. What freqtrade still adds after the close (late fees, funding) amends it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from freqfleet.domain.closed_trade import ClosedTrade, TradeMode
from freqfleet.domain.sides import Side
from freqfleet.errors import TradeSourceError
from freqfleet.trades.reading import NO_EXIT_REASON, tag_fields

UNKNOWN_INSTANCE = "db:?"  # which database it is gets read by a thread that may wait for it


class ClosingTrade(Protocol):
    """What this module reads of freqtrade's Trade; attributes only, nothing that asks the database."""

    id: int
    pair: str
    is_short: bool
    leverage: float
    open_rate: float
    close_rate: float | None
    stake_amount: float
    close_profit: float | None
    close_profit_abs: float | None
    fee_open: float | None
    fee_close: float | None
    funding_fees: float | None
    exit_reason: str | None
    enter_tag: str | None

    @property
    def open_date_utc(self) -> datetime: ...  # noqa: D102
    @property
    def close_date_utc(self) -> datetime | None: ...  # noqa: D102


def closed_trade_of(
    trade: ClosingTrade, *, bot: str, mode: TradeMode, parameter_version: str | None
) -> ClosedTrade:
    """Return the closed trade, with UNKNOWN_INSTANCE; raises TradeSourceError for one that is not closed."""
    closed_at = trade.close_date_utc
    if closed_at is None:
        raise TradeSourceError(f"{bot} trade {trade.id} {trade.pair}: it has no close date")
    return ClosedTrade(
        bot=bot,
        instance=UNKNOWN_INSTANCE,
        trade_id=trade.id,
        pair=trade.pair,
        side=Side.of(is_short=trade.is_short),
        leverage=float(trade.leverage or 1.0),  # freqtrade reads NULL as 1, too
        opened_at=trade.open_date_utc,
        closed_at=closed_at,
        open_rate=float(trade.open_rate),
        close_rate=_number(trade, "close_rate"),
        stake_quote=float(trade.stake_amount),
        margin_profit_ratio=_number(trade, "close_profit"),
        profit_quote=_number(trade, "close_profit_abs"),
        fee_open_ratio=_number(trade, "fee_open"),
        fee_close_ratio=_number(trade, "fee_close"),
        funding_fees_quote=0.0 if trade.funding_fees is None else float(trade.funding_fees),
        exit_reason=trade.exit_reason or NO_EXIT_REASON,
        mode=mode,
        parameter_version=parameter_version,
        **tag_fields(trade.enter_tag),
    )


def _number(trade: ClosingTrade, name: str) -> float:
    value = getattr(trade, name)
    if value is None:
        raise TradeSourceError(f"{name} of trade {trade.id} {trade.pair} is empty")
    return float(value)
