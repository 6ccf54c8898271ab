"""The composition root: the only file that chooses concrete stores, clocks and feeders.

Everything else receives what it needs. Imports stand inside the functions: `freqfleet --help` loads
none of them, and a bot loads no optimizer.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freqfleet.clock import SystemClock
from freqfleet.errors import SettingsError, StoreUnavailable
from freqfleet.parameters.book import ParameterBook
from freqfleet.settings import Settings, load_settings
from freqfleet.store.promise import LearningStore

if TYPE_CHECKING:
    from freqfleet.runtime.bookkeeper import BookKeeper
    from freqfleet.runtime.bot import FleetBot
    from freqfleet.signals.ensemble import Ensemble

logger = logging.getLogger(__name__)

STORE_SCHEMES = ("sqlite",)
_TRADING_MODES = frozenset({"live", "dry_run"})


def open_store(settings: Settings) -> LearningStore:
    """Open the learning store of these settings; a SQLite file is created where there is none.

    Raises SettingsError for a URL no body knows, StoreUnavailable where the store does not answer.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    from freqfleet.store.sql import SqlStore

    url = settings.database_url(settings.store.url)
    try:
        backend = make_url(url).get_backend_name()
    except ArgumentError:
        backend = url
    if backend not in STORE_SCHEMES:
        known = ", ".join(f"{scheme}:///…" for scheme in STORE_SCHEMES)
        raise SettingsError(f"no learning store speaks {backend!r}; [store] url must be one of: {known}")
    return SqlStore(url, timeout_seconds=settings.store.timeout_seconds)


def sqlite_store_file(settings: Settings) -> Path | None:
    """Return the file of a SQLite store, None for any other store."""
    scheme = "sqlite:///"
    url = settings.database_url(settings.store.url)
    return Path(url.removeprefix(scheme)) if url.startswith(scheme) else None


def load_book(settings: Settings) -> ParameterBook:
    """Read the parameter book a bot trades on.

    Raises StoreUnavailable where there is no store yet: a bot reads, it does not create one.
    """
    file = sqlite_store_file(settings)
    if file is not None and not file.exists():
        raise StoreUnavailable(f"no learning store at {file}; `freqfleet sync` makes one")
    store = open_store(settings)
    try:
        return ParameterBook(store.parameter_versions(), defaults=settings.defaults.parameters())
    finally:
        store.close()


def make_ensemble(settings: Settings) -> Ensemble:
    """Return the feeders and how many of them must agree."""
    from freqfleet.signals.ensemble import Ensemble
    from freqfleet.signals.feeders.registry import FEEDERS

    return Ensemble(FEEDERS, min_votes=settings.runtime.min_votes)


def open_bot(
    bot: str,
    *,
    host: Mapping[str, Any],
    protections: Iterable[dict[str, Any]],
    dissent_allowed: bool = True,
) -> FleetBot:
    """Build what a strategy delegates to.

    host : freqtrade's configuration.
    protections : the strategy's own; its StoplossGuard entries are served by runtime/stop_guard.py.
    dissent_allowed : False refuses an entry while any feeder votes for the other side.
    Raises SettingsError for a bot that fleet.toml does not know; that stops freqtrade's start.
    """
    from freqfleet.runtime.bot import FleetBot, Leverage
    from freqfleet.runtime.entries import EntryPolicy
    from freqfleet.runtime.plans import PlanLedger
    from freqfleet.runtime.stop_guard import stop_guard_rules

    settings = load_settings(Path(host["user_data_dir"]))
    if bot not in settings.bots:
        raise SettingsError(f"fleet.toml has no [bots.{bot}]; it knows {', '.join(settings.bots)}")
    trading = str(host["runmode"]) in _TRADING_MODES
    books = _book_keeper(settings, trading=trading)
    books.start()
    logger.info("%s: %s", bot, _book_line(books, settings))
    guarded = trading or bool(host.get("enable_protections"))
    return FleetBot(
        bot,
        ensemble=make_ensemble(settings),
        policy=EntryPolicy(
            sides=settings.bots[bot].sides,
            min_votes=settings.runtime.min_votes,
            dissent_allowed=dissent_allowed,
        ),
        books=books,
        ledger=PlanLedger(persistent=trading),
        leverage=Leverage(wanted=settings.runtime.leverage),
        stop_guard=stop_guard_rules(protections, timeframe_minutes=5) if guarded else (),
    )


def _book_keeper(settings: Settings, *, trading: bool) -> BookKeeper:
    from freqfleet.runtime.bookkeeper import BookKeeper

    defaults = ParameterBook((), defaults=settings.defaults.parameters())
    uses_book = settings.runtime.parameters == "book"
    return BookKeeper(
        (lambda: load_book(settings)) if uses_book else (lambda: defaults),
        defaults=defaults,
        clock=SystemClock(),
        max_age=timedelta(hours=settings.refresh.max_age_hours),
        refresh_every=timedelta(seconds=settings.refresh.parameters_seconds) if trading else None,
    )


def _book_line(books: BookKeeper, settings: Settings) -> str:
    if settings.runtime.parameters == "defaults":
        return "trading on the defaults, as [runtime] parameters says"
    if books.age_seconds is None:
        return "no parameters could be loaded: trading on the defaults until they can"
    now = SystemClock().now()
    champions = books.book(now).champions(now)
    pairs = len({one.key.pair for one in champions if one.key.pair is not None})
    return f"Loaded Optuna params for {pairs} pairs ({len(champions)} versions in force)"
