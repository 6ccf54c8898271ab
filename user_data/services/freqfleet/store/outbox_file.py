"""What waits for the store, on disk: a queue in order, and the letters that no store will ever take.

One SQLite file a bot, WAL and synchronous=FULL: what `append` returned for survives kill -9 and a power
cut. Rows leave the queue only when the store has answered for them or they became dead letters.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

from freqfleet.clock import Clock, from_ms, to_ms
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.errors import InputError
from freqfleet.parameters.version import ParameterVersion
from freqfleet.store.damage import inode, move_aside
from freqfleet.store.rows import closed_trade, parameter_version, trade_row, version_row

logger = logging.getLogger(__name__)

OUTBOXES = Path("user_data") / "outbox"
Item = ClosedTrade | ParameterVersion

_TABLES = """
CREATE TABLE IF NOT EXISTS waiting (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, content TEXT NOT NULL,
    queued_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS dead_letters (
    sequence INTEGER PRIMARY KEY, kind TEXT NOT NULL, content TEXT NOT NULL, queued_ms INTEGER NOT NULL,
    refused_ms INTEGER NOT NULL, reason TEXT NOT NULL
);
"""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_TIMEOUT_SECONDS = 10.0

T = TypeVar("T")


class Kind(StrEnum):
    """What a letter holds."""

    TRADE = "trade"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Letter:
    """One row of the queue; content is JSON."""

    sequence: int
    kind: Kind
    content: str

    def item(self) -> Item:
        """Return what was queued; raises InputError, ValueError, TypeError or KeyError where unreadable."""
        values = SimpleNamespace(**json.loads(self.content))
        try:
            return closed_trade(values) if self.kind is Kind.TRADE else parameter_version(values)
        except AttributeError as error:  # a column is missing
            raise ValueError(str(error)) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A letter that was refused, and why."""

    sequence: int
    kind: str
    content: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStatus:
    """How many letters wait on disk, since when the oldest does, and how many were refused."""

    waiting: int
    oldest_queued_at: datetime | None
    dead_letters: int
    last_reason: str | None


class OutboxFile:
    """The queue of one bot; may be used from several threads. Every method raises sqlite3.Error or OSError.

    A damaged file is moved aside, aloud, and a new one begun: what was in it is still in the bot's own
    database, from which `freqfleet sync` brings it.
    """

    def __init__(self, file: Path, *, clock: Clock) -> None:
        self.file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def append(self, items: Sequence[Item]) -> None:
        """Put items at the end of the queue, all of them or none; they are on disk when this returns.

        An item that no store can hold becomes a dead letter at once.
        """
        now_ms = to_ms(self._clock.now())
        letters = [_letter(item) for item in items]

        def write(connection: sqlite3.Connection) -> None:
            for kind, content, flaw in letters:
                row = connection.execute(
                    "INSERT INTO waiting (kind, content, queued_ms) VALUES (?, ?, ?)", (kind, content, now_ms)
                )
                if flaw is not None:
                    assert row.lastrowid is not None
                    _bury(connection, row.lastrowid, flaw, now_ms)

        self._in_transaction(write)

    def oldest(self, limit: int) -> list[Letter]:
        """Return up to `limit` letters of one kind from the head of the queue."""
        rows = self._in_transaction(
            lambda connection: connection.execute(
                "SELECT sequence, kind, content FROM waiting ORDER BY sequence LIMIT ?", (limit,)
            ).fetchall()
        )
        letters = [Letter(sequence, Kind(kind), content) for sequence, kind, content in rows]
        other = next((at for at, one in enumerate(letters) if one.kind is not letters[0].kind), len(letters))
        return letters[:other]

    def delivered(self, letters: Sequence[Letter]) -> None:
        """Take letters out of the queue: the store has them."""
        self._in_transaction(
            lambda connection: connection.executemany(
                "DELETE FROM waiting WHERE sequence = ?", [(one.sequence,) for one in letters]
            )
        )

    def bury(self, letter: Letter, reason: str) -> None:
        """Make a letter a dead one."""
        now_ms = to_ms(self._clock.now())
        self._in_transaction(lambda connection: _bury(connection, letter.sequence, reason, now_ms))

    def revive(self) -> int:
        """Queue every dead letter again, at the end; return how many."""

        def write(connection: sqlite3.Connection) -> int:
            moved = connection.execute(
                "INSERT INTO waiting (kind, content, queued_ms) "
                "SELECT kind, content, queued_ms FROM dead_letters ORDER BY sequence"
            ).rowcount
            connection.execute("DELETE FROM dead_letters")
            return moved

        return self._in_transaction(write)

    def dead_letters(self) -> list[DeadLetter]:
        """Return the letters that were refused, oldest first."""
        rows = self._in_transaction(
            lambda connection: connection.execute(
                "SELECT sequence, kind, content, reason FROM dead_letters ORDER BY sequence"
            ).fetchall()
        )
        return [
            DeadLetter(sequence=one, kind=kind, content=text, reason=why) for one, kind, text, why in rows
        ]

    def status(self) -> FileStatus:
        """Count what waits and what was refused."""
        return self._in_transaction(_status)

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _in_transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock:
            if self._connection is None:
                self._connection = self._opened()
            try:
                with self._connection as connection:  # commits, or rolls back
                    connection.execute("BEGIN IMMEDIATE")
                    return work(connection)
            except sqlite3.Error:
                self._connection.close()  # opened again, and looked at, by the next call
                self._connection = None
                raise

    def _opened(self) -> sqlite3.Connection:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        seen = inode(self.file)
        try:
            return _connect(self.file)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF not in _DAMAGED:
                raise
            away = move_aside(self.file, seen, self._clock.now())
            if away is None:
                raise
            logger.warning(
                "outbox %s is damaged (%s); moved to %s, `freqfleet sync` brings what was in it",
                self.file, error, away,
            )  # fmt: skip
            return _connect(self.file)


def read_status(file: Path) -> FileStatus:
    """Return the status of a bot's outbox that another process uses; raises sqlite3.Error, OSError."""
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=2.0)) as connection:
        return _status(connection)


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        file, timeout=_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA quick_check(1)").fetchone()
        connection.executescript(_TABLES)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _letter(item: Item) -> tuple[Kind, str, str | None]:
    """Return kind, content, and why no store can hold it (None where one can)."""
    kind = Kind.TRADE if isinstance(item, ClosedTrade) else Kind.VERSION
    try:
        row = trade_row(item) if isinstance(item, ClosedTrade) else version_row(item)
    except InputError as error:
        as_it_was = {field.name: getattr(item, field.name) for field in fields(item)}
        return kind, json.dumps(as_it_was, default=str), str(error)
    return kind, json.dumps(row), None


def _bury(connection: sqlite3.Connection, sequence: int, reason: str, now_ms: int) -> None:
    connection.execute(
        "INSERT INTO dead_letters SELECT sequence, kind, content, queued_ms, ?, ? FROM waiting "
        "WHERE sequence = ?",
        (now_ms, reason.encode("utf-8", "replace").decode(), sequence),
    )
    connection.execute("DELETE FROM waiting WHERE sequence = ?", (sequence,))


def _status(connection: sqlite3.Connection) -> FileStatus:
    waiting, oldest = connection.execute("SELECT count(*), min(queued_ms) FROM waiting").fetchone()
    (dead,) = connection.execute("SELECT count(*) FROM dead_letters").fetchone()
    last = connection.execute("SELECT reason FROM dead_letters ORDER BY sequence DESC LIMIT 1").fetchone()
    return FileStatus(
        waiting=waiting,
        oldest_queued_at=None if oldest is None else from_ms(oldest),
        dead_letters=dead,
        last_reason=None if last is None else last[0],
    )
