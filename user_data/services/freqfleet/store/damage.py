"""A damaged SQLite store is moved aside, never deleted, so that the next writer can build it anew.

The trades come back from the bots' own databases, the parameters from the last good books of the bots.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from freqfleet.errors import StoreDamaged
from freqfleet.store.faults import REBUILD, store_error

_HEADER = b"SQLite format 3\x00"
_BESIDE = ("", "-wal", "-shm")  # the WAL belongs to the damaged file: beside a new one it would be poison


def inode(file: Path) -> int | None:
    """Return which file stands there now; None where none can be seen."""
    try:
        return file.stat().st_ino
    except OSError:
        return None


def is_sqlite(file: Path) -> bool:
    """True where the file begins as SQLite's do; anything else may have been named by mistake."""
    try:
        with file.open("rb") as opened:
            return opened.read(len(_HEADER)) == _HEADER
    except OSError:
        return False


def look_through(file: Path, timeout_seconds: float) -> None:
    """Read every page of an SQLite file: damage shows nowhere else until somebody needs its place.

    timeout_seconds : how long it waits for a lock. Raises StoreDamaged for a file that is damaged anywhere,
        StoreUnavailable where it cannot be read.
    """
    # Makes no file; a crash may have left a WAL to write back.
    address = f"{file.resolve().as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=timeout_seconds)) as opened:
            (said,) = opened.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise store_error(error, f"learning store {file}", timeout_seconds) from error
    if said != "ok":
        raise StoreDamaged(f"learning store {file}: it is damaged ({' '.join(said.split())}); {REBUILD}")


def move_aside(file: Path, seen: int | None, now: datetime) -> Path | None:
    """Rename a damaged store and what belongs to it; return where it is now.

    seen : the inode that was found damaged; None is returned, and nothing moved, where another program has
        put a new file there meanwhile.
    """
    if seen is None or inode(file) != seen:
        return None
    at = now.astimezone(UTC)
    while (away := file.with_name(f"{file.name}.damaged-{at:%Y%m%dT%H%M%SZ}")).exists():
        at += timedelta(seconds=1)  # what was moved aside before is never written over
    for beside in _BESIDE:
        part = file.with_name(file.name + beside)
        if part.exists():
            part.replace(away.with_name(away.name + beside))
    return away
