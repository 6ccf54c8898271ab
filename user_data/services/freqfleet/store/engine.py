"""Opening a database for the store: where it is, how it locks, how it survives a crash.

SQLite runs with WAL (readers never wait for the writer), synchronous=FULL (an acknowledged trade
survives a power cut) and BEGIN IMMEDIATE for writers: a read transaction that turns into a writing one
fails at once with "database is locked", however long the timeout is. How they wait for each other:
writers_turn.py.
"""

from __future__ import annotations

import logging
import math
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import QueuePool

from freqfleet.errors import SettingsError, StoreUnavailable
from freqfleet.settings import USERDIR_NAME
from freqfleet.store.secret import shown_url
from freqfleet.store.writers_turn import begin_writing

WRITES = {"freqfleet_writes": True}  # execution option of a connection that is going to write
_SQLITE_FORM = "sqlite:///user_data/learning.sqlite"
_POSTGRES_FORM = "postgresql+psycopg://user@host/database"
# The names a URL may begin with, and how it is best written.
_DRIVERS = {
    "sqlite": (("sqlite",), _SQLITE_FORM),
    "postgresql": (("postgresql", "postgresql+psycopg"), _POSTGRES_FORM),
}
_POOLED_CONNECTIONS = 5
_WRITERS_LOCK = 0x66_6C_65_65_74  # PostgreSQL: the number of the lock that writers of this database take


def parse_store_url(text: str) -> URL:
    """Read a store's URL; raises SettingsError for one that names no database on disk or server."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise SettingsError(
            f"[store] url {shown_url(text)} is not a database URL; write {_SQLITE_FORM}, or {_POSTGRES_FORM}"
        ) from None
    if url.password is not None:
        raise SettingsError(
            "[store] url holds a password; take it out and set FREQFLEET_STORE__TOKEN, or [store] token_file"
        )
    backend = url.get_backend_name()
    names, form = _DRIVERS.get(backend, ((url.drivername,), ""))
    if url.drivername not in names:
        driver = url.drivername.partition("+")[2]
        raise SettingsError(f"[store] url asks for the driver {driver!r}, which is not used; write {form}")
    database = url.database or ""
    if backend == "sqlite" and (database in ("", ":memory:") or database.startswith("file:")):
        raise SettingsError(
            f"[store] url {text!r} names no file, and a store in memory forgets; write {_SQLITE_FORM}"
        )
    if backend == "sqlite" and url.query:
        given = ", ".join(url.query)
        raise SettingsError(
            f"[store] url: a store on SQLite takes no options, was {given}; write {_SQLITE_FORM}"
        )
    return url


def describe(url: URL) -> str:
    """Return how messages name the store: the file, or the server without any secret."""
    if url.get_backend_name() == "sqlite":
        return f"learning store {url.database}"
    return f"learning store {url.set(query={}).render_as_string(hide_password=True)}"


def open_engine(url: URL, timeout_seconds: float, secret: SecretStr | None = None) -> Engine:
    """Return an engine; nothing is opened yet, except that a missing `user_data` folder is made.

    Raises StoreUnavailable for a place where no file can be, SettingsError for a missing driver.
    """
    backend = url.get_backend_name()
    if backend == "sqlite":
        _check_place(Path(url.database or ""))
        engine = create_engine(
            url,
            poolclass=QueuePool,
            pool_size=_POOLED_CONNECTIONS,
            max_overflow=-1,  # never a thread that waits for a connection while it holds a lock
            connect_args={"timeout": timeout_seconds, "check_same_thread": False},
        )
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _on_sqlite_begin(timeout_seconds))
        return engine
    # psycopg warns of each connection that an error leaves behind; the error itself says more.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    if secret is not None:
        url = url.set(password=secret.get_secret_value())  # SQLAlchemy hides it wherever it shows a URL
    try:
        engine = create_engine(
            url,
            pool_pre_ping=True,
            pool_timeout=timeout_seconds,
            connect_args={"connect_timeout": max(2, math.ceil(timeout_seconds))},  # libpq takes 1 for 2
        )
        event.listen(engine, "begin", _on_postgres_begin(timeout_seconds))
        return engine
    except (ImportError, NoSuchModuleError) as error:
        raise SettingsError(
            f"no driver for {backend!r} ({error}); pip install 'freqfleet[postgres]', or use sqlite:///…"
        ) from None


def use_wal(engine: Engine, description: str, timeout_seconds: float) -> None:
    """Switch an SQLite file to WAL; the file remembers it.

    The switch needs the file for itself and does not wait, so programs that start together try again
    until the timeout. Raises StoreUnavailable where the place cannot do WAL (a network drive).
    """
    if engine.dialect.name != "sqlite":
        return
    deadline = time.monotonic() + timeout_seconds
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        while True:
            try:
                cursor.execute("PRAGMA journal_mode=WAL")
                (mode,) = cursor.fetchone() or ("unknown",)
                break
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        if mode != "wal":
            raise StoreUnavailable(f"{description}: no WAL there ({mode}); put it on a local disk")
    finally:
        raw.close()


def _check_place(file: Path) -> None:
    if file.is_dir():
        raise StoreUnavailable(f"learning store {file} is a folder; give [store] url a file")
    folder = file.parent
    if folder.is_dir():
        return
    if folder.name != USERDIR_NAME:
        raise StoreUnavailable(
            f"learning store {file}: there is no folder {folder}; "
            "make it, or correct --userdir or [store] url"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"learning store {file}: cannot make {folder}: {error.strerror}") from error


def _on_sqlite_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver starts no transaction of its own: _on_sqlite_begin does
    connection.execute("PRAGMA synchronous=FULL").close()


def _on_postgres_begin(timeout_seconds: float) -> Callable[[Connection], None]:
    """Return what starts a transaction: the server ends a statement that outlives the timeout.

    Writers wait for one another, as they do in SQLite: the transaction holds a lock of the store's own, so
    that "is it there already?" and "store it" are one step, and new tables are made by one of them.
    """
    limit = f"SET LOCAL statement_timeout = {max(1, round(timeout_seconds * 1000))}"

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(limit)
        if connection.get_execution_options().get("freqfleet_writes", False):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS_LOCK})")

    return begin


def _on_sqlite_begin(timeout_seconds: float) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("freqfleet_writes", False):
            begin_writing(connection, timeout_seconds)
        else:
            connection.exec_driver_sql("BEGIN")

    return begin
