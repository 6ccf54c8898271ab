"""Voters that are not there yet when a bot starts: looked for in the background until they are."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from freqfleet.errors import FreqfleetError
from freqfleet.signals.ensemble import Ensemble

logger = logging.getLogger(__name__)


class LaterVoters:
    """Looks for an ensemble again and again; the trade thread takes it once it has been found.

    look : reads the disk and may take its time; None for not yet. A FreqfleetError or OSError is said once
        and looked at again. every : a candle is often enough, votes are counted when one closes.
    """

    def __init__(self, look: Callable[[], Ensemble | None], *, every: timedelta) -> None:
        self._look = look
        self._every = every
        self._found: Ensemble | None = None
        self._said: str | None = None
        # Made in start(): hyperopt pickles a strategy, and an Event cannot be.
        self._stop: threading.Event | None = None

    def start(self) -> None:
        """Look in a daemon thread, until something is found or `stop` is called."""
        self._stop = threading.Event()
        threading.Thread(
            target=self._keep_looking, args=(self._stop,), name="freqfleet-voters", daemon=True
        ).start()

    def stop(self) -> None:
        """End the looking."""
        if self._stop is not None:
            self._stop.set()

    def take(self) -> Ensemble | None:
        """Return what was found, once; does no I/O."""
        found = self._found
        if found is not None:  # setting it where there was none yet could lose what is found just then
            self._found = None
        return found

    def _keep_looking(self, stop: threading.Event) -> None:
        while not stop.wait(self._every.total_seconds()):
            try:
                found = self._look()
            except (FreqfleetError, OSError) as error:
                if str(error) != self._said:
                    self._said = str(error)
                    logger.warning("looking for a feeder bank: %s", error)
                continue
            if found is not None:
                self._found = found
                return
