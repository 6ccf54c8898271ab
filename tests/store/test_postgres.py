"""SqlStore on a real PostgreSQL: the contract, and what only a server can do wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, create_engine, insert, inspect

from conftest import installed
from freqfleet.errors import StoreIncompatible, StoreUnavailable
from freqfleet.store.migrations import STEPS, newest_version, upgrade
from freqfleet.store.promise import LearningStore
from freqfleet.store.rows import trade_row
from freqfleet.store.schema import closed_trades, metadata
from freqfleet.store.sql import SqlStore
from freqfleet.testing.servers import PostgresProcess, postgres_server
from freqfleet.testing.store_contract import StoreContract
from freqfleet.testing.trades import closed_trade, version


class TestPostgresStore(StoreContract):
    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[LearningStore]:
        self._url = postgres_url
        self._stores = [SqlStore(postgres_url)]
        yield self._stores[0]
        for one in self._stores:
            one.close()

    def reopened(self, store: LearningStore) -> LearningStore:
        store.close()
        self._stores.append(SqlStore(self._url))
        return self._stores[-1]


@pytest.fixture
def store(postgres_url: str) -> Iterator[SqlStore]:
    opened = SqlStore(postgres_url, timeout_seconds=5.0)
    yield opened
    opened.close()


# Migrations


@pytest.mark.parametrize("older", range(1, len(STEPS)))
def test_an_older_database_is_upgraded_and_keeps_what_it_holds(postgres_url: str, older: int):
    engine = create_engine(postgres_url)

    @contextmanager
    def transaction() -> Iterator[Connection]:
        with engine.begin() as connection:
            yield connection

    upgrade(transaction, transaction, "learning store x", STEPS[:older])
    with transaction() as connection:
        connection.execute(insert(closed_trades), trade_row(closed_trade()))
    engine.dispose()

    upgraded = SqlStore(postgres_url)
    health, found = upgraded.health(), upgraded.closed_trades()
    upgraded.close()

    assert health.schema == newest_version()
    assert found == [closed_trade()]


def test_a_newer_database_is_refused_in_words(postgres: PostgresProcess, postgres_url: str, store: SqlStore):
    name = postgres_url.rpartition("/")[2]
    postgres.sql("INSERT INTO freqfleet_schema VALUES (999, 'm999_from_the_future')", name)

    with pytest.raises(StoreIncompatible, match="has schema 999, written by a newer freqfleet"):
        SqlStore(postgres_url)


def test_the_steps_lead_to_exactly_the_tables_of_the_schema(store: SqlStore):
    with store._reading() as connection:
        built = inspect(connection)
        for name, table in metadata.tables.items():
            columns = {one["name"]: bool(one["nullable"]) for one in built.get_columns(name)}
            indexes = {one["name"]: one["column_names"] for one in built.get_indexes(name)}
            assert columns == {one.name: bool(one.nullable) for one in table.columns}
            assert indexes == {one.name: [column.name for column in one.columns] for one in table.indexes}


# Bad input


def test_a_database_that_is_not_there_is_said(postgres: PostgresProcess):
    with pytest.raises(StoreUnavailable, match='database "nowhere" does not exist'):
        SqlStore(postgres.url("nowhere"))


def test_a_user_that_is_not_there_is_said_without_the_secret(postgres: PostgresProcess):
    url = postgres.url("postgres").replace("fleet@", "ghost@")

    with pytest.raises(StoreUnavailable, match='role "ghost" does not exist') as raised:
        SqlStore(url, secret=SecretStr("planted-swordfish"))

    assert "swordfish" not in repr(raised.value)


def test_a_database_of_a_bots_own_is_refused(postgres: PostgresProcess, postgres_url: str):
    postgres.sql("CREATE TABLE trades (id INTEGER)", postgres_url.rpartition("/")[2])

    with pytest.raises(StoreIncompatible, match="is not a learning store, it holds the tables trades"):
        SqlStore(postgres_url)


@pytest.mark.parametrize(
    "text", ["x'; DROP TABLE closed_trades; --", 'dou"ble', "a,b c", "100%s", ":name", "é€"]
)
def test_hostile_text_is_only_text(store: SqlStore, text: str):
    trade = closed_trade(bot=text, exit_reason=text, enter_tag=text)
    store.record_closed_trades([trade])

    assert store.closed_trades(bots=[text]) == [trade]
    assert store.last_recorded_close(text) == trade.closed_at


# The server


def test_a_server_that_was_killed_has_what_it_acknowledged_and_the_same_store_works_on():
    with installed(postgres_server()) as server:
        store = SqlStore(server.create_database("learning"), timeout_seconds=5.0)
        store.record_closed_trades([closed_trade(trade_id=number) for number in range(50)])

        server.kill()
        with pytest.raises(StoreUnavailable, match="does not answer"):
            store.closed_trades()
        server.start()
        found = [one.trade_id for one in store.closed_trades()]
        again = store.record_closed_trades([closed_trade(trade_id=7), closed_trade(trade_id=50)])
        store.close()

    assert found == list(range(50))
    assert (again.accepted, again.duplicate) == (1, 1)


def test_a_statement_ends_at_the_timeout(postgres_url: str):
    store = SqlStore(postgres_url, timeout_seconds=0.3)
    with pytest.raises(StoreUnavailable, match="statement timeout"), store._reading() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(20)")
    store.close()


# The roles that docs/operations.md grants


def documented_grants(suffix: str) -> list[str]:
    """The statements that the documentation gives an operator, for roles of this test's own."""
    text = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    section = text.partition("### PostgreSQL\n")[2].partition("\n### ")[0]
    lines = [one.strip() for one in section.splitlines() if one.startswith("    ")]
    statements = [one for one in lines if one.startswith(("CREATE ROLE", "GRANT", "ALTER"))]
    named = [re.sub(r"fleet_(bot|panel)", rf"\1_{suffix}", one) for one in statements]
    return [one.replace("'…'", "'planted-9'") for one in named]


