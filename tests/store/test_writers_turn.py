"""Writers of one SQLite file take turns: who waits looks often, and says so when its time runs out."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from freqfleet.store.engine import WRITES, open_engine

HELD_SECONDS = 0.4


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "shared.sqlite")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE numbers (number INTEGER)")
    return tmp_path / "shared.sqlite"


@contextmanager
def opened(file: Path, timeout_seconds: float) -> Iterator[tuple[Engine, list[str]]]:
    """An engine and every statement that its connections were given."""
    said: list[str] = []
    engine = open_engine(make_url(f"sqlite:///{file}"), timeout_seconds)
    event.listen(engine, "connect", lambda raw, _: raw.set_trace_callback(said.append))
    yield engine, said
    engine.dispose()


@contextmanager
def writing(file: Path) -> Iterator[sqlite3.Connection]:
    """Another program in the middle of writing."""
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def test_who_waits_looks_many_times_and_then_writes(file: Path) -> None:
    with writing(file) as other, opened(file, 30.0) as (engine, said):
        threading.Timer(HELD_SECONDS, other.execute, ["COMMIT"]).start()

        with engine.connect().execution_options(**WRITES) as connection:
            connection.exec_driver_sql("INSERT INTO numbers VALUES (1)")
            connection.commit()

    looks = sum("BEGIN IMMEDIATE" in one for one in said)
    assert looks >= 10  # SQLite's own wait, with its naps of up to 100 ms, is one statement
    with closing(sqlite3.connect(file)) as check:
        assert check.execute("SELECT number FROM numbers").fetchall() == [(1,)]


def test_the_wait_ends_with_the_timeout_of_the_store(file: Path) -> None:
    with writing(file), opened(file, 0.05) as (engine, _):
        connection = engine.connect().execution_options(**WRITES)
        with connection, pytest.raises(OperationalError, match="database is locked"):
            connection.exec_driver_sql("INSERT INTO numbers VALUES (1)")


def test_other_statements_keep_the_timeout_of_the_store(file: Path) -> None:
    with opened(file, 2.5) as (engine, _), engine.connect().execution_options(**WRITES) as connection:
        connection.exec_driver_sql("INSERT INTO numbers VALUES (1)")
        (patience_ms,) = connection.exec_driver_sql("PRAGMA busy_timeout").one()

    assert patience_ms == 2500


def test_a_reader_waits_for_no_writer(file: Path) -> None:
    with writing(file), opened(file, 0.0) as (engine, said), engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM numbers").scalar_one() == 0

    assert not any("IMMEDIATE" in one for one in said)
