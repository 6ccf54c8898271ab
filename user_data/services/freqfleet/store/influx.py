"""InfluxStore: the learning store on InfluxDB 1, 2 or 3; see `promise.py` for what it promises.

Points are only ever added. Writing asks first what is there, so that a receipt can tell new from known, and
so that no point is overwritten with other content: InfluxDB 3 does not say which of the two it would keep.
A call is no transaction here; one that failed half-way is made again and finds its first half stored.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from pydantic import SecretStr

from freqfleet.clock import from_ms
from freqfleet.domain.bin_record import BinRecord
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.pairs import checked_pair
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, ParameterError, StoreUnavailable, TradeSourceError
from freqfleet.parameters.version import ParameterVersion
from freqfleet.store import influx_names as names
from freqfleet.store import influx_points as points
from freqfleet.store import influx_series
from freqfleet.store.bin_records import bin_record, one_row_a_place, record_row
from freqfleet.store.digests import DayDigest, digest_days
from freqfleet.store.influx_reader import InfluxReader, chunks, one_of
from freqfleet.store.influx_records import record_line
from freqfleet.store.influx_server import InfluxServer
from freqfleet.store.influx_url import parse_influx_url
from freqfleet.store.influx_writer import Write, v2_writer, write_all
from freqfleet.store.promise import Capabilities, StoreHealth, WriteReceipt
from freqfleet.store.rows import (
    Row,
    StoredRow,
    accepted_rows,
    closed_trade,
    next_ms,
    parameter_version,
    trade_row,
    version_row,
    whole_ms,
)
from freqfleet.store.series import Reading, series_rows

if TYPE_CHECKING:  # NumPy, which only who learns pays for
    from freqfleet.market.trade_columns import TradeColumns

logger = logging.getLogger(__name__)

PAIRS_PER_QUERY = 50  # a query travels in the request's first line

T = TypeVar("T")


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
        self._buckets = {bot: target.prefix + bucket for bot, bucket in trade_buckets.items()}
        self._server = InfluxServer(target, secret, timeout_seconds)
        self._reader = InfluxReader(self._server)
        self._write: Write = self._server.write
        if target.write == "v2":
            self._write = v2_writer(self._server, secret, timeout_seconds)
        self._writing = threading.Lock()  # of two threads with the same trade, one finds it stored
        self._closed = False
        self._unusable: dict[str, str] = {}

    @property
    def unusable_rows(self) -> dict[str, str]:
        """Points this instance met that lie outside the domain, with the reason. Never returned."""
        return dict(self._unusable)

    # -- closed trades ---------------------------------------------------------------------------------

    def record_closed_trades(self, trades: Sequence[ClosedTrade]) -> WriteReceipt:
        """Store closed trades, exactly once per (bot, instance, trade_id)."""
        self._require_open()
        rows, rejected = accepted_rows(trades, self._trade_row, TradeSourceError)
        by_bot: dict[str, list[Row]] = {}
        for row in rows:
            by_bot.setdefault(row["bot"], []).append(row)
        total = WriteReceipt(rejected=rejected)
        with self._writing:
            for bot, listed in by_bot.items():
                total = _sum(total, self._record(bot, listed))
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
        alive = self._alive(points.TRADE_SELECT, closed_from, closed_to, bots, pairs)
        trades = self._values((one.row for one in alive), closed_trade, _trade_label)
        trades.sort(key=lambda one: (one.closed_at, one.bot, one.instance, one.trade_id))
        return trades

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
        if bot not in self._buckets:
            return None
        last = self._reader.newest_trades(self._buckets[bot], one_of(names.BOT, [bot]))
        alive = [one for one in points.newest(last).values() if not one.superseded]
        if last and not alive:  # every one of the newest has moved: look at all
            alive = self._alive(points.KNOWN_SELECT, None, None, [bot], None)
        return _newest(one.closed_ms for one in alive)

    def day_digests(
        self, bot: str, *, closed_from: datetime | None = None, closed_to: datetime | None = None
    ) -> list[DayDigest]:
        """Return one digest per instance and UTC day of a bot's trades, sorted by both."""
        self._require_open()
        columns = (*points.KNOWN_SELECT, "profit_quote")
        return digest_days(
            (row.instance, row.trade_id, row.closed_ms, row.profit_quote, row.content_hash)
            for row in (one.row for one in self._alive(columns, closed_from, closed_to, [bot], None))
        )

    # -- parameters ------------------------------------------------------------------------------------

    def publish_parameters(self, versions: Sequence[ParameterVersion]) -> WriteReceipt:
        """Append versions; nothing published is ever changed."""
        self._require_open()
        rows, rejected = accepted_rows(versions, _version_row, ParameterError)
        by_bucket: dict[str, list[Row]] = {}
        for row in rows:
            by_bucket.setdefault(points.version_bucket(row), []).append(row)
        total = WriteReceipt(rejected=rejected)
        with self._writing:
            for bucket, listed in by_bucket.items():
                total = _sum(total, self._publish(bucket, listed))
        return total

    def parameter_versions(self, *, recorded_to: datetime | None = None) -> list[ParameterVersion]:
        """Return every version recorded up to and including `recorded_to`, oldest recording first."""
        self._require_open()
        upto = [] if recorded_to is None else [f'"recorded_ms" <= {whole_ms(recorded_to)}']
        return self._sorted_versions(self._all_versions(upto))

    def parameter_history(self, pair: str, side: Side | None = None) -> list[ParameterVersion]:
        """Return the versions of one pair, oldest recording first."""
        self._require_open()
        conditions = one_of(names.PAIR, [checked_pair(pair)])
        if side is not None:
            conditions += one_of(names.DIRECTION, [side.value])
        return self._sorted_versions(self._all_versions(conditions))

    def parameters_in_force(self, at: datetime) -> list[ParameterVersion]:
        """Return what each key had in force at `at`, from one query a bucket."""
        self._require_open()
        at_ms = whole_ms(at)
        rows: list[StoredRow] = []
        for bucket, measurement in names.PARAMETER_MEASUREMENTS.items():
            rows += self._reader.versions_in_force(self._prefix + bucket, measurement, at_ms)
        return self._sorted_versions(rows)

    # -- leverage bins ---------------------------------------------------------------------------------

    def record_bins(self, records: Sequence[BinRecord]) -> WriteReceipt:
        """Store what is known of leverage bins."""
        self._require_open()
        if not records:
            return WriteReceipt()
        bucket = self._prefix + names.ADAPTIVE_BUCKET
        rows = one_row_a_place([{**record_row(one), "value": one} for one in records])
        since_ns = min(row["recorded_ms"] for row in rows.values()) * points.NS_PER_MS
        with self._writing:
            known = {
                (one.series, one.recorded_ms): one.record
                for one in self._reader.records(bucket, [], since_ns)
            }
            changed = {place: row for place, row in rows.items() if known.get(place) != row["record"]}
            batch = [
                _Line(
                    record_line(row["value"]),
                    f"bin record {row['value'].label}",
                    "amended" if place in known else "accepted",
                )
                for place, row in changed.items()
            ]
            amended = len(changed.keys() & known.keys())
            counts = {
                "accepted": len(changed) - amended,
                "amended": amended,
                "duplicate": len(records) - len(changed),
            }
            return self._written(bucket, batch, counts)

    def bin_records(
        self, *, recorded_to: datetime | None = None, newest_only: bool = False
    ) -> list[BinRecord]:
        """Return every record up to and including `recorded_to`, by recording, then level."""
        self._require_open()
        upto = [] if recorded_to is None else [f"time < {(whole_ms(recorded_to) + 1) * points.NS_PER_MS}"]
        bucket = self._prefix + names.ADAPTIVE_BUCKET
        ask = self._reader.newest_records if newest_only else self._reader.records
        rows = ask(bucket, upto)
        found = self._values(rows, bin_record, lambda row: f"bin record {row.series!r}")
        return sorted(found, key=lambda one: (one.recorded_at, one.label))

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
            return _sum(total, self._record_series(name, fitting))

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
        trades = versions = 0
        closes: list[int] = []
        recorded: list[int | None] = []
        for bucket in self._trade_buckets():
            trades += self._reader.count(bucket, names.TRADES, "trade_id", '"revision" = 0')
            newest = points.newest(self._reader.newest_trades(bucket, []))
            closes += [one.closed_ms for one in newest.values() if not one.superseded]
        for bucket, measurement in names.PARAMETER_MEASUREMENTS.items():
            versions += self._reader.count(self._prefix + bucket, measurement, "version_id", None)
            recorded.append(self._reader.largest(self._prefix + bucket, measurement, "recorded_ms"))
        return StoreHealth(
            description=self.description,
            schema=names.SCHEMA,
            trades=trades,
            versions=versions,
            latency_ms=latency_ms,
            last_trade_closed_at=_newest(closes),
            last_version_recorded_at=_newest(recorded),
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

    # -- writing ---------------------------------------------------------------------------------------

    def _trade_row(self, trade: ClosedTrade) -> Row:
        row = trade_row(trade)
        if trade.bot not in self._buckets:
            raise TradeSourceError(
                f"{trade.label}: no bucket for {trade.bot!r}; "
                f"set trades under [bots.{trade.bot}] in fleet.toml"
            )
        flaw = points.trade_flaw(row)
        if flaw is not None:
            raise TradeSourceError(f"{trade.label}: {flaw}")
        return row

    def _record(self, bot: str, rows: Sequence[Row]) -> WriteReceipt:
        """Store the trades of one bot."""
        # A trade closes after it opened, so an earlier state of one of these lies behind this time.
        since_ns = min(row["opened_ms"] for row in rows) * points.NS_PER_MS
        stored = self._reader.trades(
            self._buckets[bot], points.KNOWN_SELECT, one_of(names.BOT, [bot]), since_ns, None
        )
        known = {
            identity: points.TradeState.of_point(point) for identity, point in points.newest(stored).items()
        }
        taken = {point.time_ns for point in stored}
        batch: list[_Line] = []
        counts = {"accepted": 0, "amended": 0, "duplicate": 0}
        for row in rows:
            identity = (row["bot"], row["instance"], row["trade_id"])
            before = known.get(identity)
            if before is not None and before.holds(row):
                counts["duplicate"] += 1
                continue
            label = f"{row['bot']} trade {row['trade_id']} {row['pair']}"
            revision = 0 if before is None else before.next_revision(row)
            if before is not None and before.elsewhere(row):
                at = points.trade_time_ns(before.closed_ms, row, revision, taken)
                batch.append(_Line(points.superseded_line(before, row, revision, at), label, None))
            at = points.trade_time_ns(row["closed_ms"], row, revision, taken)
            outcome = "accepted" if before is None else "amended"
            batch.append(_Line(points.trade_line(row, revision, at), label, outcome))
            known[identity] = points.TradeState.of_row(row, revision)
            counts[outcome] += 1
        return self._written(self._buckets[bot], batch, counts)

    def _publish(self, bucket: str, rows: Sequence[Row]) -> WriteReceipt:
        """Append the versions of one bucket."""
        # A version takes effect when it is recorded or later, so its like lies behind this time.
        since_ns = min(row["recorded_ms"] for row in rows) * points.NS_PER_MS
        stored = self._reader.versions(
            self._prefix + bucket, names.PARAMETER_MEASUREMENTS[bucket], [], since_ns
        )
        known = {one.version_id for one in stored}
        sequence = max((one.sequence for one in stored), default=0)
        batch: list[_Line] = []
        counts = {"accepted": 0, "amended": 0, "duplicate": 0}
        for row in rows:
            if row["version_id"] in known:
                counts["duplicate"] += 1
                continue
            known.add(row["version_id"])
            counts["accepted"] += 1
            line = points.version_line({**row, "sequence": sequence + counts["accepted"]})
            batch.append(_Line(line, f"version {row['version_id']}", "accepted"))
        return self._written(self._prefix + bucket, batch, counts)

    @property
    def _series_bucket(self) -> str:
        return self._prefix + names.OPTIMIZED_BUCKET

    def _record_series(self, name: str, rows: Sequence[Row]) -> WriteReceipt:
        """Store the numbers of one name and time."""
        at_ns = rows[0]["at_ms"] * points.NS_PER_MS
        stored = influx_series.last_of_each(
            self._reader.series(self._series_bucket, name, at_ns, at_ns + points.NS_PER_MS)
        )
        batch: list[_Line] = []
        counts = {"accepted": 0, "amended": 0, "duplicate": 0}
        for row in rows:
            before = stored.get((row["at_ms"], row["series_key"]))
            if before is not None and before.value == row["value"]:
                counts["duplicate"] += 1
                continue
            outcome = "accepted" if before is None else "amended"
            counts[outcome] += 1
            text = influx_series.series_line(row, at_ns if before is None else before.time_ns + 1)
            batch.append(_Line(text, f"{name} of {row['series_key']}", outcome))
        return self._written(self._series_bucket, batch, counts)

    def _written(self, bucket: str, batch: Sequence[_Line], counts: dict[str, int]) -> WriteReceipt:
        """Send a batch; what the server refuses is taken out of the counts and told."""
        refused = write_all(self._write, bucket, [one.text for one in batch])
        rejected: list[str] = []
        for index, reason in sorted(refused.items()):
            line = batch[index]
            rejected.append(f"{line.label}: {self.description} refuses it: {reason}")
            if line.outcome is not None:
                counts[line.outcome] -= 1
        return WriteReceipt(
            accepted=counts["accepted"],
            amended=counts["amended"],
            duplicate=counts["duplicate"],
            rejected=tuple(rejected),
        )

    # -- reading ---------------------------------------------------------------------------------------

    def _alive(
        self,
        columns: Sequence[str],
        closed_from: datetime | None,
        closed_to: datetime | None,
        bots: Sequence[str] | None,
        pairs: Sequence[str] | None,
    ) -> list[points.TradePoint]:
        """Return the point that counts of every trade in a window, without those that have moved away."""
        since_ns = None if closed_from is None else next_ms(closed_from) * points.NS_PER_MS
        until_ns = None if closed_to is None else next_ms(closed_to) * points.NS_PER_MS
        found: list[points.TradePoint] = []
        for bucket in self._trade_buckets(bots):
            for some in chunks(pairs, PAIRS_PER_QUERY) if pairs is not None else [None]:
                conditions = [*one_of(names.BOT, bots), *one_of(names.PAIR, some)]
                found += self._reader.trades(bucket, columns, conditions, since_ns, until_ns)
        return [one for one in points.newest(found).values() if not one.superseded]

    def _all_versions(self, conditions: Sequence[str]) -> list[StoredRow]:
        rows: list[StoredRow] = []
        for bucket, measurement in names.PARAMETER_MEASUREMENTS.items():
            rows += self._reader.versions(self._prefix + bucket, measurement, conditions)
        return rows

    def _sorted_versions(self, rows: list[StoredRow]) -> list[ParameterVersion]:
        rows.sort(key=lambda row: (row.recorded_ms, row.sequence))
        return self._values(rows, parameter_version, lambda row: f"version {row.version_id}")

    def _values(
        self, rows: Iterable[StoredRow], to_value: Callable[[StoredRow], T], label: Callable[[StoredRow], str]
    ) -> list[T]:
        values: list[T] = []
        for row in rows:
            try:
                values.append(to_value(row))
            except (InputError, ValueError, TypeError, OverflowError) as error:
                name = label(row)
                if name not in self._unusable:
                    logger.warning("%s: %s is not used: %s", self.description, name, error)
                self._unusable[name] = str(error)
        return values

    def _trade_buckets(self, bots: Sequence[str] | None = None) -> list[str]:
        return sorted({bucket for bot, bucket in self._buckets.items() if bots is None or bot in bots})

    def _require_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(f"{self.description} was closed; open it again")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line on its way: whose it is, and which count it stands for, if it does."""

    text: str
    label: str
    outcome: str | None


def _version_row(version: ParameterVersion) -> Row:
    row = version_row(version)
    flaw = points.version_flaw(row)
    if flaw is not None:
        raise ParameterError(f"{version.key.label}: {flaw}")
    return row


def _sum(one: WriteReceipt, other: WriteReceipt) -> WriteReceipt:
    return WriteReceipt(
        accepted=one.accepted + other.accepted,
        amended=one.amended + other.amended,
        duplicate=one.duplicate + other.duplicate,
        rejected=one.rejected + other.rejected,
    )


def _trade_label(row: StoredRow) -> str:
    return f"{row.bot} {row.instance} trade {row.trade_id}"


def _newest(moments: Iterable[int | None]) -> datetime | None:
    known = [one for one in moments if one is not None]
    return from_ms(max(known)) if known else None
