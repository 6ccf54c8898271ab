"""How a bot keeps its parameters: loaded, refreshed, and recalled from its disk."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from freqfleet.clock import SystemClock
from freqfleet.parameters.book import ParameterBook
from freqfleet.settings import Settings
from freqfleet.wiring.stores import load_book, saved_book

if TYPE_CHECKING:
    from freqfleet.runtime.bookkeeper import BookKeeper


def book_keeper(bot: str, settings: Settings, *, trading: bool) -> BookKeeper:
    """Return what loads a bot's parameters and, while it trades, keeps them fresh and on its disk."""
    from freqfleet.parameters.records import RecordBook
    from freqfleet.runtime.bookkeeper import BookKeeper, Recalled

    exits = settings.defaults.parameters()
    defaults = ParameterBook((), defaults=exits)
    uses_book = settings.runtime.parameters == "book"
    clock = SystemClock()
    last = saved_book(settings, bot) if trading and uses_book else None

    def load() -> ParameterBook:
        if not uses_book:
            return defaults
        return load_book(settings, deadline_seconds=settings.store.deadline_seconds, now_only=trading)

    def recall() -> Recalled | None:
        saved = last.load() if last is not None else None
        if saved is None:
            return None
        records = RecordBook(saved.records)
        book = ParameterBook(saved.versions, defaults=exits, records=records)
        return Recalled(book=book, loaded_at=saved.saved_at)

    return BookKeeper(
        load,
        defaults=defaults,
        clock=clock,
        max_age=timedelta(hours=settings.refresh.max_age_hours),
        refresh_every=timedelta(seconds=settings.refresh.parameters_seconds) if trading else None,
        recall=recall,
        keep=(lambda book, loaded_at: last.save(book.versions, loaded_at, book.records.records))
        if last is not None
        else None,
    )


def book_line(books: BookKeeper, settings: Settings) -> str:
    """Return what the start of a bot says about its parameters."""
    if settings.runtime.parameters == "defaults":
        return "trading on the defaults, as [runtime] parameters says"
    if books.not_made is not None:
        return f"trading on the defaults: {books.not_made}"
    if books.age_seconds is None:
        return "no parameters could be loaded: trading on the defaults until they can"
    now = SystemClock().now()
    champions = books.book(now).champions(now)
    pairs = len({one.key.pair for one in champions if one.key.pair is not None})
    return f"Loaded Optuna params for {pairs} pairs ({len(champions)} versions in force)"
