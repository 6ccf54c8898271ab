"""MemoryStore: a learning store in a dict, for tests. It passes the same contract as the real ones."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace

from freqfleet.clock import from_ms
from freqfleet.domain.bin_record import BinRecord
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.pairs import checked_pair
from freqfleet.domain.sides import Side
from freqfleet.errors import ParameterError, StoreUnavailable, TradeSourceError
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.parameters import history
from freqfleet.parameters.records import RecordBook
from freqfleet.parameters.version import ParameterVersion
from freqfleet.store.bin_records import RecordPlace, bin_record, record_row
from freqfleet.store.digests import DayDigest, digest_days, digest_row
from freqfleet.store.promise import StoreHealth, WriteReceipt
from freqfleet.store.rows import (
    Row,
    TradeIdentity,
    closed_trade,
    next_ms,
    parameter_version,
    trade_row,
    version_row,
    whole_ms,
)
from freqfleet.store.series import Reading, reading, series_rows


class MemoryStore:
    """A LearningStore that forgets when it is dropped.

    unavailable : set it to True and every call raises StoreUnavailable, as a store that is down does.
    """

    def __init__(self) -> None:
        self.unavailable = False
        self._lock = threading.Lock()
        self._trades: dict[TradeIdentity, Row] = {}
        self._versions: dict[str, Row] = {}
        self._series: dict[tuple[str, str, int], Row] = {}
        self._bins: dict[RecordPlace, Row] = {}

    @property
    def unusable_rows(self) -> dict[str, str]:
        """Nothing: nobody can edit the rows of this store."""
        return {}

    def record_closed_trades(self, trades: Sequence[ClosedTrade]) -> WriteReceipt:
        """Keep trades, exactly once per (bot, instance, trade_id)."""
        self._answer()
        accepted = amended = duplicate = 0
        rejected: list[str] = []
        with self._lock:
            for trade in trades:
                try:
                    row = trade_row(trade)
                except TradeSourceError as error:
                    rejected.append(str(error))
                    continue
                identity = (row["bot"], row["instance"], row["trade_id"])
                before = self._trades.get(identity)
                if before is None:
                    accepted += 1
                elif before["content_hash"] == row["content_hash"]:
                    duplicate += 1
                else:
                    amended += 1
                self._trades[identity] = row
        return WriteReceipt(accepted=accepted, amended=amended, duplicate=duplicate, rejected=tuple(rejected))

    def closed_trades(
        self,
        *,
        closed_from: datetime | None = None,
        closed_to: datetime | None = None,
        bots: Sequence[str] | None = None,
        pairs: Sequence[str] | None = None,
    ) -> list[ClosedTrade]:
        """Return trades with closed_from <= closed_at < closed_to, sorted by close, bot, instance, id."""
        found = [
            closed_trade(SimpleNamespace(**row))
            for row in self._rows(closed_from, closed_to)
            if (bots is None or row["bot"] in bots) and (pairs is None or row["pair"] in pairs)
        ]
        return sorted(found, key=lambda one: (one.closed_at, one.bot, one.instance, one.trade_id))

    def trade_columns(
        self,
        *,
        closed_from: datetime | None = None,
        closed_to: datetime | None = None,
        bots: Sequence[str] | None = None,
        pairs: Sequence[str] | None = None,
    ) -> TradeColumns:
        """Return the trades of the same window, in the same order, as columns."""
        return TradeColumns.of(
            self.closed_trades(closed_from=closed_from, closed_to=closed_to, bots=bots, pairs=pairs)
        )

    def last_recorded_close(self, bot: str) -> datetime | None:
        """Return the newest close time of a bot, or None where it has no trade."""
        self._answer()
        with self._lock:
            closes = [row["closed_ms"] for row in self._trades.values() if row["bot"] == bot]
        return from_ms(max(closes)) if closes else None

    def day_digests(
        self, bot: str, *, closed_from: datetime | None = None, closed_to: datetime | None = None
    ) -> list[DayDigest]:
        """Return one digest per instance and UTC day of a bot's trades, sorted by both."""
        rows = self._rows(closed_from, closed_to)
        return digest_days(digest_row(row) for row in rows if row["bot"] == bot)

    def publish_parameters(self, versions: Sequence[ParameterVersion]) -> WriteReceipt:
        """Append versions; nothing published is ever changed."""
        self._answer()
        accepted = duplicate = 0
        rejected: list[str] = []
        with self._lock:
            for version in versions:
                try:
                    row = version_row(version)
                except ParameterError as error:
                    rejected.append(str(error))
                    continue
                if row["version_id"] in self._versions:
                    duplicate += 1
                else:
                    accepted += 1
                    self._versions[row["version_id"]] = row
        return WriteReceipt(accepted=accepted, duplicate=duplicate, rejected=tuple(rejected))

    def parameter_versions(self, *, recorded_to: datetime | None = None) -> list[ParameterVersion]:
        """Return every version recorded up to and including `recorded_to`, oldest recording first."""
        self._answer()
        last_ms = None if recorded_to is None else whole_ms(recorded_to)
        with self._lock:
            rows = sorted(self._versions.values(), key=lambda row: row["recorded_ms"])  # stable
        return [
            parameter_version(SimpleNamespace(**row))
            for row in rows
            if last_ms is None or row["recorded_ms"] <= last_ms
        ]

    def parameters_in_force(self, at: datetime) -> list[ParameterVersion]:
        """Return for each key the champion or retirement that took effect last by `at`."""
        return history.in_force(self.parameter_versions(recorded_to=at), at)

    def parameter_history(self, pair: str, side: Side | None = None) -> list[ParameterVersion]:
        """Return the versions of one pair, oldest recording first."""
        checked_pair(pair)
        return history.of_pair(self.parameter_versions(), pair, side)

    def record_bins(self, records: Sequence[BinRecord]) -> WriteReceipt:
        """Keep what is known of leverage bins."""
        self._answer()
        accepted = amended = duplicate = 0
        with self._lock:
            for row in map(record_row, records):
                place = (row["series"], row["recorded_ms"])
                before = self._bins.get(place)
                accepted += before is None
                duplicate += before == row
                amended += before is not None and before != row
                self._bins[place] = row
        return WriteReceipt(accepted=accepted, amended=amended, duplicate=duplicate)

    def bin_records(
        self, *, recorded_to: datetime | None = None, newest_only: bool = False
    ) -> list[BinRecord]:
        """Return every record up to and including `recorded_to`, by recording, then level."""
        self._answer()
        last_ms = None if recorded_to is None else whole_ms(recorded_to)
        with self._lock:
            rows = list(self._bins.values())
        found = [
            bin_record(SimpleNamespace(**row))
            for row in rows
            if last_ms is None or row["recorded_ms"] <= last_ms
        ]
        found.sort(key=lambda one: (one.recorded_at, one.label))
        if newest_only:
            found = list({one.label: one for one in found}.values())
        return sorted(found, key=lambda one: (one.recorded_at, one.label))

    def record_book(self) -> RecordBook:
        """Return a book of every record."""
        return RecordBook(self.bin_records())

    def record_series(self, name: str, at: datetime, values: Mapping[str, float]) -> WriteReceipt:
        """Keep one number a key for the time `at`; see `store.series.SeriesKeeper`."""
        self._answer()
        rows, rejected = series_rows(name, at, values)
        accepted = amended = duplicate = 0
        with self._lock:
            for row in rows:
                place = (row["name"], row["series_key"], row["at_ms"])
                before = self._series.get(place)
                if before is None:
                    accepted += 1
                elif before == row:
                    duplicate += 1
                else:
                    amended += 1
                self._series[place] = row
        return WriteReceipt(accepted=accepted, amended=amended, duplicate=duplicate, rejected=rejected)

    def series(
        self, name: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[Reading]:
        """Return the numbers with since <= at < until, by time and key."""
        self._answer()
        first_ms, end_ms = (None if bound is None else next_ms(bound) for bound in (since, until))
        with self._lock:
            rows = [row for row in self._series.values() if row["name"] == name]
        found = [
            reading(SimpleNamespace(**row))
            for row in rows
            if (first_ms is None or row["at_ms"] >= first_ms) and (end_ms is None or row["at_ms"] < end_ms)
        ]
        return sorted(found, key=lambda one: (one.at, one.key))

    def health(self) -> StoreHealth:
        """Count; raises StoreUnavailable while `unavailable` is set."""
        self._answer()
        with self._lock:
            closes = [row["closed_ms"] for row in self._trades.values()]
            recordings = [row["recorded_ms"] for row in self._versions.values()]
        return StoreHealth(
            description="learning store in memory",
            schema=0,
            trades=len(closes),
            versions=len(recordings),
            latency_ms=0.0,
            last_trade_closed_at=from_ms(max(closes)) if closes else None,
            last_version_recorded_at=from_ms(max(recordings)) if recordings else None,
        )

    def close(self) -> None:
        """Make every later call raise StoreUnavailable."""
        self.unavailable = True

    def _rows(self, closed_from: datetime | None, closed_to: datetime | None) -> list[Row]:
        self._answer()
        first_ms, end_ms = (None if bound is None else next_ms(bound) for bound in (closed_from, closed_to))
        with self._lock:
            rows = list(self._trades.values())
        return [
            row
            for row in rows
            if (first_ms is None or row["closed_ms"] >= first_ms)
            and (end_ms is None or row["closed_ms"] < end_ms)
        ]

    def _answer(self) -> None:
        if self.unavailable:
            raise StoreUnavailable("learning store in memory was closed or is down")
