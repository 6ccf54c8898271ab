"""A SQLite file with damage deep inside, which shows only to who reads that place."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def spoil_table(file: Path, table: str) -> None:
    """Write over the first page of a table; its indexes, which a store's health counts by, stay whole.

    Nobody may have the file open.
    """
    with closing(sqlite3.connect(file)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        place = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,))
        (page,) = place.fetchone()
    with file.open("r+b") as opened:
        opened.seek((page - 1) * size)
        opened.write(b"\x55" * size)
