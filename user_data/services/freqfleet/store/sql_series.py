"""The statements of numbers over time; see `series.py` for what is promised."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from freqfleet.store.promise import WriteReceipt
from freqfleet.store.rows import Row, next_ms
from freqfleet.store.schema import series
from freqfleet.store.series import Reading, reading


def record(
    connection: Connection, insert: Any, rows: Sequence[Row], rejected: tuple[str, ...]
) -> WriteReceipt:
    """Store the rows of one name and time. insert : of the dialect in use, into `schema.series`."""
    if not rows:
        return WriteReceipt(rejected=rejected)
    columns = series.c
    stored = select(columns.series_key, columns.value).where(
        columns.name == rows[0]["name"], columns.at_ms == rows[0]["at_ms"]
    )
    known: dict[str, float] = {row.series_key: row.value for row in connection.execute(stored)}
    changed = [row for row in rows if known.get(row["series_key"]) != row["value"]]
    if changed:
        upsert = insert.on_conflict_do_update(
            index_elements=list(series.primary_key.columns), set_={"value": insert.excluded.value}
        )
        connection.execute(upsert, changed)
    amended = sum(row["series_key"] in known for row in changed)
    return WriteReceipt(
        accepted=len(changed) - amended,
        amended=amended,
        duplicate=len(rows) - len(changed),
        rejected=rejected,
    )


def read(connection: Connection, name: str, since: datetime | None, until: datetime | None) -> list[Reading]:
    """Return the numbers with since <= at < until, by time and key."""
    query = select(series).where(series.c.name == name)
    if since is not None:
        query = query.where(series.c.at_ms >= next_ms(since))
    if until is not None:
        query = query.where(series.c.at_ms < next_ms(until))
    found = [reading(row) for row in connection.execute(query)]
    return sorted(found, key=lambda one: (one.at, one.key))  # databases differ in how they order text
