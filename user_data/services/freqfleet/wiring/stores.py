"""Which body of the learning store, and how bots and programs come to read or write it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from freqfleet.clock import SystemClock
from freqfleet.errors import SettingsError, StoreDamaged, StoreNotMade
from freqfleet.parameters.book import ParameterBook
from freqfleet.settings import Settings
from freqfleet.store.damage import inode, is_sqlite, look_through, move_aside
from freqfleet.store.promise import LearningStore

if TYPE_CHECKING:
    from freqfleet.store.last_book import LastBook, SavedVersions

logger = logging.getLogger(__name__)

T = TypeVar("T")

# scheme -> how its URL looks
STORE_SCHEMES = {
    "sqlite": "sqlite:///user_data/learning.sqlite",
    "postgresql": "postgresql+psycopg://user@host/database",
    "influxdb": "influxdb://host:8086",
    "influxdbs": "influxdbs://host:8086?write=v2&org=NAME",
}


def open_store(settings: Settings) -> LearningStore:
    """Open the learning store of these settings; a SQLite file is created where there is none.

    Raises SettingsError for a URL no body knows, for a secret inside the URL and for one that is none;
    StoreUnavailable where the store does not answer.
    """
    from freqfleet.store.secret import read_secret, shown_url

    store = settings.store
    url = settings.database_url(store.url)
    scheme = url.partition("://")[0].partition("+")[0] if "://" in url else ""
    if scheme not in STORE_SCHEMES:
        known = ", ".join(STORE_SCHEMES.values())
        shown = repr(scheme) if scheme.isalnum() else shown_url(url)
        raise SettingsError(f"no learning store speaks {shown}; [store] url must be one of: {known}")
    secret = read_secret(store.token, None if store.token_file is None else settings.path(store.token_file))
    if not scheme.startswith("influxdb"):
        from freqfleet.store.sql import SqlStore

        return SqlStore(url, timeout_seconds=store.timeout_seconds, secret=secret)
    try:
        from freqfleet.store.influx import InfluxStore
    except ImportError as error:
        raise SettingsError(
            f"a store on InfluxDB needs {error.name}; pip install 'freqfleet[influx]'"
        ) from None
    return InfluxStore(
        url,
        trade_buckets={name: bot.trades for name, bot in settings.bots.items()},
        secret=secret,
        timeout_seconds=store.timeout_seconds,
    )


def open_store_to_write(settings: Settings) -> LearningStore:
    """Open the store for a program that can fill it again; a damaged SQLite file is moved aside first.

    The parameters that bots had saved are published again; they keep their ids, so nothing doubles.
    Raises what `open_store` raises; StoreDamaged for a file that was never SQLite's.
    """
    file = sqlite_store_file(settings)
    seen = inode(file) if file is not None else None
    try:
        with ExitStack() as on_failure:
            store = on_failure.enter_context(closing(open_store(settings)))
            store.health()
            on_failure.pop_all()
            return store
    except StoreDamaged as error:
        if file is None or not put_aside(file, seen, error):
            raise
    return _made_anew(settings)


def write_to_store(settings: Settings, work: Callable[[LearningStore], T], *, whole: bool = False) -> T:
    """Do `work` with the store that `open_store_to_write` opens, and close it.

    Damage deep in a file shows only when that place is read: the file is then moved aside, and all of the
    work is done again with the new store. Raises what `open_store_to_write` and `work` raise.

    whole : look through all of a SQLite file first, 16 ms for 50,000 trades; a service that writes every few
        seconds leaves it out.
    """
    file = sqlite_store_file(settings)
    seen = inode(file) if file is not None else None
    try:
        if whole and file is not None and is_sqlite(file):
            look_through(file, settings.store.timeout_seconds)
        with closing(open_store_to_write(settings)) as store:
            return work(store)
    except StoreDamaged as error:
        if file is None or not put_aside(file, seen, error):
            raise
    with closing(_made_anew(settings)) as store:
        return work(store)


def _made_anew(settings: Settings) -> LearningStore:
    """Make a store in the place of one that was moved aside, with what bots had saved of its parameters."""
    books = _saved_books(settings)
    versions = {one.version_id: one for book in books for one in book.versions}
    with ExitStack() as on_failure:
        store = on_failure.enter_context(closing(open_store(settings)))
        receipt = store.publish_parameters(sorted(versions.values(), key=lambda one: one.recorded_at))
        records = store.record_bins([one for book in books for one in book.records])
        on_failure.pop_all()
    logger.warning(
        "%d parameter versions and %d bin records restored from the bots' last good books",
        receipt.accepted, records.accepted,
    )  # fmt: skip
    return store


def put_aside(file: Path, seen: int | None, error: StoreDamaged) -> bool:
    """Move a damaged store aside, aloud; False where it is no SQLite file or was replaced meanwhile."""
    away = move_aside(file, seen, SystemClock().now()) if is_sqlite(file) else None
    if away is None:
        return False
    what = str(error).partition(";")[0]  # behind it stands the remedy, which is what happens here
    logger.warning(
        "%s; moved to %s, a new store is made in its place, `freqfleet sync` brings its trades back",
        what, away,
    )  # fmt: skip
    return True


def _saved_books(settings: Settings) -> list[SavedVersions]:
    from freqfleet.store.last_book import LAST_BOOKS

    files = sorted(settings.path(LAST_BOOKS).glob("*.json"))
    loaded = [saved_book(settings, file.stem).load() for file in files]
    return [one for one in loaded if one is not None]


def saved_book(settings: Settings, bot: str) -> LastBook:
    """Return where a bot keeps its last good parameters."""
    from sqlalchemy import URL

    from freqfleet.store.engine import describe, parse_store_url
    from freqfleet.store.last_book import LAST_BOOKS, LastBook

    url = parse_store_url(settings.database_url(settings.store.url))
    # Without the user: one that is changed must not cost the bot its last good book. With InfluxDB's prefix:
    # another one is another fleet's.
    place = URL.create(url.drivername, host=url.host, port=url.port, database=url.database)
    store = f"{describe(place)} {url.query.get('prefix', '')}".rstrip()
    return LastBook(settings.path(LAST_BOOKS) / f"{bot}.json", store=store)


def sqlite_store_file(settings: Settings) -> Path | None:
    """Return the file of a SQLite store, None for any other store and for a URL that `open_store` refuses."""
    scheme = "sqlite:///"
    url = settings.database_url(settings.store.url)
    named = url.removeprefix(scheme)
    refused = named in ("", ":memory:") or "?" in named
    return Path(named) if url.startswith(scheme) and not refused else None


def load_book(
    settings: Settings, *, deadline_seconds: float | None = None, now_only: bool = False
) -> ParameterBook:
    """Read every parameter version and bin record; with a deadline for each call where one is given.

    now_only : of bin records the last of each level, for a bot that never asks about the past.
    Raises StoreNotMade where there is no store yet: a bot reads, it does not create one.
    """
    from freqfleet.parameters.records import RecordBook
    from freqfleet.store.deadline_store import DeadlineStore

    store: LearningStore = (
        existing_store(settings)
        if deadline_seconds is None
        else DeadlineStore(lambda: existing_store(settings), seconds=deadline_seconds)
    )
    try:
        return ParameterBook(
            store.parameter_versions(),
            defaults=settings.defaults.parameters(),
            records=RecordBook(store.bin_records(newest_only=True)) if now_only else store.record_book(),
        )
    finally:
        store.close()


def existing_store(settings: Settings) -> LearningStore:
    """Open the store for a bot, which makes no SQLite file: that is `freqfleet sync`'s."""
    file = sqlite_store_file(settings)
    if file is not None and not file.exists():
        raise StoreNotMade(f"no learning store at {file}; `freqfleet sync` makes one")
    return open_store(settings)
