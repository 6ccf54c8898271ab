"""How a store's tables came to be, one step after the other.

Each step runs in a transaction of its own that also notes its number: a crash leaves whole steps only.
Steps are never edited once released; a change of `schema.py` is a new step here.
The SQL is what SQLite and PostgreSQL both read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, inspect, select

from freqfleet.errors import StoreIncompatible
from freqfleet.store.schema import metadata, schema_steps

Transaction = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its number, its name, and what it does inside a transaction."""

    version: int
    name: str
    apply: Callable[[Connection], None]


STEPS: list[Step] = []


def migration(apply: Callable[[Connection], None]) -> Callable[[Connection], None]:
    """Add a function named `m001_what_it_does` to the steps; its number must be the next one."""
    number = int(apply.__name__[1:4])
    assert number == len(STEPS) + 1, f"{apply.__name__} must be m{len(STEPS) + 1:03d}_…"
    STEPS.append(Step(number, apply.__name__, apply))
    return apply


@migration
def m001_trades_and_versions(connection: Connection) -> None:
    """Closed trades and parameter versions."""
    connection.exec_driver_sql(
        """
        CREATE TABLE closed_trades (
            bot TEXT NOT NULL,
            instance TEXT NOT NULL,
            trade_id BIGINT NOT NULL,
            pair TEXT NOT NULL,
            side TEXT NOT NULL,
            leverage DOUBLE PRECISION NOT NULL,
            opened_ms BIGINT NOT NULL,
            closed_ms BIGINT NOT NULL,
            open_rate DOUBLE PRECISION NOT NULL,
            close_rate DOUBLE PRECISION NOT NULL,
            stake_quote DOUBLE PRECISION NOT NULL,
            margin_profit_ratio DOUBLE PRECISION NOT NULL,
            profit_quote DOUBLE PRECISION NOT NULL,
            fee_open_ratio DOUBLE PRECISION NOT NULL,
            fee_close_ratio DOUBLE PRECISION NOT NULL,
            funding_fees_quote DOUBLE PRECISION NOT NULL,
            exit_reason TEXT NOT NULL,
            mode TEXT NOT NULL,
            enter_tag TEXT,
            feeder TEXT,
            votes INTEGER,
            voters INTEGER,
            confidence DOUBLE PRECISION,
            parameter_version TEXT,
            content_hash TEXT NOT NULL,
            PRIMARY KEY (bot, instance, trade_id)
        )
        """
    )
    connection.exec_driver_sql(
        """
        CREATE TABLE parameter_versions (
            version_id TEXT NOT NULL PRIMARY KEY,
            sequence BIGINT NOT NULL,
            pair TEXT,
            side TEXT NOT NULL,
            leverage_bin TEXT,
            source TEXT NOT NULL,
            stage TEXT NOT NULL,
            valid_from_ms BIGINT NOT NULL,
            recorded_ms BIGINT NOT NULL,
            learned_until_ms BIGINT NOT NULL,
            run_id TEXT NOT NULL,
            parameters TEXT NOT NULL,
            evidence TEXT NOT NULL
        )
        """
    )


@migration
def m002_indexes(connection: Connection) -> None:
    """Indexes for time windows, per-bot newest close, as-of reads and a pair's history."""
    for statement in (
        "CREATE INDEX closed_trades_by_close ON closed_trades (closed_ms)",
        "CREATE INDEX closed_trades_by_bot_and_close ON closed_trades (bot, closed_ms)",
        "CREATE INDEX parameter_versions_by_recording ON parameter_versions (recorded_ms, sequence)",
        "CREATE INDEX parameter_versions_by_pair ON parameter_versions (pair, recorded_ms)",
    ):
        connection.exec_driver_sql(statement)


@migration
def m003_series_and_effect(connection: Connection) -> None:
    """What a version is for and from when it counts, so that "in force at" is one step per key."""
    for statement in (
        "ALTER TABLE parameter_versions ADD COLUMN series TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE parameter_versions ADD COLUMN effective_ms BIGINT NOT NULL DEFAULT 0",
        """
        UPDATE parameter_versions SET
            series = COALESCE(pair, '') || ' ' || side || ' ' || COALESCE(leverage_bin, ''),
            effective_ms = CASE WHEN valid_from_ms > recorded_ms THEN valid_from_ms ELSE recorded_ms END
        """,
        "CREATE INDEX parameter_versions_by_effect "
        "ON parameter_versions (series, effective_ms, recorded_ms, sequence)",
    ):
        connection.exec_driver_sql(statement)


@migration
def m004_numbers_over_time(connection: Connection) -> None:
    """Numbers over time by name and key: the decay of what was published."""
    connection.exec_driver_sql(
        """
        CREATE TABLE series (
            name TEXT NOT NULL,
            series_key TEXT NOT NULL,
            at_ms BIGINT NOT NULL,
            value DOUBLE PRECISION NOT NULL,
            PRIMARY KEY (name, series_key, at_ms)
        )
        """
    )
    connection.exec_driver_sql("CREATE INDEX series_by_time ON series (name, at_ms)")


@migration
def m005_bin_records(connection: Connection) -> None:
    """What closed trades say of every leverage bin, as it was known over time."""
    connection.exec_driver_sql(
        """
        CREATE TABLE bin_records (
            series TEXT NOT NULL,
            recorded_ms BIGINT NOT NULL,
            pair TEXT,
            side TEXT NOT NULL,
            leverage_bin TEXT,
            record TEXT NOT NULL,
            PRIMARY KEY (series, recorded_ms)
        )
        """
    )
    connection.exec_driver_sql("CREATE INDEX bin_records_by_recording ON bin_records (recorded_ms)")


def newest_version(steps: Sequence[Step] = STEPS) -> int:
    """Return the schema this program writes."""
    return steps[-1].version


def schema_version(connection: Connection, description: str, steps: Sequence[Step] = STEPS) -> int:
    """Return the schema of a database: 0 where it is empty. Writes nothing.

    Raises StoreIncompatible where the database is newer than `steps`, and where it holds tables but is no
    learning store: it belongs to something else, a bot's own database for example.
    """
    tables = inspect(connection).get_table_names()
    if schema_steps.name not in tables:
        if tables:
            some = ", ".join(sorted(tables)[:4])
            raise StoreIncompatible(
                f"{description} is not a learning store, it holds the tables {some}; "
                "give [store] url a file of its own"
            )
        return 0
    version = connection.scalar(select(func.max(schema_steps.c.version))) or 0
    if version > newest_version(steps):
        raise StoreIncompatible(
            f"{description} has schema {version}, written by a newer freqfleet; this one knows up to "
            f"{newest_version(steps)}; upgrade freqfleet, nothing was touched"
        )
    return version


def upgrade(
    reading: Transaction, writing: Transaction, description: str, steps: Sequence[Step] = STEPS
) -> None:
    """Bring a database to the newest schema; does not write where it is there already.

    reading, writing : open a transaction; `writing` holds the write lock, so that several programs may
        come here at once and each step is applied by one of them.

    Raises StoreIncompatible as `schema_version` does.
    """
    with reading() as connection:
        version = schema_version(connection, description, steps)
    while version < newest_version(steps):
        with writing() as connection:
            version = schema_version(connection, description, steps)
            if version < newest_version(steps):
                step = steps[version]
                metadata.create_all(connection, tables=[schema_steps])
                step.apply(connection)
                connection.execute(insert(schema_steps).values(version=step.version, name=step.name))
                version = step.version
