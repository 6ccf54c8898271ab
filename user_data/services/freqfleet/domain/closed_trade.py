"""ClosedTrade: the fact that one position was opened and closed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from freqfleet.domain.pairs import checked_pair
from freqfleet.domain.sides import Side
from freqfleet.domain.units import checked_leverage, to_position_ratio
from freqfleet.errors import TradeSourceError


class TradeMode(StrEnum):
    """How a trade came about. Only `live` moved money on an exchange."""

    LIVE = "live"
    DRY_RUN = "dry_run"
    BACKTEST = "backtest"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTrade:
    """One closed position of one bot. Identity: (`bot`, `instance`, `trade_id`).

    instance : which database or backtest the id belongs to, because ids restart with a new database.
    margin_profit_ratio : freqtrade's close_profit: leverage-inclusive, net of fees and funding.
    funding_fees_quote : in stake currency, positive when received.
    feeder, votes, voters, confidence : read from the entry tag; None where the tag does not say.
    parameter_version : id of the version whose plan the position carried; None where unknown.
    """

    bot: str
    instance: str
    trade_id: int
    pair: str
    side: Side
    leverage: float
    opened_at: datetime
    closed_at: datetime
    open_rate: float
    close_rate: float
    stake_quote: float
    margin_profit_ratio: float
    profit_quote: float
    fee_open_ratio: float
    fee_close_ratio: float
    funding_fees_quote: float
    exit_reason: str
    mode: TradeMode
    enter_tag: str | None = None
    feeder: str | None = None
    votes: int | None = None
    voters: int | None = None
    confidence: float | None = None
    parameter_version: str | None = None

    def __post_init__(self) -> None:
        checked_pair(self.pair)
        checked_leverage(self.leverage)
        if self.opened_at.tzinfo is None or self.closed_at.tzinfo is None:
            name = "opened_at" if self.opened_at.tzinfo is None else "closed_at"
            raise TradeSourceError(f"{self.label}: {name} needs a zone, was {getattr(self, name)}")
        if self.closed_at < self.opened_at:
            raise TradeSourceError(
                f"{self.label}: closed at {self.closed_at}, before it opened at {self.opened_at}"
            )
        if not (0.0 < self.open_rate < math.inf and 0.0 < self.close_rate < math.inf):
            name = "close_rate" if 0.0 < self.open_rate < math.inf else "open_rate"
            raise TradeSourceError(f"{self.label}: {name} must be above 0, was {getattr(self, name)}")
        if not math.isfinite(self.margin_profit_ratio):
            raise TradeSourceError(
                f"{self.label}: margin_profit_ratio must be a number, was {self.margin_profit_ratio}"
            )

    @property
    def label(self) -> str:
        """How messages name this trade."""
        return f"{self.bot} trade {self.trade_id} {self.pair}"

    @property
    def position_profit_ratio(self) -> float:
        """Net profit on price: margin-level profit over leverage."""
        return to_position_ratio(self.margin_profit_ratio, self.leverage)

    @property
    def executed(self) -> bool:
        """True when an exchange filled it."""
        return self.mode is TradeMode.LIVE