def test_bots_need_to_write_trades_only_and_dashboards_nothing(
    postgres: PostgresProcess, postgres_url: str, store: SqlStore
):
    database = postgres_url.rpartition("/")[2]
    store.publish_parameters([version()])
    for statement in documented_grants(database):
        postgres.sql(statement, database)
    postgres.sql("CREATE TABLE of_a_later_step (id INTEGER)", database)

    secret = SecretStr("planted-9")
    bot = SqlStore(postgres_url.replace("fleet@", f"bot_{database}@"), secret=secret)
    panel = SqlStore(postgres_url.replace("fleet@", f"panel_{database}@"), secret=secret)

    assert bot.record_closed_trades([closed_trade()]).accepted == 1
    assert bot.parameter_versions() == [version()]
    assert bot.record_closed_trades([closed_trade(exit_reason="amended")]).amended == 1
    assert panel.closed_trades() == [closed_trade(exit_reason="amended")]
    for reader in (bot, panel):
        with reader._reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM of_a_later_step").scalar() == 0
    for refused in (
        lambda: bot.publish_parameters([version(run_id="2")]),
        lambda: panel.publish_parameters([version(run_id="2")]),
        lambda: panel.record_closed_trades([closed_trade(trade_id=2)]),
    ):
        with pytest.raises(StoreUnavailable, match=r"permission denied for table .*; grant it"):
            refused()
    bot.close()
    panel.close()


# Several programs


WRITER = """
import sys
from freqfleet.store.sql import SqlStore
from freqfleet.testing.trades import closed_trade, version
url, bot = sys.argv[1:]
store = SqlStore(url)  # all of them make the tables at once
for number in range(25):
    new = store.record_closed_trades([closed_trade(bot=bot, trade_id=number)])
    again = store.record_closed_trades([closed_trade(bot=bot, trade_id=number)])
    shared = store.publish_parameters([version(run_id=str(number))])
    assert (new.accepted + new.duplicate, again.duplicate) == (1, 1), (new, again)
    print(new.accepted, shared.accepted)
store.close()
"""


def test_several_programs_share_a_new_database_and_count_each_thing_once(postgres_url: str):
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, postgres_url, bot],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for bot in ("BOT1", "BOT1", "BOT2")
    ]
    try:
        told = [program.communicate(timeout=60) for program in running]
    finally:
        for program in running:
            program.kill()

    assert [program.returncode for program in running] == [0, 0, 0], told
    counts = [tuple(map(int, line.split())) for out, _ in told for line in out.splitlines()]
    assert sum(accepted for accepted, _ in counts) == 50
    assert sum(published for _, published in counts) == 25
