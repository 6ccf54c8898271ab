"""RecordBook: what was known of every leverage bin at a time; the sibling of ParameterBook.

A record counts from its `recorded_at` on. A bin whose record has too few trades is spoken for by its
parent: (pair, bin) -> (pair, every leverage) -> (every pair, bin) -> (every pair, every leverage).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime

from freqfleet.clock import to_ms
from freqfleet.domain.bin_record import BinRecord
from freqfleet.domain.leverage_bins import LEVERAGE_BINS, LeverageBin
from freqfleet.domain.leverage_choice import LeverageEvidence
from freqfleet.domain.sides import Side

_Key = tuple[str | None, Side, LeverageBin | None]


class RecordBook:
    """Every record a reader may use. Immutable after construction; share it freely."""

    def __init__(self, records: Iterable[BinRecord] = ()) -> None:
        series: dict[_Key, list[BinRecord]] = {}
        for one in records:
            series.setdefault((one.pair, one.side, one.leverage_bin), []).append(one)
        for listed in series.values():
            listed.sort(key=lambda one: to_ms(one.recorded_at))
        self._series = series
        self._times = {key: [to_ms(one.recorded_at) for one in listed] for key, listed in series.items()}

    @property
    def record_count(self) -> int:
        """How many records there are, all times together."""
        return sum(len(listed) for listed in self._series.values())

    @property
    def records(self) -> tuple[BinRecord, ...]:
        """Every record, level by level, each by recording."""
        return tuple(one for listed in self._series.values() for one in listed)

    def record(
        self, pair: str | None, side: Side, step: LeverageBin | None, at: datetime
    ) -> BinRecord | None:
        """Return the newest record of exactly this level known at `at`, or None."""
        key = (pair, side, step)
        index = bisect_right(self._times.get(key, ()), to_ms(at))
        return self._series[key][index - 1] if index else None

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
