"""TradeFeed: what closed since the last look, at the cost of one small question where nothing did.

A store answers how many trades it holds and when the newest closed. Where that is as before there is nothing
to read. Where more closed, the last hours are read; where those do not explain the new count (a trade came
late, or was amended) everything is read again, as it is on the first look of a day: then trades that have
grown too old leave, and amendments that changed no count are seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

import numpy as np

from freqfleet.learning.memory import BinMemory
from freqfleet.market.trade_columns import NO_TRADES, TradeColumns, TradeIdentity
from freqfleet.store.promise import StoreHealth
from freqfleet.store.rows import next_ms, whole_ms

OVERLAP = timedelta(hours=2)  # a bot that could not write for so long still counts as on time


class Kind(StrEnum):
    """What a look brought."""

    NOTHING = "nothing"
    MORE = "more"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """trades : the new ones, or all of the window, oldest close first.

    health : of the store. strangers : trades of bots that were not asked for, by bot; of this look.
    ahead : how many close after the clock; they take part when their time has come.
    """

    kind: Kind
    health: StoreHealth
    trades: TradeColumns = NO_TRADES
    strangers: dict[str, int] = field(default_factory=dict)
    ahead: int = 0


class TradeFeed:
    """Follows the closed trades of some bots, `days_back` days of them."""

    def __init__(self, store: BinMemory, *, bots: Sequence[str], days_back: int) -> None:
        self._store = store
        self._bots = tuple(bots)
        self._days_back = days_back
        self._seen: StoreHealth | None = None
        self._day: date | None = None
        self._recent: set[TradeIdentity] = set()
        self._ahead_ms: list[int] = []

    def look(self, now: datetime) -> Look:
        """Return what is new; a look that raises StoreUnavailable is made again as if it had not been."""
        health = self._store.health()
        before = self._seen
        if before is None or now.date() != self._day:
            return self._all(health, now)
        if self._ahead_ms and self._ahead_ms[0] <= whole_ms(now):
            return self._all(health, now)
        if _pulse(health) == _pulse(before):
            return Look(kind=Kind.NOTHING, health=health, ahead=len(self._ahead_ms))
        return self._more(before, health, now) or self._all(health, now)

    def _more(self, before: StoreHealth, health: StoreHealth, now: datetime) -> Look | None:
        """Return what closed in the last hours; None where that does not explain the store's count."""
        if before.last_trade_closed_at is None:
            return None
        read = self._store.trade_columns(closed_from=before.last_trade_closed_at - OVERLAP)
        new = read.subset(np.array([one not in self._recent for one in read.identities()], dtype=np.bool_))
        if len(new) != health.trades - before.trades:
            return None
        self._recent.update(new.identities())
        self._seen = health
        return self._told(Kind.MORE, new, health, now)

    def _all(self, health: StoreHealth, now: datetime) -> Look:
        read = self._store.trade_columns(closed_from=now - timedelta(days=self._days_back))
        newest = health.last_trade_closed_at
        since = newest - OVERLAP - OVERLAP if newest is not None else now
        self._recent = set(read.subset(read.closed_ms >= next_ms(since)).identities())
        self._ahead_ms = []
        self._seen, self._day = health, now.date()
        return self._told(Kind.ALL, read, health, now)

    def _told(self, kind: Kind, read: TradeColumns, health: StoreHealth, now: datetime) -> Look:
        known, ours = read.closed_ms <= whole_ms(now), read.of_bots(self._bots)
        self._ahead_ms = sorted([*self._ahead_ms, *read.closed_ms[~known].tolist()])
        return Look(
            kind=kind,
            health=health,
            trades=read.subset(known & ours),
            strangers=read.subset(known & ~ours).bot_counts(),
            ahead=len(self._ahead_ms),
        )


def _pulse(health: StoreHealth) -> tuple[int, datetime | None]:
    return health.trades, health.last_trade_closed_at
