"""What a database can throw at us, and which error of ours it becomes.

The world's faults (locked, full, gone, damaged) become StoreUnavailable: the same call may work later.
A fault that can only be ours (bad SQL, a broken constraint) becomes a plain StoreError that says so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from freqfleet.errors import StoreDamaged, StoreError, StoreUnavailable
from freqfleet.store.postgres_faults import postgres_fault

# Looked up along the class's ancestors, so a class that a later version adds is still caught.
FAULTS: dict[type[Exception], type[StoreError]] = {
    sqlite3.Error: StoreUnavailable,
    sqlite3.DatabaseError: StoreUnavailable,
    sqlite3.OperationalError: StoreUnavailable,
    sqlite3.InternalError: StoreUnavailable,
    sqlite3.DataError: StoreError,
    sqlite3.IntegrityError: StoreError,
    sqlite3.InterfaceError: StoreError,
    sqlite3.NotSupportedError: StoreError,
    sqlite3.ProgrammingError: StoreError,
    exc.SQLAlchemyError: StoreError,
    exc.DBAPIError: StoreUnavailable,
    exc.DatabaseError: StoreUnavailable,
    exc.OperationalError: StoreUnavailable,
    exc.InternalError: StoreUnavailable,
    exc.InterfaceError: StoreUnavailable,  # what PostgreSQL's driver raises for a lost connection
    exc.DataError: StoreError,
    exc.IntegrityError: StoreError,
    exc.NotSupportedError: StoreError,
    exc.ProgrammingError: StoreError,
    exc.TimeoutError: StoreUnavailable,  # every connection of the pool stayed in use
    exc.DisconnectionError: StoreUnavailable,
    exc.InvalidatePoolError: StoreUnavailable,
    OSError: StoreUnavailable,
}

_LOCKED = (
    "another program has held its lock for {timeout:g} s; stop that one, or raise [store] timeout_seconds"
)
_WRITABLE = (
    "check that it is a file and that its folder can be written: the owner, the permissions, and whether the "
    "disk is mounted read-only"
)
_NO_ROOM = "the disk is full; make room and try again, nothing of this call was stored"
REBUILD = (
    "run `freqfleet sync`, which moves it aside and makes a new one from the bots' databases, or put a "
    "backup in its place"
)
# By SQLite's own name of the fault; where its extended part is not named here, without that.
_REMEDIES = {
    "BUSY": _LOCKED,
    "LOCKED": _LOCKED,
    "CANTOPEN": "it cannot be opened; " + _WRITABLE,
    "READONLY": "it cannot be written; " + _WRITABLE,
    "PERM": "it cannot be written; " + _WRITABLE,
    "AUTH": "it cannot be written; " + _WRITABLE,
    "FULL": _NO_ROOM,
    "IOERR_SHMSIZE": _NO_ROOM,  # what beside a WAL has to be made before anything is read
    "IOERR": "the disk does not answer as it should; check the disk, nothing of this call was stored",
    "NOTADB": "it is not an SQLite database; give [store] url another file, or move this one away",
    "CORRUPT": f"it is damaged; {REBUILD}",
}

_DAMAGED = ("NOTADB", "CORRUPT")


@contextmanager
def told(description: str, timeout_seconds: float) -> Iterator[None]:
    """Run a block; whatever the database raises in it leaves as an error of ours with its remedy."""
    try:
        yield
    except (exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise store_error(error, description, timeout_seconds) from error


def kind_of(fault: type[Exception]) -> type[StoreError]:
    """Return what a class of the database's becomes; KeyError for a class that is no database's."""
    for parent in fault.__mro__:
        if parent in FAULTS:
            return FAULTS[parent]
    raise KeyError(fault)


def store_error(error: Exception, description: str, timeout_seconds: float) -> StoreError:
    """Return our error for one of the database's; the text never holds SQL or its values."""
    kind = kind_of(type(error))
    origin = error.orig if isinstance(error, exc.StatementError) else error
    extended = getattr(origin, "sqlite_errorname", "").removeprefix("SQLITE_")
    name = extended if extended in _REMEDIES else extended.partition("_")[0]
    if name in _REMEDIES:
        known = StoreDamaged if name in _DAMAGED else StoreUnavailable
        return known(f"{description}: {_REMEDIES[name].format(timeout=timeout_seconds)}")
    refused = postgres_fault(origin)
    if refused is not None:
        return StoreUnavailable(f"{description} {refused.does}: {refused.said}; {refused.remedy}")
    said = (str(origin).strip() or type(origin).__name__).splitlines()[0]
    if kind is StoreUnavailable:
        return StoreUnavailable(f"{description} does not answer: {said}; check [store] url and try again")
    return StoreError(
        f"{description}: {type(origin).__name__}: {said}; this is a fault of freqfleet, report it"
    )
