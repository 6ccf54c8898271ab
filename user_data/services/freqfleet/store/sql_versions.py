"""The statements of parameter versions: appending them, and which of them are in force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select

from freqfleet.store.promise import WriteReceipt
from freqfleet.store.rows import Row
from freqfleet.store.schema import parameter_versions

_NAMES_PER_QUERY = 500  # SQLite allows 32,766 values in a statement


def publish(
    connection: Connection, insert: Any, rows: Sequence[Row], rejected: tuple[str, ...]
) -> WriteReceipt:
    """Append rows. insert : of the dialect in use, into `schema.parameter_versions`."""
    new: dict[str, Row] = {}
    known = _known(connection, rows)
    sequence = connection.scalar(select(func.max(parameter_versions.c.sequence))) or 0
    for row in rows:
        if row["version_id"] not in known and row["version_id"] not in new:
            place = {"sequence": sequence + len(new) + 1, "series": _series(row)}
            effective_ms = max(row["valid_from_ms"], row["recorded_ms"])
            new[row["version_id"]] = {**row, **place, "effective_ms": effective_ms}
    if new:
        connection.execute(insert.on_conflict_do_nothing(), list(new.values()))
    return WriteReceipt(accepted=len(new), duplicate=len(rows) - len(new), rejected=rejected)


def in_force(at_ms: int) -> Select[Any]:
    """Return the query that steps through the index: two look-ups a key, however long its history is."""
    table = parameter_versions
    keys = select(func.min(table.c.series).label("series")).cte("keys", recursive=True)
    following = select(func.min(table.c.series)).where(table.c.series > keys.c.series).scalar_subquery()
    keys = keys.union_all(select(following).where(keys.c.series.is_not(None)))
    of_key = table.alias("of_key")
    newest = (
        select(of_key.c.version_id)
        .where(
            of_key.c.series == keys.c.series, of_key.c.effective_ms <= at_ms, of_key.c.stage != "candidate"
        )
        .order_by(of_key.c.effective_ms.desc(), of_key.c.recorded_ms.desc(), of_key.c.sequence.desc())
        .limit(1)
        .scalar_subquery()
    )
    chosen = select(newest.label("version_id")).where(keys.c.series.is_not(None)).subquery("chosen")
    return select(table).join(chosen, table.c.version_id == chosen.c.version_id)


def _known(connection: Connection, rows: Sequence[Row]) -> set[str]:
    known: set[str] = set()
    column = parameter_versions.c.version_id
    ids = [row["version_id"] for row in rows]
    for start in range(0, len(ids), _NAMES_PER_QUERY):
        some = ids[start : start + _NAMES_PER_QUERY]
        known.update(connection.scalars(select(column).where(column.in_(some))))
    return known


def _series(row: Row) -> str:
    return f"{row['pair'] or ''} {row['side']} {row['leverage_bin'] or ''}"
