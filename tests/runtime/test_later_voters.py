"""Voters that come while a bot runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from freqfleet.errors import StoreUnavailable
from freqfleet.runtime.later_voters import LaterVoters
from freqfleet.signals.ensemble import Ensemble
from freqfleet.signals.feeders.registry import FEEDERS

SOON = timedelta(milliseconds=1)
ENSEMBLE = Ensemble(FEEDERS, min_votes=2)


class Looks:
    """Gives one answer after the other, and says when all were given."""

    def __init__(self, *answers: Ensemble | Exception | None) -> None:
        self._left = list(answers)
        self.threads: list[str] = []
        self.done = threading.Event()

    def __call__(self) -> Ensemble | None:
        self.threads.append(threading.current_thread().name)
        answer = self._left.pop(0) if self._left else None
        if not self._left:
            self.done.set()
        if isinstance(answer, Exception):
            raise answer
        return answer


def until(reached: Callable[[], object]) -> object:
    """Ask until there is an answer; ten seconds at most."""
    pause = threading.Event()
    for _ in range(5_000):
        answer = reached()
        if answer is not None:
            return answer
        pause.wait(0.002)
    raise AssertionError("it never came")


def test_what_is_found_in_the_background_is_taken_once() -> None:
    looks = Looks(None, None, ENSEMBLE)
    later = LaterVoters(looks, every=SOON)
    assert later.take() is None

    later.start()

    assert until(later.take) is ENSEMBLE
    assert later.take() is None
    assert looks.threads == ["freqfleet-voters"] * 3  # and nobody looks any more


def test_a_folder_that_cannot_be_read_is_said_once_and_looked_at_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fault = StoreUnavailable("no right to read")
    with caplog.at_level(logging.WARNING):
        later = LaterVoters(Looks(fault, OSError("gone"), OSError("gone"), ENSEMBLE), every=SOON)
        later.start()
        until(later.take)

    assert [one.getMessage() for one in caplog.records] == [
        "looking for a feeder bank: no right to read",
        "looking for a feeder bank: gone",
    ]


def test_nobody_looks_after_a_stop() -> None:
    looks = Looks(None, None, None)
    later, before = LaterVoters(looks, every=SOON), set(threading.enumerate())
    later.start()
    (looking,) = set(threading.enumerate()) - before
    looks.done.wait(10.0)

    later.stop()
    looking.join(10.0)

    assert not looking.is_alive()
