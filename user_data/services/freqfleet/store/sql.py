"""SqlStore: the learning store on SQLite or PostgreSQL; both read the same statements."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import SecretStr
from sqlalchemy import Connection, Select, Table, func, select

from freqfleet.clock import from_ms
from freqfleet.domain.bin_record import BinRecord
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.pairs import checked_pair
from freqfleet.domain.sides import Side
from freqfleet.errors import ParameterError, SettingsError, StoreReplaced, StoreUnavailable, TradeSourceError
from freqfleet.parameters.records import RecordBook
from freqfleet.parameters.version import ParameterVersion
from freqfleet.store import migrations, sql_bins, sql_series, sql_trade_rows, sql_versions
from freqfleet.store.bin_records import bin_record, record_label, record_row
from freqfleet.store.damage import inode
from freqfleet.store.digests import DayDigest, digest_days
from freqfleet.store.engine import WRITES, describe, open_engine, parse_store_url, use_wal
from freqfleet.store.faults import told
from freqfleet.store.promise import StoreHealth, WriteReceipt
from freqfleet.store.rows import (
    TRADE_COLUMNS,
    StoredRow,
    accepted_rows,
    parameter_version,
    trade_label,
    trade_of_columns,
    trade_row,
    version_label,
    version_row,
    whole_ms,
)
from freqfleet.store.schema import bin_records, closed_trades, is_time, newest, parameter_versions, series
from freqfleet.store.series import Reading, series_rows
from freqfleet.store.unread_records import unread_book
from freqfleet.store.unusable import UNUSABLE, UnusableRows

if TYPE_CHECKING:  # NumPy, which only who learns pays for
    from freqfleet.market.trade_columns import TradeColumns

_BACKENDS = ("sqlite", "postgresql")
_ROWS_AT_ONCE = 2000  # so many rows are held beside the values that are made of them

T = TypeVar("T")


class SqlStore:
    """A LearningStore on SQLite or PostgreSQL; see `promise.py` for what it promises.

    url : SQLAlchemy's form, `sqlite:///path` or `postgresql+psycopg://user@host/database`. A missing
        `user_data` folder is made, no other one.
    timeout_seconds : how long a call waits for the lock of another program, or for a server's answer.
    secret : the password of a server; never a part of the URL.

    Raises SettingsError for a URL that names no database, StoreUnavailable where it does not answer,
    StoreIncompatible for a newer schema and for a database that belongs to something else.
    """

    def __init__(self, url: str, timeout_seconds: float = 10.0, *, secret: SecretStr | None = None) -> None:
        parsed = parse_store_url(url)
        self._backend = parsed.get_backend_name()
        if self._backend not in _BACKENDS:
            raise SettingsError(f"[store] url: no SQL store speaks {self._backend!r}; use sqlite:///…")
        self.description = describe(parsed)
        self._timeout_seconds = timeout_seconds
        self._engine = open_engine(parsed, timeout_seconds, secret)
        self._closed = False
        self._unusable = UnusableRows(self.description)
        self._file = Path(parsed.database or "").absolute() if self._backend == "sqlite" else None
        # Before it is opened: one that is moved away meanwhile is noticed, too. None of a file to be made.
        self._inode = self._inode_now()
        with ExitStack() as on_failure:
            on_failure.callback(self._engine.dispose)
            with self._reading() as connection:  # before the first change: is it ours, and not newer?
                migrations.schema_version(connection, self.description)
            with told(self.description, timeout_seconds):
                use_wal(self._engine, self.description, timeout_seconds)
            migrations.upgrade(self._reading, self._writing, self.description)
            if self._inode is None:
                self._inode = self._inode_now()
            on_failure.pop_all()

    @property
    def unusable_rows(self) -> dict[str, str]:
        """Rows this instance met that lie outside the domain, with the reason. Never returned."""
        return self._unusable.reasons

    def record_closed_trades(self, trades: Sequence[ClosedTrade]) -> WriteReceipt:
        """Store closed trades in one transaction, exactly once per (bot, instance, trade_id)."""
        rows, rejected = accepted_rows(trades, trade_row, TradeSourceError)
        with self._writing() as connection:
            insert = _insert_into(closed_trades, self._backend)
            return sql_trade_rows.record(connection, insert, rows, rejected)

    def closed_trades(
        self,
        *,
        closed_from: datetime | None = None,
        closed_to: datetime | None = None,
        bots: Sequence[str] | None = None,
        pairs: Sequence[str] | None = None,
    ) -> list[ClosedTrade]:
        """Return trades with closed_from <= closed_at < closed_to, sorted by close, bot, instance, id."""
        query = select(*(closed_trades.c[name] for name in TRADE_COLUMNS))
        by_close = sql_trade_rows.window(query, closed_from, closed_to, bots, pairs).order_by(
            closed_trades.c.closed_ms
        )
        trades = self._read(by_close, trade_of_columns, trade_label)
        sql_trade_rows.sort_ties(trades)
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
        from freqfleet.store.sql_trade_columns import read_columns, select_columns  # noqa: PLC0415 - NumPy

        query = sql_trade_rows.window(select_columns(), closed_from, closed_to, bots, pairs)
        with self._reading() as connection, _collector_at_rest():
            return read_columns(
                connection, query, lambda row, reason: self._unusable.skip(trade_label(row), reason)
            )

    def last_recorded_close(self, bot: str) -> datetime | None:
        """Return the newest close time of a bot, or None where it has no trade."""
        with self._reading() as connection:
            newest = connection.scalar(
                select(func.max(closed_trades.c.closed_ms)).where(
                    closed_trades.c.bot == bot, is_time(closed_trades.c.closed_ms)
                )
            )
        return None if newest is None else from_ms(newest)

    def day_digests(
        self, bot: str, *, closed_from: datetime | None = None, closed_to: datetime | None = None
    ) -> list[DayDigest]:
        """Return one digest per instance and UTC day of a bot's trades, sorted by both."""
        table = closed_trades.c
        columns = select(
            table.instance, table.trade_id, table.closed_ms, table.profit_quote, table.content_hash
        )
        query = sql_trade_rows.window(columns, closed_from, closed_to, [bot], None)
        with self._reading() as connection:
            return digest_days(tuple(row) for row in connection.execute(query))

    def publish_parameters(self, versions: Sequence[ParameterVersion]) -> WriteReceipt:
        """Append versions in one transaction; nothing published is ever changed."""
        rows, rejected = accepted_rows(versions, version_row, ParameterError)
        with self._writing() as connection:
            insert = _insert_into(parameter_versions, self._backend)
            return sql_versions.publish(connection, insert, rows, rejected)

    def parameter_versions(self, *, recorded_to: datetime | None = None) -> list[ParameterVersion]:
        """Return every version recorded up to and including `recorded_to`, oldest recording first."""
        query = select(parameter_versions)
        if recorded_to is not None:
            query = query.where(parameter_versions.c.recorded_ms <= whole_ms(recorded_to))
        return self._read_versions(query)

    def parameters_in_force(self, at: datetime) -> list[ParameterVersion]:
        """Return for each key the champion or retirement that took effect last by `at`."""
        return self._read_versions(sql_versions.in_force(whole_ms(at)))

    def parameter_history(self, pair: str, side: Side | None = None) -> list[ParameterVersion]:
        """Return the versions of one pair, oldest recording first."""
        query = select(parameter_versions).where(parameter_versions.c.pair == checked_pair(pair))
        if side is not None:
            query = query.where(parameter_versions.c.side == side.value)
        return self._read_versions(query)

    def record_bins(self, records: Sequence[BinRecord]) -> WriteReceipt:
        """Store what is known of leverage bins, in one transaction."""
        rows = [record_row(one) for one in records]
        with self._writing() as connection:
            return sql_bins.record(connection, _insert_into(bin_records, self._backend), rows)

    def bin_records(
        self, *, recorded_to: datetime | None = None, newest_only: bool = False
    ) -> list[BinRecord]:
        """Return every record up to and including `recorded_to`, by recording, then level."""
        found = self._read(sql_bins.query(recorded_to, newest_only), bin_record, record_label)
        # Sorted here: databases differ in how they order text.
        return sorted(found, key=lambda one: (one.recorded_at, one.label))

    def record_book(self) -> RecordBook:
        """Return a book of every record, each read when it is asked for."""
        with self._reading() as connection, _collector_at_rest():
            return unread_book(connection.execute(sql_bins.unread()), self._unusable)

    def record_series(self, name: str, at: datetime, values: Mapping[str, float]) -> WriteReceipt:
        """Store one number a key for the time `at`; see `series.SeriesKeeper`."""
        rows, rejected = series_rows(name, at, values)
        with self._writing() as connection:
            return sql_series.record(connection, _insert_into(series, self._backend), rows, rejected)

    def series(
        self, name: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[Reading]:
        """Return the numbers with since <= at < until, by time and key."""
        with self._reading() as connection:
            return sql_series.read(connection, name, since, until)

    def health(self) -> StoreHealth:
        """Count and time; raises StoreUnavailable where the store does not answer."""
        started = time.perf_counter()
        with self._reading() as connection:
            version = migrations.schema_version(connection, self.description)
            trades, last_close = connection.execute(
                select(func.count(), newest(closed_trades.c.closed_ms)).select_from(closed_trades)
            ).one()
            versions, last_recorded = connection.execute(
                select(func.count(), newest(parameter_versions.c.recorded_ms)).select_from(parameter_versions)
            ).one()
        return StoreHealth(
            description=self.description,
            schema=version,
            trades=trades,
            versions=versions,
            latency_ms=(time.perf_counter() - started) * 1000.0,
            last_trade_closed_at=None if last_close is None else from_ms(last_close),
            last_version_recorded_at=None if last_recorded is None else from_ms(last_recorded),
        )

    def close(self) -> None:
        """Give back connections; every later call raises StoreUnavailable."""
        self._closed = True
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._transaction({}) as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._transaction(WRITES) as connection:
            yield connection

    @contextmanager
    def _transaction(self, options: dict[str, Any]) -> Iterator[Connection]:
        if self._closed:
            raise StoreUnavailable(f"{self.description} was closed; open it again")
        with told(self.description, self._timeout_seconds):
            self._check_file()
            with (
                self._engine.connect() as plain,
                plain.execution_options(**options) as connection,
                connection.begin(),
            ):
                yield connection

    def _check_file(self) -> None:
        """Refuse a file that is no longer the store's: what is written to it, nobody would ever read."""
        if self._inode is not None and self._inode_now() != self._inode:
            raise StoreReplaced(f"{self.description} was moved away while it was open; open it again")

    def _inode_now(self) -> int | None:
        return inode(self._file) if self._file is not None else None

    def _read_versions(self, query: Select[Any]) -> list[ParameterVersion]:
        ordered = query.order_by(parameter_versions.c.recorded_ms, parameter_versions.c.sequence)
        return self._read(ordered, parameter_version, version_label)

    def _read(
        self, query: Select[Any], to_value: Callable[[StoredRow], T], label: Callable[[StoredRow], str]
    ) -> list[T]:
        values: list[T] = []
        with self._reading() as connection, _collector_at_rest():
            for rows in connection.execute(query).partitions(_ROWS_AT_ONCE):
                try:
                    values += [to_value(row) for row in rows]
                except UNUSABLE:
                    values += self._unusable.usable(rows, to_value, label)
        return values


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Keep the garbage collector from looking at hundreds of thousands of new values again and again.

    None of them refers to another, so there is nothing for it to find: a fifth of the reading is saved. With
    several threads the first to end wakes it, which costs time and nothing else.
    """
    was_awake = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_awake:
            gc.enable()


def _insert_into(table: Table, backend: str) -> Any:
    """Return an insert that knows conflicts; only the dialect in use is imported."""
    if backend == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415

    return sqlite.insert(table)
