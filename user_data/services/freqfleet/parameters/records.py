"""RecordBook: what was known of every leverage bin at a time; the sibling of ParameterBook.

A record counts from its `recorded_at` on. A bin whose record has too few trades is spoken for by its
parent: (pair, bin) -> (pair, every leverage) -> (every pair, bin) -> (every pair, every leverage).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol, TypeAlias

from freqfleet.clock import to_ms
from freqfleet.domain.bin_record import BinRecord
from freqfleet.domain.leverage_bins import LEVERAGE_BINS, LeverageBin
from freqfleet.domain.leverage_choice import LeverageEvidence
from freqfleet.domain.sides import Side

Level: TypeAlias = tuple[str | None, Side, LeverageBin | None]  # None: every pair, every leverage


class RecordSeries(Protocol):
    """The records of one level over time, whether they were read already or are read when asked for."""

    def newest(self, at_ms: int) -> BinRecord | None:
        """Return the newest record known at `at_ms` (milliseconds since 1970), or None."""
        ...

    def every(self) -> list[BinRecord]:
        """Return all of them, by recording."""
        ...


class _ReadSeries:
    """Records that are there already."""

    __slots__ = ("_records", "_times_ms")

    def __init__(self, records: list[BinRecord]) -> None:
        self._records = sorted(records, key=lambda one: to_ms(one.recorded_at))
        self._times_ms = [to_ms(one.recorded_at) for one in self._records]

    def newest(self, at_ms: int) -> BinRecord | None:
        index = bisect_right(self._times_ms, at_ms)
        return self._records[index - 1] if index else None

    def every(self) -> list[BinRecord]:
        return self._records


class RecordBook:
    """Every record a reader may use. Its answers never change after construction; share it freely."""

    def __init__(self, records: Iterable[BinRecord] = ()) -> None:
        levels: dict[Level, list[BinRecord]] = {}
        for one in records:
            levels.setdefault((one.pair, one.side, one.leverage_bin), []).append(one)
        self._series: Mapping[Level, RecordSeries] = {
            level: _ReadSeries(listed) for level, listed in levels.items()
        }

    @classmethod
    def of_series(cls, series: Mapping[Level, RecordSeries]) -> RecordBook:
        """Return a book of levels that a store reads when they are asked for."""
        book = cls()
        book._series = series
        return book

    @property
    def records(self) -> tuple[BinRecord, ...]:
        """Every record, level by level, each by recording."""
        return tuple(one for series in self._series.values() for one in series.every())

    def record(
        self, pair: str | None, side: Side, step: LeverageBin | None, at: datetime
    ) -> BinRecord | None:
        """Return the newest record of exactly this level known at `at`, or None."""
        series = self._series.get((pair, side, step))
        return None if series is None else series.newest(to_ms(at))

    def evidence(self, pair: str, side: Side, at: datetime) -> LeverageEvidence:
        """Return who speaks for each bin of a pair and side at `at`; empty where nobody does."""
        if not self._series:
            return LeverageEvidence()
        found = [(step, self._speaker(pair, side, step, at)) for step in LEVERAGE_BINS]
        return LeverageEvidence(tuple((step, one) for step, one in found if one is not None))

    def _speaker(self, pair: str, side: Side, step: LeverageBin, at: datetime) -> BinRecord | None:
        for one_pair, one_step in ((pair, step), (pair, None), (None, step), (None, None)):
            record = self.record(one_pair, side, one_step, at)
            if record is not None and record.qualifies:
                return record
        return None
