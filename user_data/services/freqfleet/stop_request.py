"""StopRequest: asks a loop to end, from a signal handler or from another thread."""

from __future__ import annotations

import math
import signal
import time

LOOK_SECONDS = 0.1  # how long a request may stay unnoticed; looking costs some 20 microseconds


class StopRequest:
    """Whether a loop was asked to end: a flag that is looked at, and nothing that has a lock.

    A signal handler runs in the main thread, between any two of its instructions. With a threading.Event it
    waits for ever for the lock that this very thread holds inside `Event.wait` (Python's `signal`
    documentation warns of it), and a signal that comes just before a long wait begins is handled after it.
    """

    def __init__(self) -> None:
        self.is_asked = False

    def ask(self) -> None:
        """Ask; once is enough, and it is never taken back."""
        self.is_asked = True

    def ask_on_signals(self) -> None:
        """Let SIGINT and SIGTERM ask, instead of what they did; for the main thread only."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.ask())

    def wait(self, seconds: float = math.inf) -> bool:
        """Wait until `ask` is called, or for so long; returns whether it was called."""
        until = time.monotonic() + seconds
        while not self.is_asked and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_SECONDS))
        return self.is_asked
