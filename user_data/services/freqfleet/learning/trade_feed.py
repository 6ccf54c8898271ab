"""TradeFeed: what closed since the last look, at the cost of one small question where nothing did.

A store answers how many trades it holds and when the newest closed. Where that is as before there is nothing
to read. Where more closed, the last hours are read; where those do not explain the new count (a trade came
late, or was amended) everything is read again, as it is on the first look of a day: then trades that have
grown too old leave, and amendments that changed no count are seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.learning.memory import BinMemory
from freqfleet.store.promise import StoreHealth

OVERLAP = timedelta(hours=2)  # a bot that could not write for so long still counts as on time
_Identity = tuple[str, str, int]


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
    trades: tuple[ClosedTrade, ...] = ()
    strangers: dict[str, int] = field(default_factory=dict)
    ahead: int = 0


class TradeFeed:
    """Follows the closed trades of some bots, `days_back` days of them."""

    def __init__(self, store: BinMemory, *, bots: Sequence[str], days_back: int) -> None:
        self._store = store
        self._bots = frozenset(bots)
        self._days_back = days_back
        self._seen: StoreHealth | None = None
        self._day: date | None = None
        self._recent: set[_Identity] = set()
        self._ahead: list[ClosedTrade] = []

    def look(self, now: datetime) -> Look:
        """Return what is new; a look that raises StoreUnavailable is made again as if it had not been."""
        health = self._store.health()
        before = self._seen
        if before is None or now.date() != self._day:
            return self._all(health, now)
        if self._ahead and self._ahead[0].closed_at <= now:
            return self._all(health, now)
        if _pulse(health) == _pulse(before):
            return Look(kind=Kind.NOTHING, health=health, ahead=len(self._ahead))
        return self._more(before, health, now) or self._all(health, now)

    def _more(self, before: StoreHealth, health: StoreHealth, now: datetime) -> Look | None:
        """Return what closed in the last hours; None where that does not explain the store's count."""
        if before.last_trade_closed_at is None:
            return None
        read = self._store.closed_trades(closed_from=before.last_trade_closed_at - OVERLAP)
        new = [one for one in read if _identity(one) not in self._recent]
        if len(new) != health.trades - before.trades:
            return None
        self._recent.update(map(_identity, new))
        self._seen = health
        return self._told(Kind.MORE, new, health, now)

    def _all(self, health: StoreHealth, now: datetime) -> Look:
        read = self._store.closed_trades(closed_from=now - timedelta(days=self._days_back))
        newest = health.last_trade_closed_at
        since = newest - OVERLAP - OVERLAP if newest is not None else now
        self._recent = {_identity(one) for one in read if one.closed_at >= since}
        self._ahead = []
        self._seen, self._day = health, now.date()
        return self._told(Kind.ALL, read, health, now)

    def _told(self, kind: Kind, read: Sequence[ClosedTrade], health: StoreHealth, now: datetime) -> Look:
        self._ahead = sorted(
            [*self._ahead, *(one for one in read if one.closed_at > now)], key=lambda one: one.closed_at
        )
        known = [one for one in read if one.closed_at <= now]
        return Look(
            kind=kind,
            health=health,
            trades=tuple(one for one in known if one.bot in self._bots),
            strangers=dict(Counter(one.bot for one in known if one.bot not in self._bots)),
            ahead=len(self._ahead),
        )


def _pulse(health: StoreHealth) -> tuple[int, datetime | None]:
    return health.trades, health.last_trade_closed_at


def _identity(trade: ClosedTrade) -> _Identity:
    return trade.bot, trade.instance, trade.trade_id
