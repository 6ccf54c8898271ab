"""InfluxStore: the learning store on InfluxDB 1, 2 or 3; see `promise.py` for what it promises.

Points are only ever added. Writing asks first what is there, so that a receipt can tell new from known, and
so that no point is overwritten with other content: InfluxDB 3 does not say which of the two it would keep.
A call is no transaction here; one that failed half-way is made again and finds its first half stored.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import SecretStr

from freqfleet.clock import from_ms
from freqfleet.domain.bin_record import BinRecord
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.pairs import checked_pair
from freqfleet.domain.sides import Side
from freqfleet.errors import ParameterError, StoreUnavailable, TradeSourceError
from freqfleet.parameters.records import RecordBook
from freqfleet.parameters.version import ParameterVersion
from freqfleet.store import influx_names as names
from freqfleet.store import influx_points as points
from freqfleet.store import influx_series
from freqfleet.store.bin_records import bin_record, record_label
from freqfleet.store.digests import DayDigest, digest_days
from freqfleet.store.influx_batch import Batch
from freqfleet.store.influx_changes import record_batch, series_batch, trade_batch, version_batch
from freqfleet.store.influx_reader import InfluxReader, one_of
from freqfleet.store.influx_server import InfluxServer
from freqfleet.store.influx_trades import InfluxTrades
from freqfleet.store.influx_url import parse_influx_url
from freqfleet.store.influx_versions import InfluxVersions, storable_row
from freqfleet.store.influx_writer import Write, v2_writer
from freqfleet.store.promise import Capabilities, StoreHealth, WriteReceipt
from freqfleet.store.rows import (
    Row,
    StoredRow,
    accepted_rows,
    closed_trade,
    next_ms,
    parameter_version,
    trade_label,
    version_label,
    whole_ms,
)
from freqfleet.store.series import Reading, series_rows
from freqfleet.store.unread_records import unread_book
from freqfleet.store.unusable import UnusableRows

if TYPE_CHECKING:  # NumPy, which only who learns pays for
    from freqfleet.market.trade_columns import TradeColumns


class InfluxStore:
    """A LearningStore on InfluxDB.

    url : `influxdb://host:8086?write=v1|v2&org=…&prefix=…`, `influxdbs://` for TLS; never with a secret.
    secret : a token, or the password of the URL's user; None where the server asks for none.
    trade_buckets : bot -> bucket, [bots.NAME] trades. A trade of another bot is rejected.
    timeout_seconds : of one request as a whole. A call makes one request per bucket and page.

    Nothing is asked of the server until the first call. Raises SettingsError for a wrong URL.
    """

    def __init__(
        self,
        url: str,
        *,
        trade_buckets: Mapping[str, str],
        secret: SecretStr | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        target = parse_influx_url(url)
        self.description = target.description
        self._prefix = target.prefix
        self._server = InfluxServer(target, secret, timeout_seconds)
        self._reader = InfluxReader(self._server)
        self._trades = InfluxTrades(
            self._reader, {bot: target.prefix + bucket for bot, bucket in trade_buckets.items()}
        )
        self._versions = InfluxVersions(self._reader, target.prefix)
        self._write: Write = self._server.write
        if target.write == "v2":
            self._write = v2_writer(self._server, secret, timeout_seconds)
        self._writing = threading.Lock()  # of two threads with the same trade, one finds it stored
        self._bins_bucket = target.prefix + names.ADAPTIVE_BUCKET
        self._series_bucket = target.prefix + names.OPTIMIZED_BUCKET
        self._closed = False
        self._unusable = UnusableRows(self.description)

    @property
    def unusable_rows(self) -> dict[str, str]:
        """Points this instance met that lie outside the domain, with the reason. Never returned."""
        return self._unusable.reasons

    # -- closed trades ---------------------------------------------------------------------------------

    def record_closed_trades(self, trades: Sequence[ClosedTrade]) -> WriteReceipt:
        """Store closed trades, exactly once per (bot, instance, trade_id)."""
        self._require_open()
        rows, rejected = accepted_rows(trades, self._trades.row, TradeSourceError)
        by_bot: dict[str, list[Row]] = {}
        for row in rows:
            by_bot.setdefault(row["bot"], []).append(row)
        total = WriteReceipt(rejected=rejected)
        with self._writing:
            for bot, listed in by_bot.items():
                batch = trade_batch(listed, self._trades.around(bot, listed))
                total = _sum(total, self._sent(batch, self._trades.bucket(bot)))
        return total

    def closed_trades(
        self,
        *,
        closed_from: datetime | None = None,
        closed_to: datetime | None = None,
        bots: Sequence[str] | None = None,
        pairs: Sequence[str] | None = None,
    ) -> list[ClosedTrade]:
        """Return trades with closed_from <= closed_at < closed_to, sorted by close, bot, instance, id."""
        self._require_open()
        alive = self._trades.alive(points.TRADE_SELECT, closed_from, closed_to, bots, pairs)
        trades = self._unusable.usable((one.row for one in alive), closed_trade, trade_label)
        return sorted(trades, key=lambda one: (one.closed_at, one.bot, one.instance, one.trade_id))

    def trade_columns(
        self,
        *,
        closed_from: datetime | None = None,
        closed_to: datetime | None = None,
        bots: Sequence[str] | None = None,
        pairs: Sequence[str] | None = None,
    ) -> TradeColumns:
        """Return the trades of the same window, in the same order, as columns."""
        from freqfleet.market.trade_columns import TradeColumns  # noqa: PLC0415 - NumPy

        return TradeColumns.of(
            self.closed_trades(closed_from=closed_from, closed_to=closed_to, bots=bots, pairs=pairs)
        )

    def last_recorded_close(self, bot: str) -> datetime | None:
        """Return the newest close time of a bot, or None where it has no trade."""
        self._require_open()
        return _moment(self._trades.last_close_ms(bot))

    def day_digests(
        self, bot: str, *, closed_from: datetime | None = None, closed_to: datetime | None = None
    ) -> list[DayDigest]:
        """Return one digest per instance and UTC day of a bot's trades, sorted by both."""
        self._require_open()
        columns = (*points.KNOWN_SELECT, "profit_quote")
        alive = self._trades.alive(columns, closed_from, closed_to, [bot])
        return digest_days(
            (row.instance, row.trade_id, row.closed_ms, row.profit_quote, row.content_hash)
            for row in (one.row for one in alive)
        )

    # -- parameters ------------------------------------------------------------------------------------

    def publish_parameters(self, versions: Sequence[ParameterVersion]) -> WriteReceipt:
        """Append versions; nothing published is ever changed."""
        self._require_open()
        rows, rejected = accepted_rows(versions, storable_row, ParameterError)
        by_bucket: dict[str, list[Row]] = {}
        for row in rows:
            by_bucket.setdefault(self._versions.bucket(row), []).append(row)
        total = WriteReceipt(rejected=rejected)
        with self._writing:
            for bucket, listed in by_bucket.items():
                batch = version_batch(listed, self._versions.around(bucket, listed))
                total = _sum(total, self._sent(batch, bucket))
        return total

    def parameter_versions(self, *, recorded_to: datetime | None = None) -> list[ParameterVersion]:
        """Return every version recorded up to and including `recorded_to`, oldest recording first."""
        self._require_open()
        upto = [] if recorded_to is None else [f'"recorded_ms" <= {whole_ms(recorded_to)}']
        return self._parameter_versions(self._versions.that_keep(upto))

    def parameter_history(self, pair: str, side: Side | None = None) -> list[ParameterVersion]:
        """Return the versions of one pair, oldest recording first."""
        self._require_open()
        conditions = one_of(names.PAIR, [checked_pair(pair)])
        if side is not None:
            conditions += one_of(names.DIRECTION, [side.value])
        return self._parameter_versions(self._versions.that_keep(conditions))

    def parameters_in_force(self, at: datetime) -> list[ParameterVersion]:
        """Return what each key had in force at `at`, from one query a bucket."""
        self._require_open()
        return self._parameter_versions(self._versions.in_force(whole_ms(at)))

    # -- leverage bins ---------------------------------------------------------------------------------

    def record_bins(self, records: Sequence[BinRecord]) -> WriteReceipt:
        """Store what is known of leverage bins."""
        self._require_open()
        if not records:
            return WriteReceipt()
        since_ns = min(whole_ms(one.recorded_at) for one in records) * points.NS_PER_MS
        with self._writing:
            batch = record_batch(records, self._reader.records(self._bins_bucket, [], since_ns))
            return self._sent(batch, self._bins_bucket)

    def bin_records(
        self, *, recorded_to: datetime | None = None, newest_only: bool = False
    ) -> list[BinRecord]:
        """Return every record up to and including `recorded_to`, by recording, then level."""
        self._require_open()
        upto = [] if recorded_to is None else [f"time < {(whole_ms(recorded_to) + 1) * points.NS_PER_MS}"]
        ask = self._reader.newest_records if newest_only else self._reader.records
        found = self._unusable.usable(ask(self._bins_bucket, upto), bin_record, record_label)
        return sorted(found, key=lambda one: (one.recorded_at, one.label))

    def record_book(self) -> RecordBook:
        """Return a book of every record, each read when it is asked for."""
        self._require_open()
        rows = self._reader.records(self._bins_bucket, [])
        return unread_book(((one.series, one.recorded_ms, one.record) for one in rows), self._unusable)

    # -- numbers over time -----------------------------------------------------------------------------

    def record_series(self, name: str, at: datetime, values: Mapping[str, float]) -> WriteReceipt:
        """Store one number a key for the time `at`; see `series.SeriesKeeper`."""
        self._require_open()
        rows, rejected = series_rows(name, at, values)
        flaws = [influx_series.series_flaw(row) for row in rows]
        fitting = [row for row, flaw in zip(rows, flaws, strict=True) if flaw is None]
        total = WriteReceipt(rejected=(*rejected, *(flaw for flaw in flaws if flaw is not None)))
        if not fitting:
            return total
        with self._writing:
            at_ns = fitting[0]["at_ms"] * points.NS_PER_MS
            stored = self._reader.series(self._series_bucket, name, at_ns, at_ns + points.NS_PER_MS)
            return _sum(total, self._sent(series_batch(fitting, stored), self._series_bucket))

    def series(
        self, name: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[Reading]:
        """Return the numbers with since <= at < until, by time and key."""
        self._require_open()
        since_ns = None if since is None else next_ms(since) * points.NS_PER_MS
        until_ns = None if until is None else next_ms(until) * points.NS_PER_MS
        found = self._reader.series(self._series_bucket, name, since_ns, until_ns)
        return influx_series.readings(name, found)

    # -- the store as a whole --------------------------------------------------------------------------

    def health(self) -> StoreHealth:
        """Count, time and probe; raises StoreUnavailable where the store does not answer."""
        self._require_open()
        started = time.perf_counter()
        identity = self._server.identity()
        latency_ms = (time.perf_counter() - started) * 1000.0
        trades, last_close_ms = self._trades.totals()
        versions, last_recorded_ms = self._versions.totals()
        return StoreHealth(
            description=self.description,
            schema=names.SCHEMA,
            trades=trades,
            versions=versions,
            latency_ms=latency_ms,
            last_trade_closed_at=_moment(last_close_ms),
            last_version_recorded_at=_moment(last_recorded_ms),
            capabilities=Capabilities(
                server=identity.product,
                query_window=self._reader.query_window(self._prefix) if identity.core else None,
                deterministic_overwrite=identity.generation < 3,
                transactional=False,
                clock_offset_seconds=identity.clock_offset_seconds,
            ),
        )

    def close(self) -> None:
        """Give back connections; every later call raises StoreUnavailable."""
        self._closed = True
        self._server.close()

    # -- how -------------------------------------------------------------------------------------------

    def _sent(self, batch: Batch, bucket: str) -> WriteReceipt:
        return batch.send(self._write, bucket, self.description)

    def _parameter_versions(self, rows: Iterable[StoredRow]) -> list[ParameterVersion]:
        return list(self._unusable.usable(rows, parameter_version, version_label))

    def _require_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(f"{self.description} was closed; open it again")


def _sum(one: WriteReceipt, other: WriteReceipt) -> WriteReceipt:
    return WriteReceipt(
        accepted=one.accepted + other.accepted,
        amended=one.amended + other.amended,
        duplicate=one.duplicate + other.duplicate,
        rejected=one.rejected + other.rejected,
    )


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_ms(milliseconds)
