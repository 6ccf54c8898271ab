"""Waiting for one's turn to write into an SQLite file that other programs write into, too.

SQLite lets one writer in at a time, and whoever waits sleeps longer from try to try, up to 100 ms
(`sqliteDefaultBusyCallback` in its main.c): who has waited longest looks least often, and newcomers go first.
Here everybody looks every few milliseconds, at random, so the wait is about that of the writers ahead.
"""

from __future__ import annotations

import random
import sqlite3
import time
from typing import cast

from sqlalchemy import Connection

LOOK_SECONDS = (0.001, 0.004)  # a transaction of a store takes some 2 to 8 ms, most of it the disk


def begin_writing(connection: Connection, timeout_seconds: float) -> None:
    """Start a transaction that holds the write lock; waits for it as long as a store waits at all.

    Raises sqlalchemy.exc.OperationalError ("database is locked") where the time runs out.
    """
    raw = cast("sqlite3.Connection", connection.connection.dbapi_connection)
    deadline = time.monotonic() + timeout_seconds
    raw.execute("PRAGMA busy_timeout=0").close()  # SQLite itself shall not sleep
    try:
        while True:
            try:
                raw.execute("BEGIN IMMEDIATE").close()
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                    break
            time.sleep(random.uniform(*LOOK_SECONDS))
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # once more, for an error as SQLAlchemy tells it
    finally:
        raw.execute(f"PRAGMA busy_timeout={round(timeout_seconds * 1000)}").close()
