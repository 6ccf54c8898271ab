"""The statements of closed trades: storing them exactly once, and reading a window of them in order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Select, select

from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.store.promise import WriteReceipt
from freqfleet.store.rows import Row, TradeIdentity, next_ms
from freqfleet.store.schema import closed_trades

_ROWS_PER_STATEMENT = 5_000
_NAMES_PER_QUERY = 500  # SQLite allows 32,766 values in a statement
_WITHIN_A_MOMENT = attrgetter("bot", "instance", "trade_id")


def record(
    connection: Connection, insert: Any, rows: Sequence[Row], rejected: tuple[str, ...]
) -> WriteReceipt:
    """Store rows. insert : of the dialect in use, into `schema.closed_trades`."""
    accepted = amended = duplicate = 0
    changed: dict[TradeIdentity, Row] = {}
    known = _known_hashes(connection, rows)
    for row in rows:
        identity = _identity(row)
        before = known.get(identity)
        if before == row["content_hash"]:
            duplicate += 1
            continue
        accepted, amended = (accepted + 1, amended) if before is None else (accepted, amended + 1)
        known[identity] = row["content_hash"]
        changed[identity] = row
    keys = closed_trades.primary_key.columns
    upsert = insert.on_conflict_do_update(
        index_elements=list(keys),
        set_={c.name: insert.excluded[c.name] for c in closed_trades.columns if c not in set(keys)},
    )
    new = list(changed.values())
    for start in range(0, len(new), _ROWS_PER_STATEMENT):
        connection.execute(upsert, new[start : start + _ROWS_PER_STATEMENT])
    return WriteReceipt(accepted=accepted, amended=amended, duplicate=duplicate, rejected=rejected)


def window(
    query: Select[Any],
    closed_from: datetime | None,
    closed_to: datetime | None,
    bots: Sequence[str] | None,
    pairs: Sequence[str] | None,
) -> Select[Any]:
    """Return a query of closed trades with these conditions."""
    if closed_from is not None:
        query = query.where(closed_trades.c.closed_ms >= next_ms(closed_from))
    if closed_to is not None:
        query = query.where(closed_trades.c.closed_ms < next_ms(closed_to))
    if bots is not None:
        query = query.where(closed_trades.c.bot.in_(bots))
    if pairs is not None:
        query = query.where(closed_trades.c.pair.in_(pairs))
    return query


def sort_ties(trades: list[ClosedTrade]) -> None:
    """Sort trades of one moment by bot, instance and id; all others are in order already.

    Not by the database: databases differ in how they order text.
    """
    start, moment = 0, None
    for end, trade in enumerate(trades):
        if trade.closed_at == moment:
            continue
        if end - start > 1:
            trades[start:end] = sorted(trades[start:end], key=_WITHIN_A_MOMENT)
        start, moment = end, trade.closed_at
    trades[start:] = sorted(trades[start:], key=_WITHIN_A_MOMENT)


def _identity(row: Row) -> TradeIdentity:
    return row["bot"], row["instance"], row["trade_id"]


def _known_hashes(connection: Connection, rows: Sequence[Row]) -> dict[TradeIdentity, str]:
    """Return the stored content hashes of these trades, and perhaps of some between them."""
    table = closed_trades.c
    by_instance: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        by_instance.setdefault((row["bot"], row["instance"]), []).append(row["trade_id"])
    known: dict[TradeIdentity, str] = {}
    for (bot, instance), ids in by_instance.items():
        query = select(table.trade_id, table.content_hash).where(table.bot == bot, table.instance == instance)
        if len(ids) <= _NAMES_PER_QUERY:
            query = query.where(table.trade_id.in_(ids))
        else:  # one range: a hundred lists of ids cost a server without statistics a hundred scans
            query = query.where(table.trade_id.between(min(ids), max(ids)))
        known.update(((bot, instance, trade_id), digest) for trade_id, digest in connection.execute(query))
    return known
