"""Bin records as points of `adaptive_params`, beside the versions of leverage bins, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any

from freqfleet.domain.bin_record import BinRecord
from freqfleet.store import influx_names as names
from freqfleet.store.bin_records import record_row
from freqfleet.store.influx_lines import line
from freqfleet.store.influx_points import NS_PER_MS, require_known_schema
from freqfleet.store.rows import StoredRow

RECORD_SELECT = (*names.VERSION_TAGS, names.SCHEMA_FIELD, "stage", names.RECORD)


def record_line(record: BinRecord) -> str:
    """Return the point of a record, in the millisecond it was recorded in."""
    row = record_row(record)
    numbers = {field: getattr(record, name) for field, name in names.RECORD_NUMBERS.items()}
    fields: dict[str, float | str] = {
        field: float(value) for field, value in numbers.items() if value is not None
    }
    fields |= {names.RECORD: row["record"], "stage": names.RECORD_STAGE, names.SCHEMA_FIELD: names.SCHEMA}
    tags = {
        names.PAIR: row["pair"] or names.NONE,
        names.DIRECTION: row["side"],
        names.LEVERAGE_BIN: row["leverage_bin"] or names.NONE,
    }
    # A fraction of its own: a version of the same level may take effect in the same millisecond.
    fraction = int.from_bytes(hashlib.sha256(f"record {row['series']}".encode()).digest()[:8], "big")
    return line(names.ADAPTIVE, tags, fields, row["recorded_ms"] * NS_PER_MS + fraction % NS_PER_MS)


def record_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]], description: str) -> list[StoredRow]:
    """Return the rows of a query over records; raises StoreIncompatible as `version_rows` does."""
    at = {name: index for index, name in enumerate(columns)}
    found: list[StoredRow] = []
    for values in rows:
        if values[at[names.RECORD]] is None or values[at[names.SCHEMA_FIELD]] is None:
            continue  # a version, or another program's
        require_known_schema(values[at[names.SCHEMA_FIELD]], description)
        pair, step = values[at[names.PAIR]], values[at[names.LEVERAGE_BIN]]
        level = f"{'' if pair == names.NONE else pair} {values[at[names.DIRECTION]]} "
        found.append(
            SimpleNamespace(
                series=level + ("" if step == names.NONE else step),
                recorded_ms=values[at["time"]] // NS_PER_MS,
                record=values[at[names.RECORD]],
            )
        )
    return found
