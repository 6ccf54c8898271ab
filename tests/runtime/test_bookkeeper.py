"""The book of a bot while the store comes and goes."""

import threading
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from ccalls import waits
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.errors import FreqfleetError, SettingsError, StoreNotMade, StoreUnavailable
from freqfleet.parameters.book import ParameterBook
from freqfleet.runtime.bookkeeper import BookKeeper, Recalled
from freqfleet.testing.moved_clock import MovedClock
from freqfleet.testing.trades import version

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


class StoreFile:
    """A store that is made, and deleted, by the test."""

    def __init__(self) -> None:
        self.there = False

    def load(self) -> ParameterBook:
        if not self.there:
            raise StoreNotMade("no learning store at x; `freqfleet sync` makes one")
        return LEARNED


def book_of(count: int) -> ParameterBook:
    versions = [version(run_id=f"run-{number}") for number in range(count)]
    return ParameterBook(versions, defaults=DEFAULTS.defaults)


def recalling(
    store: Store, clock: MovedClock, recalled: Recalled | None, kept: list[tuple[ParameterBook, datetime]]
) -> BookKeeper:
    return BookKeeper(
        store.load,
        defaults=DEFAULTS,
        clock=clock,
        max_age=timedelta(hours=48),
        refresh_every=timedelta(days=1),
        recall=lambda: recalled,
        keep=lambda book, at: kept.append((book, at)),
    )


def keeper(store: Store | StoreFile, clock: MovedClock, *, live: bool = True) -> BookKeeper:
    return BookKeeper(
        store.load,
        defaults=DEFAULTS,
        clock=clock,
        max_age=timedelta(hours=48),
        # refreshes are made by hand: start() is not called on a live one
        refresh_every=timedelta(days=1) if live else None,
    )


def test_a_bot_starts_on_defaults_when_the_store_is_down_and_recovers() -> None:
    books = keeper(Store(None, LEARNED), MovedClock(START))
    books.refresh()

    assert books.book(START) is DEFAULTS
    assert books.failed_loads == 1

    books.refresh()

    assert books.book(START) is LEARNED
    assert books.failed_loads == 0


def test_an_outage_keeps_the_last_good_book_up_to_its_maximum_age() -> None:
    clock = MovedClock(START)
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
    books = keeper(Store(LEARNED), MovedClock(START), live=False)
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
        clock=MovedClock(START),
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


def test_a_bot_that_starts_while_the_store_is_away_trades_on_the_book_kept_on_disk() -> None:
    clock, kept = MovedClock(START), []
    books = recalling(Store(None), clock, Recalled(book=LEARNED, loaded_at=START - timedelta(hours=40)), kept)
    books.start()
    books.stop()

    assert books.book(START) is LEARNED
    assert books.age_seconds == 40 * 3600
    assert books.book(START + timedelta(hours=9)) is DEFAULTS
    assert kept == []


def test_a_store_that_nobody_has_made_yet_is_no_failure_and_is_found_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    file = StoreFile()
    books = keeper(file, MovedClock(START))
    looked = [books.refresh() for _ in range(3)]

    assert caplog.records == []
    assert (looked, books.failed_loads) == ([False] * 3, 0)
    assert books.not_made == "no learning store at x; `freqfleet sync` makes one"
    assert books.book(START) is DEFAULTS

    file.there = True

    assert books.refresh()
    assert books.book(START) is LEARNED
    assert books.not_made is None
    assert [one.levelname for one in caplog.records] == ["INFO"]
    assert "the learning store is there now, with 0 parameter versions" in caplog.text


def test_a_store_that_was_there_and_is_gone_is_a_warning_each_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = StoreFile()
    file.there = True
    books = keeper(file, MovedClock(START))
    books.refresh()
    file.there = False
    books.refresh()
    books.refresh()

    assert [one.levelname for one in caplog.records] == ["WARNING", "WARNING"]
    assert "(2. failure in a row), the last good book is 0 s old: no learning store at x" in caplog.text
    assert books.not_made is None


