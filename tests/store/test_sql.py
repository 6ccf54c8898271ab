"""SqlStore on SQLite: the contract, and what only a file can do wrong."""

from __future__ import annotations

import gc
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from freqfleet.errors import SettingsError, StoreError, StoreIncompatible, StoreReplaced, StoreUnavailable
from freqfleet.settings import load_settings
from freqfleet.store.promise import LearningStore
from freqfleet.store.sql import SqlStore
from freqfleet.testing.store_contract import StoreContract
from freqfleet.testing.trades import closed_trade, version
from freqfleet.wiring import open_store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "learning.sqlite"


@pytest.fixture
def opened(file: Path) -> Iterator[SqlStore]:
    store = SqlStore(f"sqlite:///{file}", timeout_seconds=5.0)
    yield store
    store.close()


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def store(self, file: Path) -> Iterator[LearningStore]:
        self.stores = [SqlStore(f"sqlite:///{file}")]
        yield self.stores[0]
        for store in self.stores:
            store.close()

    def reopened(self, store: LearningStore) -> LearningStore:
        store.close()
        self.stores.append(SqlStore(self.stores[0]._engine.url.render_as_string()))
        return self.stores[-1]


# Durability and locks


def test_the_file_is_in_wal_mode_and_every_connection_syncs_fully(opened: SqlStore):
    with opened._reading() as connection:
        modes = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        ]

    assert modes == ["wal", 2]


def test_a_reader_does_not_wait_for_a_writer(file: Path, opened: SqlStore):
    opened.record_closed_trades([closed_trade()])
    with lock_held(file):
        assert opened.closed_trades() == [closed_trade()]


def test_a_writer_waits_for_the_lock_of_another(file: Path, opened: SqlStore):
    with lock_held(file) as connection:
        timer = threading.Timer(0.3, connection.rollback)
        timer.start()

        receipt = opened.record_closed_trades([closed_trade()])
        timer.join()

    assert receipt.accepted == 1


def test_opening_a_new_file_waits_for_a_program_that_is_making_it(file: Path):
    file.touch()
    with lock_held(file) as connection:
        timer = threading.Timer(0.3, connection.rollback)
        timer.start()

        store = SqlStore(f"sqlite:///{file}", timeout_seconds=5.0)
        timer.join()

    assert store.health().trades == 0
    store.close()


def test_a_new_file_that_stays_locked_is_unavailable(file: Path):
    file.touch()
    with lock_held(file), pytest.raises(StoreUnavailable, match=r"has held its lock for 0\.1 s"):
        SqlStore(f"sqlite:///{file}", timeout_seconds=0.1)


def test_a_lock_that_is_held_too_long_is_unavailable_and_nothing_is_stored(file: Path, opened: SqlStore):
    hasty = SqlStore(f"sqlite:///{file}", timeout_seconds=0.05)
    with lock_held(file), pytest.raises(StoreUnavailable) as raised:
        hasty.record_closed_trades([closed_trade()])
    hasty.close()

    assert str(raised.value) == (
        f"learning store {file}: another program has held its lock for 0.05 s; "
        "stop that one, or raise [store] timeout_seconds"
    )
    assert opened.closed_trades() == []


def test_a_call_that_fails_half_way_stores_nothing(file: Path, opened: SqlStore):
    with sqlite_connection(file) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON closed_trades WHEN new.trade_id = 3 "
            "BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )

    with pytest.raises(StoreError, match="no room"):
        opened.record_closed_trades([closed_trade(trade_id=number) for number in range(1, 6)])

    assert opened.closed_trades() == []


# Files that are no store


def test_a_missing_user_data_folder_is_made(tmp_path: Path):
    settings = load_settings(tmp_path / "deep" / "user_data")

    open_store(settings).close()

    assert (tmp_path / "deep" / "user_data" / "learning.sqlite").is_file()


