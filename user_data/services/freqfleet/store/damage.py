"""A damaged SQLite store is moved aside, never deleted, so that the next writer can build it anew.

The trades come back from the bots' own databases, the parameters from the last good books of the bots.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

_HEADER = b"SQLite format 3\x00"
_BESIDE = ("", "-wal", "-shm")  # the WAL belongs to the damaged file: beside a new one it would be poison


def inode(file: Path) -> int | None:
    """Return which file stands there now; None for none."""
    try:
        return file.stat().st_ino
    except FileNotFoundError:
        return None


def is_sqlite(file: Path) -> bool:
    """True where the file begins as SQLite's do; anything else may have been named by mistake."""
    try:
        with file.open("rb") as opened:
            return opened.read(len(_HEADER)) == _HEADER
    except OSError:
        return False


def move_aside(file: Path, seen: int | None, now: datetime) -> Path | None:
    """Rename a damaged store and what belongs to it; return where it is now.

    seen : the inode that was found damaged; None is returned, and nothing moved, where another program has
        put a new file there meanwhile.
    """
    if seen is None or inode(file) != seen:
        return None
    away = file.with_name(f"{file.name}.damaged-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    for beside in _BESIDE:
        part = file.with_name(file.name + beside)
        if part.exists():
            part.replace(away.with_name(away.name + beside))
    return away
