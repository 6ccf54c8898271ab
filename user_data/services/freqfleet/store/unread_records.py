"""Bin records that stay rows until somebody asks for them: what a backtest reads of a long history.

A backtest asks about the past, so it needs every record there is, and looks at few of them: those of its
pairs, at its times. Making values of all of them was most of what its book cost.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from operator import itemgetter
from types import SimpleNamespace

from freqfleet.clock import to_ms
from freqfleet.domain.bin_record import BinRecord
from freqfleet.errors import InputError
from freqfleet.parameters.records import Level, RecordBook, RecordSeries
from freqfleet.store.bin_records import bin_record, parse_series, record_label
from freqfleet.store.rows import StoredRow
from freqfleet.store.unusable import UnusableRows

_RECORDED_MS = itemgetter(0)


def unread_book(rows: Iterable[tuple[str, int, str]], unusable: UnusableRows) -> RecordBook:
    """Return the book of rows (series, recorded_ms, record), in any order.

    A row that no record can be made of goes to `unusable` when it is met: at once where its level is none,
    when it is looked up where its text is none. The book then answers with the record before it.
    """
    by_series: dict[str, list[tuple[int, str]]] = {}
    for series, recorded_ms, record in rows:
        by_series.setdefault(series, []).append((recorded_ms, record))
    levels: dict[Level, RecordSeries] = {}
    for series, listed in by_series.items():
        unread = _UnreadSeries(series, listed, unusable)
        try:
            levels[parse_series(series)] = unread
        except InputError:
            unread.every()  # nobody can ask for this level: it is told here
    return RecordBook.of_series(levels)


class _UnreadSeries:
    """The rows of one level. Two threads that read the same row make the same of it."""

    __slots__ = ("_read", "_rows", "_series", "_unusable")

    def __init__(self, series: str, rows: list[tuple[int, str]], unusable: UnusableRows) -> None:
        rows.sort(key=_RECORDED_MS)
        self._series = series
        self._rows = rows
        self._unusable = unusable
        self._read: dict[int, BinRecord | None] = {}

    def newest(self, at_ms: int) -> BinRecord | None:
        # A row's time is cut to the millisecond, so its record may be of just after `at_ms`.
        for index in range(bisect_right(self._rows, at_ms, key=_RECORDED_MS) - 1, -1, -1):
            record = self._record(index)
            if record is not None and to_ms(record.recorded_at) <= at_ms:
                return record
        return None

    def every(self) -> list[BinRecord]:
        found = [self._record(index) for index in range(len(self._rows))]
        return [one for one in found if one is not None]

    def _record(self, index: int) -> BinRecord | None:
        try:
            return self._read[index]
        except KeyError:
            recorded_ms, record = self._rows[index]
            row: StoredRow = SimpleNamespace(series=self._series, recorded_ms=recorded_ms, record=record)
            found = next(self._unusable.usable([row], bin_record, record_label), None)
            self._read[index] = found
            return found