def test_a_store_that_was_there_before_a_restart_and_is_gone_is_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    recalled = Recalled(book=LEARNED, loaded_at=START - timedelta(hours=1))
    books = BookKeeper(
        StoreFile().load,
        defaults=DEFAULTS,
        clock=MovedClock(START),
        max_age=timedelta(hours=48),
        refresh_every=None,
        recall=lambda: recalled,
    )
    books.start()

    assert "parameters not refreshed (1. failure in a row), the last good book is 60 min old" in caplog.text


def test_every_good_load_is_kept_with_its_time() -> None:
    clock, kept = MovedClock(START), []
    books = recalling(Store(LEARNED, None, NEWER), clock, None, kept)
    books.start()
    books.stop()
    books.refresh()
    clock.at += timedelta(hours=1)
    books.refresh()

    assert kept == [(LEARNED, START), (NEWER, START + timedelta(hours=1))]


def test_a_book_kept_in_the_future_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    recalled = Recalled(book=LEARNED, loaded_at=START + timedelta(seconds=1))
    books = recalling(Store(None), MovedClock(START), recalled, [])
    books.start()
    books.stop()

    assert books.book(START) is DEFAULTS
    assert "which is yet to come; set the clock" in caplog.text


def test_versions_from_the_future_are_said_once_and_wait_for_their_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    later = START + timedelta(hours=2)
    ahead = ParameterBook(
        [version(recorded_at=later, stop_loss=-0.05), version(recorded_at=START, stop_loss=-0.01)],
        defaults=DEFAULTS.defaults,
    )
    books = keeper(Store(ahead, ahead), MovedClock(START), live=False)
    books.start()
    books.refresh()

    (said,) = [one.getMessage() for one in caplog.records]
    assert said == (
        "1 parameter version was recorded at 2025-10-01T02:00:00Z, this clock says 2025-10-01T00:00:00Z: "
        "not used before; set the clock that is wrong"
    )
    for at, stop in ((START, -0.01), (later - timedelta(seconds=1), -0.01), (later, -0.05)):
        found = books.book(at).resolve("BTC/USDT:USDT", Side.LONG, 3.0, at)
        assert found.parameters.stop_loss == stop


def test_a_store_that_lost_versions_is_not_believed_until_the_last_good_book_is_too_old(
    caplog: pytest.LogCaptureFixture,
) -> None:
    whole, robbed = book_of(3), book_of(1)
    clock = MovedClock(START)
    books = keeper(Store(whole, robbed, robbed), clock)
    books.refresh()

    assert not books.refresh()
    assert books.book(START) is whole
    assert "the store holds 1 versions, the last good book 2 more" in caplog.text

    clock.at = START + timedelta(hours=49)
    assert books.refresh()
    assert books.book(clock.at) is robbed


def test_a_failed_refresh_is_tried_again_soon_and_a_good_one_waits_for_its_time() -> None:
    books = keeper(Store(None, None, LEARNED), MovedClock(START))

    books.refresh()
    once = books._pause(1800.0)
    books.refresh()
    twice = books._pause(1800.0)
    books.refresh()

    assert 10.0 < once <= 15.0 < twice <= 30.0
    assert books._pause(1800.0) == 1800.0
    assert books._pause(0.005) == 0.005


def test_a_look_up_waits_for_nothing_and_keeps_no_memory() -> None:
    books = keeper(Store(book_of(200)), MovedClock(START))
    books.refresh()

    def look_up() -> None:
        books.book(START).resolve("BTC/USDT:USDT", Side.LONG, 3.0, START)

    assert waits(look_up) == set()
    for _ in range(1_000):
        look_up()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(100_000):
            look_up()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 4_096


def test_a_wrong_setting_stops_the_start_and_a_store_that_is_away_does_not() -> None:
    def keeper(error: FreqfleetError) -> BookKeeper:
        def load() -> ParameterBook:
            raise error

        limit = timedelta(hours=48)
        return BookKeeper(load, defaults=DEFAULTS, clock=MovedClock(START), max_age=limit, refresh_every=None)

    later = keeper(StoreUnavailable("the server is down; look at it"))
    later.start()

    assert later.failed_loads == 1
    with pytest.raises(SettingsError, match="redis"):
        keeper(SettingsError("no learning store speaks 'redis'; …")).start()
