"""Reading another program's database without leaving a trace in it.

SQLite's `mode=ro` still leaves `-wal` and `-shm` files beside a WAL database that nobody has open. When
`sync` runs as another user than the bot, the bot then cannot open its own database. So a database that
nobody has open is read as `immutable`, which makes no files, and read again should it have changed
meanwhile; one that is in use has these files already.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, exc
from sqlalchemy.pool import NullPool

from freqfleet.errors import TradeSourceError, UnreachableError
from freqfleet.store.postgres_faults import postgres_fault

_HEADER = b"SQLite format 3\x00"
_WAL_VERSION = 2  # byte 18 of the file
_ATTEMPTS = 3
_TIMEOUT_SECONDS = 10.0
# SQLite's names of faults that pass: somebody holds the file, or the place does not answer.
_PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_PERM")

_REACH = (
    "check the server, the bot's db_url, and its password: in libpq's passfile, or in the environment's "
    "FREQFLEET_BOTS__NAME__DB_URL"
)

T = TypeVar("T")


def describe(url: URL) -> str:
    """Return how messages name a database: the file, or the server without any secret."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.set(query={}).render_as_string(hide_password=True)


def read_consistently(url: URL, read: Callable[[Connection], T]) -> T:
    """Run `read` on one snapshot of a database and return what it returns. Nothing is ever written.

    Raises TradeSourceError for a file that is missing or no database, UnreachableError for one that
    does not answer.
    """
    if url.get_backend_name() != "sqlite":
        with _faults(url), _server(url) as engine, engine.connect() as connection:
            return read(connection.execution_options(isolation_level="REPEATABLE READ"))
    file = _checked_file(url)
    for _ in range(_ATTEMPTS):
        before = _stamp(file)
        alone = _nobody_has_it_open(file)
        with _faults(url):
            answer = _read_file(file, read, immutable=alone)
        if not alone or _stamp(file) == before:
            return answer
    raise UnreachableError(f"{file} kept changing while it was read; try again")


def _read_file(file: Path, read: Callable[[Connection], T], *, immutable: bool) -> T:
    address = f"file:{quote(str(file.resolve()))}?mode=ro{'&immutable=1' if immutable else ''}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(address, uri=True, timeout=_TIMEOUT_SECONDS, isolation_level=None)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")  # every query of `read` sees the same moment
        return read(connection)


@contextmanager
def _server(url: URL) -> Iterator[Engine]:
    engine = create_engine(url, poolclass=NullPool)
    try:
        yield engine
    finally:
        engine.dispose()


def _checked_file(url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise TradeSourceError("a database in memory holds nothing that can be read; give the bot a file")
    file = Path(url.database)
    if not file.exists():
        raise TradeSourceError(f"no database {file}; start the bot once, or correct its db_url")
    if not file.is_file():
        raise TradeSourceError(f"{file} is not a file; correct the bot's db_url")
    try:
        with file.open("rb") as opened:
            header = opened.read(len(_HEADER))
    except OSError as error:
        raise UnreachableError(f"{file} cannot be read: {error.strerror}; check its permissions") from error
    if header != _HEADER:
        raise TradeSourceError(f"{file} is not an SQLite database; correct the bot's db_url")
    return file


def _nobody_has_it_open(file: Path) -> bool:
    """True for a WAL database without a WAL: its last user has closed it."""
    with file.open("rb") as opened:
        wal = opened.read(19)[18:] == bytes([_WAL_VERSION])
    return wal and not file.with_name(file.name + "-wal").exists()


def _stamp(file: Path) -> tuple[int, int, bool]:
    status = file.stat()
    return status.st_mtime_ns, status.st_size, file.with_name(file.name + "-wal").exists()


@contextmanager
def _faults(url: URL) -> Iterator[None]:
    source = describe(url)
    try:
        yield
    except (exc.NoSuchModuleError, ImportError) as error:
        raise TradeSourceError(
            f"{source}: no driver for it ({error}); pip install 'freqfleet[postgres]', or correct db_url"
        ) from error
    except (exc.SQLAlchemyError, sqlite3.Error) as error:
        origin = error.orig if isinstance(error, exc.StatementError) else error
        refused = postgres_fault(origin)
        if refused is not None:
            raise UnreachableError(f"{source} {refused.does}: {refused.said}; {_REACH}") from error
        said = (str(origin).strip() or type(origin).__name__).splitlines()[0]
        name = getattr(origin, "sqlite_errorname", None)
        passing = isinstance(error, exc.OperationalError) if name is None else name.startswith(_PASSING)
        if passing:
            raise UnreachableError(f"{source} does not answer: {said}; try again") from error
        raise TradeSourceError(f"{source} cannot be read as freqtrade's database: {said}") from error
