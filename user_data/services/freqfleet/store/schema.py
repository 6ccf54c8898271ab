"""The columns of the learning store, defined once: the writer and the reader both import this module.

Times are integer milliseconds since 1970 UTC, ratios are fractions, `*_quote` is stake currency.
`migrations.py` builds these tables; a test compares the two.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, Double, Index, Integer, MetaData, Table, Text, func

from freqfleet.clock import FIRST_MS, LAST_MS

metadata = MetaData()

schema_steps = Table(
    "freqfleet_schema",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
)

closed_trades = Table(
    "closed_trades",
    metadata,
    Column("bot", Text, primary_key=True),
    Column("instance", Text, primary_key=True),
    Column("trade_id", BigInteger, primary_key=True, autoincrement=False),
    Column("pair", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("leverage", Double, nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("closed_ms", BigInteger, nullable=False),
    Column("open_rate", Double, nullable=False),
    Column("close_rate", Double, nullable=False),
    Column("stake_quote", Double, nullable=False),
    Column("margin_profit_ratio", Double, nullable=False),
    Column("profit_quote", Double, nullable=False),
    Column("fee_open_ratio", Double, nullable=False),
    Column("fee_close_ratio", Double, nullable=False),
    Column("funding_fees_quote", Double, nullable=False),
    Column("exit_reason", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("enter_tag", Text),
    Column("feeder", Text),
    Column("votes", Integer),
    Column("voters", Integer),
    Column("confidence", Double),
    Column("parameter_version", Text),
    Column("content_hash", Text, nullable=False),
    Index("closed_trades_by_close", "closed_ms"),
    Index("closed_trades_by_bot_and_close", "bot", "closed_ms"),
)

# `sequence` keeps the order of publication among versions that were recorded in the same millisecond.
# `series` is the key as one text, `effective_ms` the later of the two times: what "in force at" asks for.
parameter_versions = Table(
    "parameter_versions",
    metadata,
    Column("version_id", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("pair", Text),
    Column("side", Text, nullable=False),
    Column("leverage_bin", Text),
    Column("source", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("valid_from_ms", BigInteger, nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("learned_until_ms", BigInteger, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("series", Text, nullable=False),
    Column("effective_ms", BigInteger, nullable=False),
    Index("parameter_versions_by_recording", "recorded_ms", "sequence"),
    Index("parameter_versions_by_pair", "pair", "recorded_ms"),
    Index("parameter_versions_by_effect", "series", "effective_ms", "recorded_ms", "sequence"),
)

# What closed trades say of every leverage bin, and from when on it was known; `series` as above.
bin_records = Table(
    "bin_records",
    metadata,
    Column("series", Text, primary_key=True),
    Column("recorded_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("pair", Text),
    Column("side", Text, nullable=False),
    Column("leverage_bin", Text),
    Column("record", Text, nullable=False),
    Index("bin_records_by_recording", "recorded_ms"),
)

# Numbers over time that are no trades and no parameters: the decay of what was published, by run.
series = Table(
    "series",
    metadata,
    Column("name", Text, primary_key=True),
    Column("series_key", Text, primary_key=True),
    Column("at_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("value", Double, nullable=False),
    Index("series_by_time", "name", "at_ms"),
)


def is_time(column: Column[Any]) -> ColumnElement[bool]:
    """Return the condition that a column of milliseconds holds a time, and no number that is none."""
    return column.between(FIRST_MS, LAST_MS)


def newest(column: Column[Any]) -> ColumnElement[Any]:
    """Return the greatest time of a column: one row edited by hand must not hide all the others."""
    return func.max(column).filter(is_time(column))
