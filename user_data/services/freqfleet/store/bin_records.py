"""Bin records to rows and back: what `LearningStore.record_bins` stores.

The identity of a record is its level (pair, side, bin) and the millisecond it was recorded in; its content is
one JSON text, so that a field it gains later needs no migration.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from freqfleet.domain.bin_record import BinRecord
from freqfleet.errors import ParameterError
from freqfleet.store.rows import Row, StoredRow, whole_ms

RecordPlace = tuple[str, int]


def record_row(record: BinRecord) -> Row:
    """Return the row of a record. series : its level as one text, as that of versions."""
    step = record.leverage_bin.label if record.leverage_bin is not None else None
    return {
        "series": f"{record.pair or ''} {record.side.value} {step or ''}",
        "recorded_ms": whole_ms(record.recorded_at),
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
    again = record_row(record)
    if (again["series"], again["recorded_ms"]) != (row.series, row.recorded_ms):
        raise ParameterError(f"the record of {row.series!r} says it is of {again['series']!r}")
    return record


def one_row_a_place(rows: Sequence[Row]) -> dict[RecordPlace, Row]:
    """Return the last row of every level and millisecond."""
    return {(row["series"], row["recorded_ms"]): row for row in rows}
