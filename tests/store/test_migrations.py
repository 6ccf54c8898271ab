from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, inspect

from freqfleet.errors import StoreIncompatible
from freqfleet.store.migrations import STEPS, Step, newest_version, schema_version, upgrade
from freqfleet.store.schema import metadata
from freqfleet.store.sql import SqlStore
from freqfleet.testing.trades import closed_trade


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "learning.sqlite"


@pytest.fixture
def engine(file: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{file}")
    yield engine
    engine.dispose()


def bring_to(engine: Engine, steps: list[Step]) -> None:
    @contextmanager
    def transaction() -> Iterator[Connection]:
        with engine.begin() as connection:
            yield connection

    upgrade(transaction, transaction, "learning store x", steps)


def version_of(engine: Engine) -> int:
    with engine.connect() as connection:
        return schema_version(connection, "learning store x")


def test_the_steps_lead_to_exactly_the_tables_of_the_schema(engine: Engine):
    bring_to(engine, STEPS)

    built = inspect(engine)
    assert set(built.get_table_names()) == set(metadata.tables)
    for name, table in metadata.tables.items():
        with engine.connect() as connection:
            written = connection.exec_driver_sql(f"PRAGMA table_info({name})").all()
        columns = {
            one.name: (one.type.replace(" PRECISION", ""), not one.notnull, one.pk > 0) for one in written
        }
        expected = {
            one.name: (one.type.compile(engine.dialect), bool(one.nullable), one.primary_key)
            for one in table.columns
        }
        assert columns == expected
        assert {(one["name"], tuple(one["column_names"])) for one in built.get_indexes(name)} == {
            (one.name, tuple(column.name for column in one.columns)) for one in table.indexes
        }


def test_the_steps_are_numbered_without_a_gap():
    assert [step.version for step in STEPS] == list(range(1, len(STEPS) + 1))


@pytest.mark.parametrize("older", range(1, len(STEPS)))
def test_an_older_file_is_upgraded_and_keeps_what_it_holds(file: Path, engine: Engine, older: int):
    store = SqlStore(f"sqlite:///{file.with_name('new.sqlite')}")
    store.record_closed_trades([closed_trade()])
    with store._reading() as connection:
        row = connection.exec_driver_sql("SELECT * FROM closed_trades").one()
    store.close()
    bring_to(engine, STEPS[:older])
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO closed_trades VALUES ({', '.join('?' * len(row))})", tuple(row)
        )

    upgraded = SqlStore(f"sqlite:///{file}")

    assert upgraded.health().schema == newest_version()
    assert upgraded.closed_trades() == [closed_trade()]
    upgraded.close()


def test_a_newer_file_is_refused_in_words_and_left_as_it_is(file: Path, engine: Engine):
    bring_to(engine, [*STEPS, Step(len(STEPS) + 1, "m999_from_the_future", lambda _: None)])
    engine.dispose()
    before = file.read_bytes()

    with pytest.raises(StoreIncompatible) as raised:
        SqlStore(f"sqlite:///{file}")

    assert str(raised.value) == (
        f"learning store {file} has schema {len(STEPS) + 1}, written by a newer freqfleet; this one knows "
        f"up to {len(STEPS)}; upgrade freqfleet, nothing was touched"
    )
    assert file.read_bytes() == before


def test_a_step_that_fails_leaves_no_trace(file: Path):
    def half(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE half (a INTEGER)")
        raise RuntimeError("power cut")

    store = SqlStore(f"sqlite:///{file}")  # its transactions hold DDL, too
    with pytest.raises(RuntimeError, match="power cut"):
        upgrade(store._reading, store._writing, "x", [*STEPS, Step(len(STEPS) + 1, "m003_half", half)])

    with store._reading() as connection:
        assert "half" not in inspect(connection).get_table_names()
        assert schema_version(connection, "x") == len(STEPS)
    store.close()


def test_an_upgraded_store_is_not_written_again(engine: Engine):
    bring_to(engine, STEPS)

    @contextmanager
    def reading() -> Iterator[Connection]:
        with engine.begin() as connection:
            yield connection

    @contextmanager
    def writing() -> Iterator[Connection]:
        raise AssertionError("took the write lock")
        yield

    upgrade(reading, writing, "x")

    assert version_of(engine) == len(STEPS)
