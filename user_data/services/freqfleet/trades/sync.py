"""Closed trades from their source into the learning store, exactly once.

A sync reads again what closed in the last two days before the newest trade it has (an overlap: a
restart may have cut the last one short, freqtrade amends fees late), and whatever the store does not
have at all. Running it twice changes nothing the second time.

A change of an older trade at its source is not seen here; `sync --reconcile` compares days by hash
(`reconcile.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.store.promise import LearningStore
from freqfleet.trades.reading import DATABASE_INSTANCE, Inventory, Reading, TradeSource

OVERLAP = timedelta(hours=48)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """What became of one source: read = accepted + amended + duplicate + rejected + dropped.

    rejected : reasons of the store. dropped : reasons of the reader. Each names its trade.
    noticed : what a person should know of the source, for example that its database was reset.
    """

    bot: str
    source: str
    read: int
    accepted: int
    amended: int
    duplicate: int
    rejected: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    noticed: tuple[str, ...] = ()

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
            "noticed": list(self.noticed),
        }


class Checkpoint:
    """What a running service knows to be in the store: ids by bot, of one instance each.

    It spares the store a reading of its whole history in every cycle. It lives in memory: after a restart
    the first cycle looks at everything again.
    """

    def __init__(self) -> None:
        self._recorded: dict[str, Inventory] = {}

    def ids(self, bot: str, instance: str) -> frozenset[int] | None:
        """Return the ids known to be stored, None where nothing is known of this instance."""
        known = self._recorded.get(bot)
        return known.trade_ids if known is not None and known.instance == instance else None

    def note(self, bot: str, inventory: Inventory) -> None:
        """Every trade of this inventory has been handed to the store, which answered."""
        self._recorded[bot] = inventory


def sync_bot(
    store: LearningStore,
    source: TradeSource,
    *,
    overlap: timedelta = OVERLAP,
    checkpoint: Checkpoint | None = None,
) -> SyncReport:
    """Copy what is new, recent or missing from a bot's database to the store.

    Raises what the source raises (TradeSourceError, UnreachableError) before anything is written, and
    StoreError where the store fails.
    """
    newest = store.last_recorded_close(source.bot)
    # Before the trades are read: what closes in between is read now, or is missing in the next cycle.
    inventory = source.inventory()
    if newest is None:
        report = sync_reading(store, source.read())
    else:
        # The newest close may be another database's or a backtest's, so it is a hint: ids settle it.
        stored = checkpoint.ids(source.bot, inventory.instance) if checkpoint is not None else None
        noticed: tuple[str, ...] = ()
        if stored is None:
            history = store.closed_trades(bots=[source.bot])
            stored = frozenset(one.trade_id for one in history if one.instance == inventory.instance)
            noticed = _noticed(history, inventory)
        reading = source.read(closed_from=newest - overlap, also=inventory.trade_ids - stored)
        report = replace(sync_reading(store, reading), noticed=noticed)
    if checkpoint is not None:
        checkpoint.note(source.bot, inventory)
    return report


def _noticed(history: Sequence[ClosedTrade], inventory: Inventory) -> tuple[str, ...]:
    earlier = Counter(
        one.instance
        for one in history
        if one.instance.startswith(DATABASE_INSTANCE) and one.instance != inventory.instance
    )
    return tuple(
        f"its database is a new one ({inventory.instance}), ids began anew; "
        f"{count} trades of the earlier {instance} stay in the store"
        for instance, count in sorted(earlier.items())
    )


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
