"""The bot's parameter book: loaded at start, refreshed in the background, never waited for.

The trade thread reads `book`, an immutable snapshot; it does no I/O. A refresh that fails leaves the
last good book in place and says so; a book older than `max_age` counts as degraded: the bot then
trades on its defaults until a refresh succeeds.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from freqfleet.clock import Clock, human_age
from freqfleet.errors import FreqfleetError
from freqfleet.parameters.book import ParameterBook

logger = logging.getLogger(__name__)


class BookKeeper:
    """Holds the book of one bot.

    load : reads the whole book from the store; raises FreqfleetError where it cannot.
    refresh_every : None reads once, at start: what backtests do, where as-of look-ups do the rest.
    max_age : how old the last good load may be before the book counts as degraded.
    """

    def __init__(
        self,
        load: Callable[[], ParameterBook],
        *,
        defaults: ParameterBook,
        clock: Clock,
        max_age: timedelta,
        refresh_every: timedelta | None,
    ) -> None:
        self._load = load
        self._defaults = defaults
        self._clock = clock
        self._max_age = max_age
        self._book = defaults
        self._loaded_at: datetime | None = None
        self._degraded = False
        self.failed_loads = 0
        self._refresh_every = refresh_every
        # Made in start(): hyperopt pickles a strategy, and an Event cannot be.
        self._stop: threading.Event | None = None

    def start(self) -> None:
        """Load once, and keep refreshing in a daemon thread where that was asked for."""
        self.refresh()
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
            book = self._load()
        except FreqfleetError as error:
            self.failed_loads += 1
            logger.warning(
                "parameters not refreshed (%d. failure in a row), %s: %s",
                self.failed_loads, self._kept(), error,
            )  # fmt: skip
            return False
        self._book, self._loaded_at, self.failed_loads = book, self._clock.now(), 0
        return True

    def book(self, now: datetime) -> ParameterBook:
        """Return the book to trade on at `now`: the last good one, or the defaults when too old."""
        if self._refresh_every is None or self._loaded_at is None:
            return self._book
        degraded = now - self._loaded_at > self._max_age
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

    def _kept(self) -> str:
        age = self.age_seconds
        return "trading on defaults" if age is None else f"the last good book is {human_age(age)} old"

    def _keep_refreshing(self, seconds: float, stop: threading.Event) -> None:
        while not stop.wait(seconds):
            self.refresh()
