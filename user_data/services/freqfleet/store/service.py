"""A verb again and again: one cycle, one line, one heartbeat; a fault of a cycle is the next one's work."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from freqfleet.clock import Clock, iso
from freqfleet.errors import FreqfleetError, StoreIncompatible
from freqfleet.stop_request import StopRequest
from freqfleet.store.heartbeat import beat, rest

logger = logging.getLogger(__name__)


class Service:
    """Runs cycles until it is told to stop.

    name : of the service, in its heartbeat.
    cycle : does the work and returns its line; a FreqfleetError is said and the next cycle tries again,
        except StoreIncompatible: no later cycle of this program can help that.
    every_seconds : from the start of one cycle to the start of the next; a cycle that takes longer is
        followed by the next one at once.
    say : gets one line a cycle, with its time.
    beats_when_failing : whether a cycle that failed counts as a sign of life. A learner that learns nothing
        is dead to those who rely on it.
    """

    def __init__(
        self,
        name: str,
        cycle: Callable[[], str],
        *,
        every_seconds: float,
        heartbeats: Path,
        say: Callable[[str], None],
        clock: Clock,
        beats_when_failing: bool = True,
    ) -> None:
        self._name = name
        self._beats_when_failing = beats_when_failing
        self._cycle = cycle
        self._every_seconds = every_seconds
        self._heartbeats = heartbeats
        self._say = say
        self._clock = clock
        self.stopping = StopRequest()
        self.failed_cycles = 0

    def run(self) -> None:
        """Run until `stopping` is asked for, and the cycle that runs has ended; then the heartbeat goes."""
        while not self.stopping.is_asked:
            started = time.monotonic()
            self._one_cycle()
            self.stopping.wait(self._every_seconds - (time.monotonic() - started))
        rest(self._heartbeats, self._name)

    def _one_cycle(self) -> None:
        try:
            said = self._cycle()
            self.failed_cycles = 0
        except StoreIncompatible:
            raise
        except FreqfleetError as error:
            self.failed_cycles += 1
            said = f"{self.failed_cycles}. failed cycle in a row: {error}"
        now = self._clock.now()
        self._say(f"{iso(now)} {said}")
        if not self.failed_cycles or self._beats_when_failing:
            self._beat(now, said)

    def _beat(self, now: datetime, said: str) -> None:
        try:
            beat(self._heartbeats, self._name, now, self._every_seconds, said)
        except OSError as error:
            logger.warning("no heartbeat, %s: %s", self._heartbeats, error.strerror)
