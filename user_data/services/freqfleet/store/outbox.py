"""Outbox: who writes to the store never waits for it, and nothing that was put is lost.

    trade thread --put--> memory --writer thread--> disk --forwarder thread--> store

`put` does no I/O. What is put is *acknowledged* once the writer thread has it on disk (`wait_until_saved`
tells); that is a few milliseconds later, or as long as the disk is full. A process that is killed before
that loses nothing either: a closed trade is in the bot's own database, from which `freqfleet sync` brings
it to the store as the same trade.

The forwarder hands letters over in their order. While the store is away it waits, longer each time, and as
long as the server asked for. What the store refuses for good becomes a dead letter, with the reason, and
the rest goes on. A letter that is delivered twice is stored once: the store's own promise.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from freqfleet.clock import Clock, human_age
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.errors import FreqfleetError, InputError, StoreError, StoreIncompatible, StoreUnavailable
from freqfleet.parameters.version import ParameterVersion
from freqfleet.store.backoff import Backoff
from freqfleet.store.outbox_file import FileStatus, Item, Letter, OutboxFile
from freqfleet.store.promise import LearningStore

logger = logging.getLogger(__name__)

_LETTERS_PER_CALL = 500
_LETTERS_PER_WRITE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxStatus:
    """in_memory : put, not on disk yet. disk : None where it cannot be read. fault : why nothing moves."""

    in_memory: int
    disk: FileStatus | None
    fault: str | None


class Outbox:
    """The way of one bot's facts into a store.

    store : is called by the forwarder thread only; a body that may hang belongs into a DeadlineStore.
    prepare : completes an item in the writer thread, with what the trade thread must not wait for; a
        FreqfleetError of it is tried again.
    """

    def __init__(
        self,
        file: Path,
        store: LearningStore,
        *,
        clock: Clock,
        backoff: Backoff | None = None,
        prepare: Callable[[Item], Item] | None = None,
    ) -> None:
        self.file = OutboxFile(file, clock=clock)
        self._store = store
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._prepare = prepare or (lambda item: item)
        # Without a bound: a full disk must not make the trade thread wait, nor drop what it puts.
        # An item stays in here until it is on disk, so that its length is what a kill would lose.
        self._unsaved: deque[Item] = deque()
        self._writer_calls: SimpleQueue[None] = SimpleQueue()
        self._stop = threading.Event()
        self._saved = threading.Event()
        self._fault: str | None = None
        self._failures = 0
        self._letters_per_call = _LETTERS_PER_CALL
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start both threads. Dead letters of earlier runs get one more try: what refused may be mended."""
        for work, name in ((self._write, "writer"), (self._forward, "forwarder")):
            thread = threading.Thread(target=work, name=f"freqfleet-outbox-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def put(self, item: Item) -> None:
        """Take an item; returns at once, does no I/O, never raises."""
        self._unsaved.append(item)
        self._writer_calls.put(None)

    def wait_until_saved(self, timeout_seconds: float) -> bool:
        """Wait until everything that was put is on disk; False where it is not in time."""
        return self._wait(lambda: self._in_memory() == 0, timeout_seconds)

    def wait_until_delivered(self, timeout_seconds: float) -> bool:
        """Wait until nothing waits any more; False where something does in the end."""

        def nothing_waits() -> bool:
            try:
                return self._in_memory() == 0 and self.file.status().waiting == 0
            except (sqlite3.Error, OSError):
                return False

        return self._wait(nothing_waits, timeout_seconds)

    def status(self) -> OutboxStatus:
        """Return how many letters wait, and where. Reads the disk: not for the trade thread."""
        try:
            disk = self.file.status()
        except (sqlite3.Error, OSError) as error:
            return OutboxStatus(in_memory=self._in_memory(), disk=None, fault=self._fault or str(error))
        return OutboxStatus(in_memory=self._in_memory(), disk=disk, fault=self._fault)

    def close(self, *, timeout_seconds: float = 5.0) -> bool:
        """Save what is in memory and stop; what waits on disk goes on at the next start.

        Returns whether everything is on disk; it says so where it is not.
        """
        saved = self.wait_until_saved(timeout_seconds)
        if not saved:
            logger.warning("outbox %s: %d letters could not be saved", self.file.file, self._in_memory())
        self._stop.set()
        self._writer_calls.put(None)
        self._saved.set()
        for thread in self._threads:
            thread.join(timeout_seconds)
        self.file.close()
        return saved

    # -- memory to disk ----------------------------------------------------------------------------

    def _write(self) -> None:
        failures = 0
        while not self._stop.is_set():
            if not self._unsaved:
                self._writer_calls.get()
            batch = [self._unsaved[at] for at in range(min(len(self._unsaved), _LETTERS_PER_WRITE))]
            if not batch:
                continue
            try:
                self.file.append([self._prepare(item) for item in batch])
            except (sqlite3.Error, OSError, FreqfleetError) as error:
                failures += 1
                if failures == 1:
                    logger.warning("outbox %s cannot be written, trying again: %s", self.file.file, error)
                self._stop.wait(self._backoff.seconds(failures))
                continue
            if failures:
                logger.warning("outbox %s can be written again", self.file.file)
            failures = 0
            for _ in batch:
                self._unsaved.popleft()
            self._saved.set()

    # -- disk to store -----------------------------------------------------------------------------

    def _forward(self) -> None:
        revived = False
        while not self._stop.is_set():
            self._saved.clear()
            try:
                if not revived:
                    self.file.revive()
                    revived = True
                letters = self.file.oldest(self._letters_per_call)
                if letters:
                    self._deliver(letters)
            except (FreqfleetError, sqlite3.Error, OSError) as error:
                self._wait_after(error)
                continue
            self._recovered()
            if not letters:
                self._saved.wait()

    def _deliver(self, letters: Sequence[Letter]) -> None:
        """Hand letters over; halves and halves again find the one that is refused."""
        refused: tuple[str, ...]
        try:
            items = [one.item() for one in letters]
        except (InputError, ValueError, TypeError, KeyError) as error:
            refused = (f"it cannot be read: {type(error).__name__}: {error}",)
        else:
            refused = self._hand_over(items)
        if not refused:
            self.file.delivered(letters)
        elif len(letters) == 1:
            self.file.bury(letters[0], refused[0])
            logger.warning("outbox %s: a dead letter: %s", self.file.file, refused[0])
        else:
            middle = len(letters) // 2
            self._deliver(letters[:middle])
            self._deliver(letters[middle:])

    def _hand_over(self, items: Sequence[Item]) -> tuple[str, ...]:
        """Return what the store refuses for good; raises what may pass, a wrong setting included."""
        trades = [one for one in items if isinstance(one, ClosedTrade)]
        versions = [one for one in items if isinstance(one, ParameterVersion)]
        try:
            if trades:
                return self._store.record_closed_trades(trades).rejected
            return self._store.publish_parameters(versions).rejected
        except (StoreUnavailable, StoreIncompatible):
            raise
        except StoreError as error:
            return (str(error),)

    def _wait_after(self, error: Exception) -> None:
        self._failures += 1
        # A slow store may manage fewer within its deadline; the same batch would fail for ever.
        self._letters_per_call = max(1, self._letters_per_call // 2)
        said = str(error)
        if said != self._fault:
            self._fault = said
            logger.warning("outbox %s: %s: %s", self.file.file, self._waiting(), said)
        asked = error.retry_after_seconds if isinstance(error, StoreUnavailable) else None
        self._stop.wait(self._backoff.seconds(self._failures, retry_after_seconds=asked))

    def _recovered(self) -> None:
        if self._fault is not None:
            logger.warning("outbox %s: the store answers again, %s", self.file.file, self._waiting())
        self._fault, self._failures = None, 0
        self._letters_per_call = min(2 * self._letters_per_call, _LETTERS_PER_CALL)

    def _waiting(self) -> str:
        try:
            status = self.file.status()
        except (sqlite3.Error, OSError) as error:
            return f"the disk does not answer ({error})"
        if status.oldest_queued_at is None:
            return "nothing waits"
        age = (self._clock.now() - status.oldest_queued_at).total_seconds()
        return f"{status.waiting} letters wait, the oldest for {human_age(age)}"

    def _in_memory(self) -> int:
        return len(self._unsaved)

    def _wait(self, done: Callable[[], bool], timeout_seconds: float) -> bool:
        deadline = time.monotonic() + timeout_seconds
        while not done():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True
