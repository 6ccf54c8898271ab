"""The names freqtrade gives its tables and columns: all that this package knows of its database.

Plain SQL on these names instead of freqtrade's models: `init_db` binds one database per process, makes
tables and migrates, and a reader must do none of that. A test writes a database through freqtrade's
models and reads it back through this file, so a change of freqtrade's fails there and nowhere else.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Select,
    case,
    column,
    false,
    func,
    inspect,
    literal,
    null,
    select,
    table,
    type_coerce,
)
from sqlalchemy.types import NullType

from freqfleet.errors import TradeSourceError

PLAN_KEY = "freqfleet_plan"  # custom data in which a strategy keeps the plan of a position
DRY_RUN_PREFIX = "dry_run_"  # of the order ids of a dry run
_START_KEY = "bot_start_time"

_TRADE_COLUMNS = (
    "id",
    "pair",
    "is_short",
    "leverage",
    "open_date",
    "close_date",
    "open_rate",
    "close_rate",
    "stake_amount",
    "close_profit",
    "close_profit_abs",
    "fee_open",
    "fee_close",
    "funding_fees",
    "exit_reason",
    "enter_tag",
)
_trades = table("trades", *(column(name) for name in _TRADE_COLUMNS), column("is_open"))
_orders = table("orders", column("ft_trade_id"), column("order_id"))
_custom_data = table("trade_custom_data", column("ft_trade_id"), column("cd_key"), column("cd_value"))
_start_times = table("KeyValueStore", column("key"), column("datetime_value"))  # mixed case: gets quoted
_REQUIRED = (_trades, _orders)


def require_freqtrade(connection: Connection, description: str) -> set[str]:
    """Return the tables of a freqtrade database; raises TradeSourceError that says what is missing."""
    inspector = inspect(connection)
    tables = set(inspector.get_table_names())
    for one in _REQUIRED:
        if one.name not in tables:
            raise TradeSourceError(
                f"{description} is not freqtrade's: it has no table {one.name}; correct the bot's db_url"
            )
        there = {found["name"] for found in inspector.get_columns(one.name)}
        lacking = [name for name in one.c.keys() if name not in there]  # noqa: SIM118 - not a dict
        if lacking:
            raise TradeSourceError(
                f"{description}: table {one.name} has no column {', '.join(lacking)}; "
                "start a current freqtrade on it once, it upgrades its database"
            )
    return tables


def started_at(connection: Connection, tables: Collection[str]) -> datetime | None:
    """Return when the database began: its noted start, else when its first trade was opened.

    freqtrade notes the start of a new database, and for an older one the open time of its first trade:
    both ways lead to the same moment. None for a database without either.
    """
    noted = None
    if _start_times.name in tables:
        noted = connection.scalar(
            select(_start_times.c.datetime_value).where(_start_times.c.key == _START_KEY)
        )
    if noted is None:
        noted = connection.scalar(select(func.min(_trades.c.open_date)))
    return None if noted is None else utc(noted)


def closed_ids_query() -> Select[Any]:
    """Return the query for the ids of every closed trade."""
    return select(_trades.c.id).where(_trades.c.is_open.is_(false()))


def closed_trades_query(
    tables: Collection[str], *, closed_from: datetime | None = None, ids: Collection[int] | None = None
) -> Select[Any]:
    """Return the query for closed trades: the columns of a trade, `dry_run` and `plan`.

    dry_run : 1 where an order is of a dry run, 0 where none is, NULL for a trade without orders.
    plan : JSON of the exit plan, or NULL.
    Dates come as the driver gives them (`utc` reads both forms): one bad date must not stop the others.
    """
    dry_run = select(
        func.max(case((_orders.c.order_id.startswith(DRY_RUN_PREFIX, autoescape=True), 1), else_=0))
    ).where(_orders.c.ft_trade_id == _trades.c.id)
    plan = (
        select(func.max(_custom_data.c.cd_value))
        .where(_custom_data.c.ft_trade_id == _trades.c.id, _custom_data.c.cd_key == PLAN_KEY)
        .scalar_subquery()
        if _custom_data.name in tables
        else null()
    )
    columns: list[ColumnElement[Any]] = [
        *(type_coerce(_trades.c[name], NullType()).label(name) for name in _TRADE_COLUMNS),
        dry_run.scalar_subquery().label("dry_run"),
        plan.label("plan"),
    ]
    query: Select[Any] = select(*columns).where(_trades.c.is_open.is_(false()))
    if closed_from is not None:
        naive = closed_from.astimezone(UTC).replace(tzinfo=None)  # freqtrade keeps naive UTC
        query = query.where(_trades.c.close_date >= literal(naive, DateTime()))
    if ids is not None:
        query = query.where(_trades.c.id.in_(ids))
    return query.order_by(_trades.c.id)


def utc(value: datetime | str) -> datetime:
    """Return a date of freqtrade's (naive UTC; text in SQLite) as aware UTC; ValueError for no date."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
