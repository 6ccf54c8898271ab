"""The statements of bin records; see `promise.py` for what is promised."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from freqfleet.store.bin_records import one_row_a_place
from freqfleet.store.promise import WriteReceipt
from freqfleet.store.rows import Row, whole_ms
from freqfleet.store.schema import bin_records


def record(connection: Connection, insert: Any, rows: Sequence[Row]) -> WriteReceipt:
    """Store rows. insert : of the dialect in use, into `schema.bin_records`."""
    if not rows:
        return WriteReceipt()
    columns = bin_records.c
    since_ms = min(row["recorded_ms"] for row in rows)
    stored = select(columns.series, columns.recorded_ms, columns.record).where(
        columns.recorded_ms >= since_ms, columns.recorded_ms <= max(row["recorded_ms"] for row in rows)
    )
    known = {(row.series, row.recorded_ms): row.record for row in connection.execute(stored)}
    changed = {
        place: row for place, row in one_row_a_place(rows).items() if known.get(place) != row["record"]
    }
    if changed:
        upsert = insert.on_conflict_do_update(
            index_elements=list(bin_records.primary_key.columns), set_={"record": insert.excluded.record}
        )
        connection.execute(upsert, list(changed.values()))
    amended = len(changed.keys() & known.keys())
    return WriteReceipt(accepted=len(changed) - amended, amended=amended, duplicate=len(rows) - len(changed))


def query(recorded_to: datetime | None, newest_only: bool) -> Select[Any]:
    """Return the query for the records up to and including a time; of every level all, or the last one."""
    columns = bin_records.c
    asked = select(bin_records)
    if newest_only:
        last = select(columns.series, func.max(columns.recorded_ms).label("last_ms"))
        if recorded_to is not None:
            last = last.where(columns.recorded_ms <= whole_ms(recorded_to))
        found = last.group_by(columns.series).subquery()
        return asked.join(
            found, (columns.series == found.c.series) & (columns.recorded_ms == found.c.last_ms)
        )
    return asked if recorded_to is None else asked.where(columns.recorded_ms <= whole_ms(recorded_to))


def unread() -> Select[tuple[str, int, str]]:
    """Return the query for the level, time and text of every record."""
    return select(bin_records.c.series, bin_records.c.recorded_ms, bin_records.c.record)