def test_no_other_missing_folder_is_made(tmp_path: Path):
    file = tmp_path / "typo" / "learning.sqlite"

    with pytest.raises(StoreUnavailable, match=r"there is no folder .*typo; make it, or correct --userdir"):
        SqlStore(f"sqlite:///{file}")

    assert not file.parent.exists()


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path):
    (tmp_path / "taken").write_text("a file")

    with pytest.raises(StoreUnavailable, match=r"cannot make .*user_data"):
        SqlStore(f"sqlite:///{tmp_path}/taken/user_data/learning.sqlite")


def test_a_folder_is_no_store(tmp_path: Path):
    with pytest.raises(StoreUnavailable, match=r"is a folder; give \[store\] url a file"):
        SqlStore(f"sqlite:///{tmp_path}")


def test_a_file_that_is_no_database_is_left_as_it_is(file: Path):
    file.write_text("pair;profit\n" * 200)
    before = file.read_bytes()

    with pytest.raises(StoreUnavailable, match="is not an SQLite database; give"):
        SqlStore(f"sqlite:///{file}")

    assert file.read_bytes() == before


def test_a_damaged_database_is_unavailable_with_the_way_out(file: Path):
    store = SqlStore(f"sqlite:///{file}")
    store.record_closed_trades([closed_trade(trade_id=number) for number in range(500)])
    store.close()
    damaged = bytearray(file.read_bytes())
    damaged[8192:] = b"\xff" * (len(damaged) - 8192)
    file.write_bytes(damaged)

    with pytest.raises(StoreUnavailable, match="is damaged; run `freqfleet sync`"):
        SqlStore(f"sqlite:///{file}").closed_trades()


@pytest.mark.parametrize("new", [True, False])
def test_a_file_that_was_moved_away_under_an_open_store_is_neither_read_nor_written(
    file: Path, opened: SqlStore, new: bool
):
    opened.record_closed_trades([closed_trade()])
    aside = file.rename(file.with_name("aside.sqlite"))
    if new:
        SqlStore(f"sqlite:///{file}").close()

    for call in (opened.closed_trades, opened.health, lambda: opened.record_closed_trades([closed_trade()])):
        with pytest.raises(StoreReplaced, match=r"was moved away while it was open; open it again"):
            call()

    assert aside.is_file()
    assert file.exists() == new


def test_the_database_of_a_bot_is_refused_and_not_touched(file: Path):
    with sqlite_connection(file) as connection:
        connection.execute("CREATE TABLE trades (id INTEGER PRIMARY KEY)")
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    before = file.read_bytes()

    with pytest.raises(
        StoreIncompatible, match="is not a learning store, it holds the tables orders, trades"
    ):
        SqlStore(f"sqlite:///{file}")

    assert file.read_bytes() == before


def test_an_empty_file_becomes_a_store(file: Path):
    file.touch()

    store = SqlStore(f"sqlite:///{file}")

    assert store.health().trades == 0
    store.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?uri=true", "nonsense"])
def test_a_url_without_a_file_is_a_wrong_setting(url: str):
    with pytest.raises(SettingsError, match=r"write sqlite:///user_data/learning\.sqlite"):
        SqlStore(url)


def test_a_database_nobody_wrote_a_body_for_is_a_wrong_setting():
    with pytest.raises(SettingsError, match="no SQL store speaks 'mysql'"):
        SqlStore("mysql://host/db")


def test_messages_about_a_server_hold_no_secret():
    from freqfleet.store.engine import describe, parse_store_url

    said = describe(parse_store_url("postgresql+psycopg://user@host/db?token=secret"))

    assert said == "learning store postgresql+psycopg://user@host/db"


def test_a_password_in_the_url_is_refused_without_repeating_it():
    with pytest.raises(SettingsError, match="set FREQFLEET_STORE__TOKEN") as raised:
        SqlStore("postgresql+psycopg://user:swordfish@host/db")

    assert "swordfish" not in str(raised.value)


