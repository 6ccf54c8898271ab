"""What a source of closed trades gives: trades, and the ones it had to drop with the reason.

A reader never raises for a single bad trade: the trade is dropped, named and counted, the rest go on.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.entry_tags import parse_tag

DATABASE_INSTANCE = "db:"  # how the instance of a bot's own database begins
NO_EXIT_REASON = "unknown"  # very old databases and exports have none


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The closed trades of one bot from one source.

    source : how messages name it; never holds a password.
    dropped : one reason for each trade that cannot be used; it names the trade.
    """

    bot: str
    source: str
    trades: tuple[ClosedTrade, ...]
    dropped: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many trades were looked at."""
        return len(self.trades) + len(self.dropped)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Which closed trades a source holds, by id, usable or not."""

    instance: str
    trade_ids: frozenset[int]


class TradeSource(Protocol):
    """A bot's own database, as `sync_bot` sees it.

    Every method raises TradeSourceError where the source is missing or not freqtrade's, and
    UnreachableError where it does not answer.
    """

    @property
    def bot(self) -> str:
        """Whose trades they are."""
        ...

    @property
    def description(self) -> str:
        """How messages name the source; never holds a password."""
        ...

    def inventory(self) -> Inventory:
        """Return the ids of every closed trade."""
        ...

    def read(self, *, closed_from: datetime | None = None, also: Collection[int] = ()) -> Reading:
        """Return the trades closed at or after `closed_from` (None: all), and those with the ids `also`."""
        ...


def tag_fields(text: str | None) -> dict[str, Any]:
    """Return the fields of ClosedTrade that an entry tag says; None for what it does not say.

    freqtrade writes an empty tag for no tag.
    """
    tag = parse_tag(text or None)
    return {
        "enter_tag": text or None,
        "feeder": tag.feeder if tag is not None else None,
        "votes": tag.votes if tag is not None else None,
        "voters": tag.voters if tag is not None else None,
        "confidence": tag.confidence if tag is not None else None,
    }
