"""Closed trades from their source into the learning store, exactly once.

A sync reads again what closed in the last two days before the newest trade it has (an overlap: a
restart may have cut the last one short, freqtrade amends fees late), and whatever the store does not
have at all. Running it twice changes nothing the second time.

A change of an older trade at its source is not seen here; comparing days by hash is another verb's work
(`sync --reconcile`), which can call `sync_reading` with what it finds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from freqfleet.store.promise import LearningStore
from freqfleet.trades.reading import Reading, TradeSource

OVERLAP = timedelta(hours=48)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """What became of one source: read = accepted + amended + duplicate + rejected + dropped.

    rejected : reasons of the store. dropped : reasons of the reader. Each names its trade.
    """

    bot: str
    source: str
    read: int
    accepted: int
    amended: int
    duplicate: int
    rejected: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "bot": self.bot,
            "source": self.source,
            "read": self.read,
            "accepted": self.accepted,
            "amended": self.amended,
            "duplicate": self.duplicate,
            "rejected": list(self.rejected),
            "dropped": list(self.dropped),
        }


def sync_bot(store: LearningStore, source: TradeSource, *, overlap: timedelta = OVERLAP) -> SyncReport:
    """Copy what is new, recent or missing from a bot's database to the store.

    Raises what the source raises (TradeSourceError, UnreachableError) before anything is written, and
    StoreError where the store fails.
    """
    newest = store.last_recorded_close(source.bot)
    if newest is None:
        return sync_reading(store, source.read())
    # The newest close may be another database's or a backtest's, so it is a hint: ids settle it.
    inventory = source.inventory()
    window_start = newest - overlap
    stored = {
        trade.trade_id
        for trade in store.closed_trades(bots=[source.bot], closed_to=window_start)
        if trade.instance == inventory.instance
    }
    missing = inventory.trade_ids - stored
    return sync_reading(store, source.read(closed_from=window_start, also=missing))


def sync_reading(store: LearningStore, reading: Reading) -> SyncReport:
    """Record everything of a reading; what the store has already counts as duplicate."""
    receipt = store.record_closed_trades(reading.trades)
    return SyncReport(
        bot=reading.bot,
        source=reading.source,
        read=reading.count,
        accepted=receipt.accepted,
        amended=receipt.amended,
        duplicate=receipt.duplicate,
        rejected=receipt.rejected,
        dropped=reading.dropped,
    )
