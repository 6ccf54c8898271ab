"""A bot's own freqtrade database, read only."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from freqfleet.clock import iso
from freqfleet.domain.closed_trade import ClosedTrade, TradeMode
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, TradeSourceError
from freqfleet.store.secret import shown_url
from freqfleet.trades.freqtrade_columns import (
    closed_ids_query,
    closed_trades_query,
    require_freqtrade,
    started_at,
    utc,
)
from freqfleet.trades.read_only import describe, read_consistently
from freqfleet.trades.reading import DATABASE_INSTANCE, NO_EXIT_REASON, Inventory, Reading, tag_fields

_IDS_PER_QUERY = 500
EMPTY_INSTANCE = f"{DATABASE_INSTANCE}empty"


class FreqtradeDatabase:
    """The closed trades of one bot; a TradeSource.

    instance : `db:` and when the database began (see `started_at`). It stays the same as long as the
        database does, and is another one after a reset, when freqtrade counts its ids from 1 again.
        Without the noted start (freqtrade before 2023) it moves if the very first trade is deleted.
    mode : dry run where an order's id says so, else live. A trade without orders is dropped: nothing
        tells which it was.

    Opening does nothing yet; every method raises TradeSourceError where the database is missing or not
    freqtrade's, and UnreachableError where it does not answer.
    """

    def __init__(self, url: str, *, bot: str) -> None:
        try:
            self._url = make_url(url)
        except (ArgumentError, ValueError):  # ValueError: a port that is no number
            raise TradeSourceError(
                f"{bot}: db_url {shown_url(url)} is not a database URL; "
                f"write sqlite:///user_data/{bot.lower()}.sqlite, or postgresql+psycopg://user@host/database"
            ) from None
        self._bot = bot
        self._description = describe(self._url)

    @property
    def bot(self) -> str:
        """Whose trades they are."""
        return self._bot

    @property
    def description(self) -> str:
        """How messages name the database; never holds a password."""
        return self._description

    def inventory(self) -> Inventory:
        """Return the ids of every closed trade."""

        def read(connection: Connection) -> Inventory:
            tables = require_freqtrade(connection, self._description)
            ids = connection.scalars(closed_ids_query())
            return Inventory(instance=_instance(connection, tables), trade_ids=frozenset(ids))

        return read_consistently(self._url, read)

    def read(self, *, closed_from: datetime | None = None, also: Collection[int] = ()) -> Reading:
        """Return the trades closed at or after `closed_from` (None: all), and those with the ids `also`."""

        def read(connection: Connection) -> Reading:
            tables = require_freqtrade(connection, self._description)
            rows = {
                row.id: row
                for row in connection.execute(closed_trades_query(tables, closed_from=closed_from))
            }
            for ids in _chunks(sorted(set(also) - set(rows))):
                rows.update((row.id, row) for row in connection.execute(closed_trades_query(tables, ids=ids)))
            return self._reading(list(rows.values()), _instance(connection, tables))

        return read_consistently(self._url, read)

    def _reading(self, rows: list[Any], instance: str) -> Reading:
        trades: list[ClosedTrade] = []
        dropped: list[str] = []
        for row in rows:
            try:
                trades.append(_closed_trade(row, self._bot, instance))
            except (InputError, ValueError, TypeError) as error:
                label = f"{self._bot} trade {row.id} {row.pair}"
                said = str(error)
                dropped.append(said if said.startswith(label) else f"{label}: {said}")
        return Reading(bot=self._bot, source=self._description, trades=tuple(trades), dropped=tuple(dropped))


def _instance(connection: Connection, tables: Collection[str]) -> str:
    moment = started_at(connection, tables)
    return EMPTY_INSTANCE if moment is None else f"{DATABASE_INSTANCE}{iso(moment)}"


def _closed_trade(row: Any, bot: str, instance: str) -> ClosedTrade:
    if row.dry_run is None:
        raise TradeSourceError("it has no orders, so it is neither live nor a dry run")
    return ClosedTrade(
        bot=bot,
        instance=instance,
        trade_id=row.id,
        pair=row.pair,
        side=Side.of(is_short=bool(row.is_short)),
        leverage=1.0 if row.leverage is None else float(row.leverage),  # freqtrade reads NULL as 1, too
        opened_at=utc(_there(row, "open_date")),
        closed_at=utc(_there(row, "close_date")),
        open_rate=float(_there(row, "open_rate")),
        close_rate=float(_there(row, "close_rate")),
        stake_quote=float(_there(row, "stake_amount")),
        margin_profit_ratio=float(_there(row, "close_profit")),
        profit_quote=float(_there(row, "close_profit_abs")),
        fee_open_ratio=float(_there(row, "fee_open")),
        fee_close_ratio=float(_there(row, "fee_close")),
        funding_fees_quote=0.0 if row.funding_fees is None else float(row.funding_fees),  # spot has none
        exit_reason=row.exit_reason or NO_EXIT_REASON,
        mode=TradeMode.DRY_RUN if row.dry_run else TradeMode.LIVE,
        parameter_version=_plan_version(row.plan),
        **tag_fields(row.enter_tag),
    )


def _there(row: Any, name: str) -> Any:
    value = getattr(row, name)
    if value is None:
        raise TradeSourceError(f"{name} is empty")
    return value


def _plan_version(plan: str | None) -> str | None:
    """Return the version a plan names; None for no plan, and for one that is no plan of ours."""
    if plan is None:
        return None
    try:
        values = json.loads(plan)
    except ValueError:
        return None
    version = values.get("version") if isinstance(values, dict) else None
    return version if isinstance(version, str) else None


def _chunks(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), _IDS_PER_QUERY):
        yield ids[start : start + _IDS_PER_QUERY]
