"""The bot's parameter book: loaded at start, refreshed in the background, never waited for.

The trade thread reads `book`, an immutable snapshot; it does no I/O. A refresh that fails leaves the
last good book in place and says so; a book older than `max_age` counts as degraded: the bot then
trades on its defaults until a refresh succeeds. A failed refresh is tried again soon, not only at the
next regular time, and the last good book outlives the bot: it is kept on disk.

A bot that starts before the first sync finds no store. That is no failure: `not_made` says so at the start,
and the store is looked for again. A store that is gone is one: then there is a last good book.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from freqfleet.clock import Clock, human_age, iso
from freqfleet.errors import FreqfleetError, SettingsError, StoreNotMade, StoreUnavailable
from freqfleet.parameters.ahead import recorded_ahead
from freqfleet.parameters.book import ParameterBook
from freqfleet.store.backoff import Backoff

logger = logging.getLogger(__name__)

_RETRY = Backoff(first_seconds=15.0, most_seconds=600.0)
_LOOK_FOR_STORE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """A book that an earlier process loaded, and when it did."""

    book: ParameterBook
    loaded_at: datetime


class BookKeeper:
    """Holds the book of one bot.

    load : reads the whole book from the store; raises FreqfleetError where it cannot.
    refresh_every : None reads once, at start: what backtests do, where as-of look-ups do the rest.
    max_age : how old the last good load may be before the book counts as degraded.
    recall : gives the book that was kept on disk, None for none. keep : puts a good one there.
    """

    def __init__(
        self,
        load: Callable[[], ParameterBook],
        *,
        defaults: ParameterBook,
        clock: Clock,
        max_age: timedelta,
        refresh_every: timedelta | None,
        recall: Callable[[], Recalled | None] | None = None,
        keep: Callable[[ParameterBook, datetime], None] | None = None,
    ) -> None:
        self._load = load
        self._recall = recall
        self._keep = keep
        self._defaults = defaults
        self._clock = clock
        self._max_age = max_age
        self._book = defaults
        self._loaded_at: datetime | None = None
        self._degraded = False
        self.failed_loads = 0
        # While nobody has made the store: which one, and what makes it.
        self.not_made: str | None = None
        self._told_until: datetime | None = None
        self._refresh_every = refresh_every
        # Made in start(): hyperopt pickles a strategy, and an Event cannot be.
        self._stop: threading.Event | None = None

    def start(self) -> None:
        """Recall, load once, and keep refreshing in a daemon thread where that was asked for.

        Raises SettingsError: a wrong [store] does not mend itself, and a bot that started all the same
        would read defaults for weeks. A store that is only away is tried again.
        """
        self._take_recalled()
        try:
            self._take(self._validated(self._load()))
        except SettingsError:
            raise
        except FreqfleetError as error:
            self._not_refreshed(error)
        if self._refresh_every is not None:
            self._stop = threading.Event()
            threading.Thread(
                target=self._keep_refreshing,
                args=(self._refresh_every.total_seconds(), self._stop),
                name="freqfleet-refresh",
                daemon=True,
            ).start()

    def stop(self) -> None:
        """End the background refreshing; the book stays as it is."""
        if self._stop is not None:
            self._stop.set()

    def refresh(self) -> bool:
        """Load now; return whether it worked. The last good book stays where it did not."""
        try:
            self._take(self._validated(self._load()))
        except FreqfleetError as error:
            self._not_refreshed(error)
            return False
        return True

    def _not_refreshed(self, error: FreqfleetError) -> None:
        if isinstance(error, StoreNotMade) and self._loaded_at is None:
            self.not_made, self.failed_loads = str(error), 0
            return
        self.not_made = None
        self.failed_loads += 1
        logger.warning(
            "parameters not refreshed (%d. failure in a row), %s: %s",
            self.failed_loads, self._kept(), error,
        )  # fmt: skip

    def _take(self, book: ParameterBook) -> None:
        now = self._clock.now()
        self._tell_of_the_future(book, now)
        # One assignment each, the book first: a reader in between sees the new book with the old age.
        self._book, self._loaded_at, self.failed_loads = book, now, 0
        if self.not_made is not None:
            logger.info("the learning store is there now, with %d parameter versions", book.version_count)
            self.not_made = None
        if self._keep is not None:
            self._keep(book, now)

    def _tell_of_the_future(self, book: ParameterBook, now: datetime) -> None:
        """Say once what waits for its time: whoever published it wonders why nothing changes."""
        newest = max((one.recorded_at for one in book.versions), default=now)
        said = recorded_ahead(book.versions, now) if newest > max(now, self._told_until or now) else None
        if said is not None:
            self._told_until = newest
            logger.warning("%s", said)

    def _take_recalled(self) -> None:
        recalled = self._recall() if self._recall is not None else None
        if recalled is None:
            return
        if recalled.loaded_at > self._clock.now():
            logger.warning(
                "the book kept on disk is not used: it was loaded at %s, which is yet to come; set the clock",
                iso(recalled.loaded_at),
            )
            return
        self._book, self._loaded_at = recalled.book, recalled.loaded_at

    def _validated(self, book: ParameterBook) -> ParameterBook:
        """Refuse a book that has lost versions: they are only ever appended, so the store is not whole.

        Once the last good book is too old to trade on, whatever the store holds is better than it.
        """
        lost = self._book.version_count - book.version_count
        if lost > 0 and not self._too_old(self._clock.now()):
            raise StoreUnavailable(
                f"the store holds {book.version_count} versions, the last good book {lost} more; "
                "restore the store, or stop the bot and delete its last_books file if that was meant"
            )
        return book

    def book(self, now: datetime) -> ParameterBook:
        """Return the book to trade on at `now`: the last good one, or the defaults when too old."""
        if self._refresh_every is None or self._loaded_at is None:
            return self._book
        degraded = self._too_old(now)
        if degraded != self._degraded:
            self._degraded = degraded
            logger.warning(
                "parameter book %s",
                f"is degraded, {self._kept()}: trading on defaults" if degraded else "is fresh",
            )
        return self._defaults if degraded else self._book

    @property
    def age_seconds(self) -> float | None:
        """Seconds since the last good load; None before the first."""
        return None if self._loaded_at is None else (self._clock.now() - self._loaded_at).total_seconds()

    def _too_old(self, now: datetime) -> bool:
        return self._loaded_at is None or now - self._loaded_at > self._max_age

    def _kept(self) -> str:
        age = self.age_seconds
        return "trading on defaults" if age is None else f"the last good book is {human_age(age)} old"

    def _keep_refreshing(self, seconds: float, stop: threading.Event) -> None:
        while not stop.wait(self._pause(seconds)):
            self.refresh()

    def _pause(self, seconds: float) -> float:
        if self.not_made is not None:
            return min(seconds, _LOOK_FOR_STORE_SECONDS)
        return min(seconds, _RETRY.seconds(self.failed_loads)) if self.failed_loads else seconds