# Rows outside the domain are never returned


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("parameters", '{"stop_loss":0.0,"take_profit":0.0481}'),  # seed 002 published a stop of 0 %
        ("parameters", "not json"),
        ("parameters", "[]"),
        ("evidence", '{"unheard_of":1}'),
        ("leverage_bin", "2-3"),
        ("side", "sideways"),
        ("source", "default"),
        ("pair", "no pair"),
        ("recorded_ms", 10**18),
    ],
)
def test_a_version_outside_the_domain_is_skipped_counted_and_the_rest_is_read(
    file: Path, opened: SqlStore, column: str, value: object
):
    bad, good = version(run_id="bad"), version(run_id="good")
    opened.publish_parameters([bad, good])
    with sqlite_connection(file) as connection:
        connection.execute(
            f"UPDATE parameter_versions SET {column} = ? WHERE version_id = ?", (value, bad.version_id)
        )

    first = opened.parameter_versions()
    second = opened.parameter_versions()

    assert first == second == [good]
    assert list(opened.unusable_rows) == [f"version {bad.version_id}"]


@pytest.mark.parametrize(
    ("column", "value"), [("leverage", 0.5), ("closed_ms", 0), ("open_rate", -1.0), ("mode", "wishful")]
)
def test_a_trade_outside_the_domain_is_skipped_counted_and_the_rest_is_read(
    file: Path, opened: SqlStore, column: str, value: object
):
    opened.record_closed_trades([closed_trade(trade_id=1), closed_trade(trade_id=2)])
    with sqlite_connection(file) as connection:
        connection.execute(f"UPDATE closed_trades SET {column} = ? WHERE trade_id = 1", (value,))

    read = opened.closed_trades()

    assert read == [closed_trade(trade_id=2)]
    assert list(opened.unusable_rows) == ["BOT1 db:2025-10-01T00:00:00Z trade 1"]


# 4e15: microseconds in the place of milliseconds. 1e20: beyond what the machine's calendar reaches.
@pytest.mark.parametrize("moment", [4_000_000_000_000_000, 1e20, -1e20, "late"])
def test_a_time_that_is_none_costs_its_row_and_nothing_else(file: Path, opened: SqlStore, moment: object):
    rest = [closed_trade(trade_id=2), closed_trade(trade_id=3)]
    opened.record_closed_trades([closed_trade(trade_id=1), *rest])
    opened.publish_parameters([version(), version(run_id="2")])
    with sqlite_connection(file) as connection:
        connection.execute("UPDATE closed_trades SET closed_ms = ? WHERE trade_id = 1", (moment,))
        connection.execute("UPDATE parameter_versions SET recorded_ms = ? WHERE run_id = '2'", (moment,))

    health = opened.health()

    assert (health.trades, health.last_trade_closed_at) == (3, rest[0].closed_at)
    assert (health.versions, health.last_version_recorded_at) == (2, version().recorded_at)
    assert opened.last_recorded_close("BOT1") == rest[0].closed_at
    assert opened.closed_trades() == rest
    assert len(opened.trade_columns()) == 2
    assert opened.parameter_versions() == [version()]
    assert len(opened.unusable_rows) == 2


# Hand tools


class sqlite_connection:  # noqa: N801 - reads as a function
    """A plain connection that commits and closes, unlike sqlite3's own context manager."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, check_same_thread=False)

    def __enter__(self) -> sqlite3.Connection:
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.commit()
        self._connection.close()


class lock_held(sqlite_connection):  # noqa: N801 - reads as a function
    """Another program that holds the write lock."""

    def __enter__(self) -> sqlite3.Connection:
        self._connection.execute("BEGIN IMMEDIATE")
        return self._connection


@pytest.mark.parametrize("awake", [True, False])
def test_reading_leaves_the_garbage_collector_as_it_was(tmp_path, awake):
    store = SqlStore(f"sqlite:///{tmp_path / 'x.sqlite'}")
    store.record_closed_trades([closed_trade()])
    before = gc.isenabled()
    try:
        (gc.enable if awake else gc.disable)()

        store.closed_trades()

        assert gc.isenabled() is awake
    finally:
        (gc.enable if before else gc.disable)()
        store.close()
