"""Bin records to rows and back: what `LearningStore.record_bins` stores.

The identity of a record is its level (pair, side, bin) and the millisecond it was recorded in; its content is
one JSON text, so that a field it gains later needs no migration.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from freqfleet.domain.bin_record import BinRecord
from freqfleet.domain.leverage_bins import parse_leverage_bin
from freqfleet.domain.pairs import checked_pair
from freqfleet.domain.sides import parse_side
from freqfleet.errors import InputError, ParameterError
from freqfleet.parameters.records import Level
from freqfleet.store.rows import Row, StoredRow, whole_ms

RecordPlace = tuple[str, int]


def record_place(record: BinRecord) -> RecordPlace:
    """Return what identifies a record: its level as one text, as that of versions, and its recording."""
    step = record.leverage_bin.label if record.leverage_bin is not None else ""
    return f"{record.pair or ''} {record.side.value} {step}", whole_ms(record.recorded_at)


def parse_series(series: str) -> Level:
    """Return the level that `record_place` wrote as this text; raises InputError for any other text."""
    parts = series.split(" ")
    if len(parts) != 3:
        raise InputError(f"not a level of bin records: {series!r}")
    pair, side, step = parts
    return (
        checked_pair(pair) if pair else None,
        parse_side(side),
        parse_leverage_bin(step) if step else None,
    )


def record_row(record: BinRecord) -> Row:
    """Return the row of a record."""
    series, recorded_ms = record_place(record)
    step = record.leverage_bin.label if record.leverage_bin is not None else None
    return {
        "series": series,
        "recorded_ms": recorded_ms,
        "pair": record.pair,
        "side": record.side.value,
        "leverage_bin": step,
        "record": json.dumps(record.to_dict(), sort_keys=True, allow_nan=False),
    }


def bin_record(row: StoredRow) -> BinRecord:
    """Return the record of a stored row; raises ParameterError or ValueError for one that is none.

    The columns must agree with the text: a row that was moved to another level by hand is not used.
    """
    record = BinRecord.from_dict(json.loads(row.record))
    place = record_place(record)
    if place != (row.series, row.recorded_ms):
        raise ParameterError(f"the record of {row.series!r} says it is of {place[0]!r}")
    return record


def record_label(row: StoredRow) -> str:
    """Return how messages name the record of a row."""
    return f"bin record {row.series!r}"


def one_row_a_place(rows: Sequence[Row]) -> dict[RecordPlace, Row]:
    """Return the last row of every level and millisecond."""
    return {(row["series"], row["recorded_ms"]): row for row in rows}
