"""The book of a bot while the store comes and goes."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from freqfleet.domain.exits import ExitParameters
from freqfleet.errors import StoreUnavailable
from freqfleet.parameters.book import ParameterBook
from freqfleet.runtime.bookkeeper import BookKeeper

START = datetime(2025, 10, 1, tzinfo=UTC)
DEFAULTS = ParameterBook((), defaults=ExitParameters(stop_loss=-0.03, take_profit=0.03))
LEARNED = ParameterBook((), defaults=ExitParameters(stop_loss=-0.02, take_profit=0.05))
NEWER = ParameterBook((), defaults=ExitParameters(stop_loss=-0.01, take_profit=0.05))


class Store:
    """A store whose answers are set by the test; None is an outage."""

    def __init__(self, *answers: ParameterBook | None) -> None:
        self.answers = list(answers)

    def load(self) -> ParameterBook:
        answer = self.answers.pop(0)
        if answer is None:
            raise StoreUnavailable("the store is down")
        return answer


class MovingClock:
    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at


def keeper(store: Store, clock: MovingClock, *, live: bool = True) -> BookKeeper:
    return BookKeeper(
        store.load,
        defaults=DEFAULTS,
        clock=clock,
        max_age=timedelta(hours=48),
        # refreshes are made by hand: start() is not called on a live one
        refresh_every=timedelta(days=1) if live else None,
    )


def test_a_bot_starts_on_defaults_when_the_store_is_down_and_recovers() -> None:
    books = keeper(Store(None, LEARNED), MovingClock())
    books.refresh()

    assert books.book(START) is DEFAULTS
    assert books.failed_loads == 1

    books.refresh()

    assert books.book(START) is LEARNED
    assert books.failed_loads == 0


def test_an_outage_keeps_the_last_good_book_up_to_its_maximum_age() -> None:
    clock = MovingClock()
    books = keeper(Store(LEARNED, None, NEWER), clock)
    books.refresh()
    books.refresh()

    clock.at = START + timedelta(hours=48)
    assert books.book(clock.at) is LEARNED
    clock.at = START + timedelta(hours=48, seconds=1)
    assert books.book(clock.at) is DEFAULTS

    books.refresh()
    assert books.book(clock.at) is NEWER


@pytest.mark.parametrize("years", [0, 3])
def test_a_backtest_never_degrades(years: int) -> None:
    books = keeper(Store(LEARNED), MovingClock(), live=False)
    books.start()

    assert books.book(START + timedelta(days=365 * years)) is LEARNED


def test_a_background_refresh_happens_until_it_is_stopped() -> None:
    refreshed, count = threading.Event(), 0

    def load() -> ParameterBook:
        nonlocal count
        count += 1
        if count == 3:
            refreshed.set()
        return NEWER if count > 1 else LEARNED

    books = BookKeeper(
        load,
        defaults=DEFAULTS,
        clock=MovingClock(),
        max_age=timedelta(hours=48),
        refresh_every=timedelta(milliseconds=5),
    )
    others = set(threading.enumerate())  # an earlier test's bot may still be refreshing
    books.start()

    assert refreshed.wait(timeout=20)
    assert books.book(START) is NEWER
    (thread,) = set(threading.enumerate()) - others
    books.stop()
    thread.join(timeout=20)
    assert not thread.is_alive()
