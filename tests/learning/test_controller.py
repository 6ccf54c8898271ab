"""Controller: closed trades become bin records that bots choose leverage and stake by."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.leverage_bins import LEVERAGE_BINS
from freqfleet.domain.leverage_choice import choose_leverage
from freqfleet.domain.sides import Side
from freqfleet.errors import StoreReplaced, StoreUnavailable
from freqfleet.learning.bin_exits import BinExitsRun
from freqfleet.learning.controller import Controller
from freqfleet.learning.trade_feed import Kind
from freqfleet.parameters.records import RecordBook
from freqfleet.settings import load_settings
from freqfleet.store.deadline_store import DeadlineStore
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.moved_clock import MovedClock
from freqfleet.testing.records import bin_record
from freqfleet.testing.trades import closed_trade, version

NOON = datetime(2025, 11, 1, 12, tzinfo=UTC)
PAIR = "BTC/USDT:USDT"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock(NOON)


@pytest.fixture
def controller(store: MemoryStore, clock: MovedClock) -> Controller:
    return Controller(store=store, settings=load_settings(), clock=clock)


def earned(
    count: int, mean: float, *, leverage: float, first: int = 0, sd: float = 0.01, **more
) -> list[ClosedTrade]:
    """Return trades of BOT3 over the last 60 days, four a day, with this mean profit on price."""
    profits = np.random.default_rng([count, first]).normal(mean, sd, count)
    return [
        closed_trade(
            bot="BOT3",
            trade_id=first + number,
            leverage=leverage,
            margin_profit_ratio=float(profit) * leverage,
            opened_at=NOON - timedelta(hours=6 * number + 2),
            closed_at=NOON - timedelta(hours=6 * number + 1),
            **more,
        )
        for number, profit in enumerate(profits)
    ]


def evidence_of(store: MemoryStore, at: datetime = NOON):
    return RecordBook(store.bin_records()).evidence(PAIR, Side.LONG, at)


def test_what_pays_lets_a_bot_take_more_leverage_than_what_does_not(
    store: MemoryStore, controller: Controller
):
    store.record_closed_trades(earned(240, 0.008, leverage=3.0))
    controller.cycle()
    paying = choose_leverage(wanted=3.0, evidence=evidence_of(store))

    other = MemoryStore()
    other.record_closed_trades(earned(240, -0.002, leverage=3.0))
    Controller(store=other, settings=load_settings(), clock=MovedClock(NOON)).cycle()
    losing = choose_leverage(wanted=3.0, evidence=evidence_of(other))

    assert paying.leverage > 3.0
    assert losing.leverage == 1.0


def test_an_empty_bin_and_one_of_a_single_trade_are_spoken_for_by_their_parent(
    store: MemoryStore, controller: Controller
):
    store.record_closed_trades([*earned(240, 0.004, leverage=3.0), *earned(1, 0.2, leverage=9.0, first=5000)])

    cycle = controller.cycle()

    by_bin = dict(evidence_of(store).by_bin)
    assert by_bin[LEVERAGE_BINS[1]].leverage_bin == LEVERAGE_BINS[1]
    assert by_bin[LEVERAGE_BINS[3]].leverage_bin is None  # empty: the pair
    assert by_bin[LEVERAGE_BINS[4]].leverage_bin is None  # one trade: the pair
    assert [one.trades for one in cycle.recorded if one.leverage_bin == LEVERAGE_BINS[4]] == [1, 1]


def test_a_cycle_without_new_trades_records_nothing(
    store: MemoryStore, controller: Controller, clock: MovedClock
):
    store.record_closed_trades(earned(100, 0.002, leverage=3.0))
    controller.cycle()
    clock.at += timedelta(seconds=30)

    cycle = controller.cycle()

    assert (cycle.read, cycle.new_trades, cycle.recorded) == (Kind.NOTHING, 0, ())
    assert cycle.trades == 100


def test_a_restarted_controller_goes_on_from_what_is_published(store: MemoryStore, clock: MovedClock):
    store.record_closed_trades(earned(100, 0.002, leverage=3.0))
    Controller(store=store, settings=load_settings(), clock=clock).cycle()
    clock.at += timedelta(minutes=5)

    assert Controller(store=store, settings=load_settings(), clock=clock).cycle().recorded == ()


def test_a_level_that_lost_its_trades_hands_back_to_its_parent(
    store: MemoryStore, controller: Controller, clock: MovedClock
):
    store.record_closed_trades(earned(100, 0.002, leverage=3.0))
    controller.cycle()
    clock.at += timedelta(days=120)

    cycle = controller.cycle()

    assert {one.trades for one in cycle.recorded} == {0}
    assert evidence_of(store, clock.at).by_bin == ()


def test_records_say_which_exits_are_in_force_for_the_bin(store: MemoryStore, controller: Controller):
    store.record_closed_trades(earned(80, 0.0, leverage=3.0))
    store.publish_parameters(
        [version(leverage_bin=LEVERAGE_BINS[1], stop_loss=-0.04, recorded_at=NOON - timedelta(days=1))]
    )

    records = {(one.pair, one.leverage_bin): one for one in controller.cycle().recorded}

    assert records[PAIR, LEVERAGE_BINS[1]].stop_loss == -0.04
    assert records[None, LEVERAGE_BINS[1]].stop_loss == -0.03  # the default: nothing is for every pair


def test_a_store_that_is_away_costs_a_cycle_and_no_trade(
    store: MemoryStore, controller: Controller, clock: MovedClock
):
    store.record_closed_trades(earned(100, 0.002, leverage=3.0))
    controller.cycle()
    store.record_closed_trades(earned(100, 0.002, leverage=8.0, first=1000))
    store.unavailable = True
    with pytest.raises(StoreUnavailable):
        controller.cycle()
    store.unavailable = False

    assert controller.cycle().trades == 200


def test_a_store_that_answers_too_slowly_costs_the_deadline_and_no_more(clock: MovedClock):
    done = threading.Event()

    class Hanging(MemoryStore):
        def health(self):
            done.wait(5.0)
            return super().health()

    prompt = MemoryStore()
    prompt.record_closed_trades(earned(100, 0.002, leverage=3.0))
    bodies = iter([Hanging(), prompt])  # a store that was late is opened anew
    guarded = DeadlineStore(lambda: next(bodies), seconds=0.5)
    controller = Controller(store=guarded, settings=load_settings(), clock=clock)
    with pytest.raises(StoreUnavailable, match="did not answer within"):
        controller.cycle()
    done.set()

    assert len(controller.cycle().recorded) == 4


def test_a_store_that_was_built_anew_gets_its_records_again(clock: MovedClock):
    class OnAFile(MemoryStore):
        moved_away = False

        def health(self):
            if self.moved_away:
                raise StoreReplaced("it was moved away")
            return super().health()

    first, anew = OnAFile(), MemoryStore()
    for one in (first, anew):
        one.record_closed_trades(earned(100, 0.002, leverage=3.0))
    bodies = iter([first, anew])
    guarded = DeadlineStore(lambda: next(bodies), seconds=30.0)
    controller = Controller(store=guarded, settings=load_settings(), clock=clock)
    before = controller.cycle().recorded

    first.moved_away = True  # by `freqfleet sync`, which found damage and made another file
    with pytest.raises(StoreReplaced):
        controller.cycle()

    assert len(before) == 4
    assert controller.cycle().recorded == before
    assert anew.bin_records() == sorted(before, key=lambda one: one.label)


def test_a_store_that_cannot_be_written_is_written_by_the_next_cycle(clock: MovedClock):
    class ReadOnly(MemoryStore):
        writable = False

        def record_bins(self, records):
            if not self.writable:
                raise StoreUnavailable("it is read-only")
            return super().record_bins(records)

    store = ReadOnly()
    store.record_closed_trades(earned(100, 0.002, leverage=3.0))
    controller = Controller(store=store, settings=load_settings(), clock=clock)
    with pytest.raises(StoreUnavailable):
        controller.cycle()
    store.writable = True

    assert len(controller.cycle().recorded) == 4


def test_what_another_controller_recorded_is_said(
    store: MemoryStore, controller: Controller, clock: MovedClock
):
    store.record_closed_trades(earned(100, 0.002, leverage=3.0))
    controller.cycle()
    clock.at += timedelta(days=1)
    store.record_bins([bin_record(pair=PAIR, recorded_at=clock.at - timedelta(minutes=1))])

    assert "another controller records into this store, 1 levels" in controller.cycle().notes[0]


def test_records_and_versions_from_the_future_are_said_and_not_used(
    store: MemoryStore, controller: Controller
):
    store.record_closed_trades(earned(100, 0.002, leverage=3.0))
    later = NOON + timedelta(days=2)
    store.record_bins([bin_record(pair=PAIR, recorded_at=later)])
    store.publish_parameters([version(recorded_at=later, stop_loss=-0.05)])

    cycle = controller.cycle()

    assert {one.stop_loss for one in cycle.recorded} == {-0.03}
    assert any("1 bin records are dated after" in note for note in cycle.notes)
    assert any("a parameter version is dated 2025-11-03" in note for note in cycle.notes)


def test_leverage_outside_the_bins_and_unknown_bots_are_said(store: MemoryStore, controller: Controller):
    strange = [replace(one, bot="BOT9") for one in earned(3, 0.0, leverage=3.0)]
    store.record_closed_trades([*strange, *earned(2, 0.0, leverage=12.5)])

    cycle = controller.cycle()

    assert cycle.trades == 2
    assert any("3 trades of BOT9 take no part" in note for note in cycle.notes)
    assert any("2 trades have a leverage outside 1..10" in note for note in cycle.notes)


class CountedLooks:
    """A look at exits that is counted, and says what it is told to."""

    def __init__(self, *notes: str) -> None:
        self.trades: list[int] = []
        self._notes = notes

    def look(self, trades, notes: list[str]) -> BinExitsRun:
        self.trades.append(len(trades))
        notes.extend(self._notes)
        return BinExitsRun(findings=(), retracted=("one",), left_out={"few": 3}, wall_seconds=0.25)


def test_stops_and_targets_are_looked_at_once_a_day(store: MemoryStore, clock: MovedClock):
    looks = CountedLooks("BTC long 2.0-3.5 went back")
    store.record_closed_trades(earned(100, 0.002, leverage=3.0))
    controller = Controller(store=store, settings=load_settings(), clock=clock, exits=looks)

    first = controller.cycle()
    for _ in range(3):
        clock.at += timedelta(hours=1)
        controller.cycle()
    store.record_closed_trades([replace(earned(1, 0.0, leverage=3.0)[0], trade_id=77, bot="BOT1")])
    clock.at += timedelta(days=1)
    controller.cycle()

    assert looks.trades == [100, 101]
    assert "exits of 0 bins judged, 0 published, 1 retracted, 3 left out, 0.2 s" in first.line
    assert first.notes == ("BTC long 2.0-3.5 went back",)


def test_a_fleet_without_trades_records_nothing(controller: Controller):
    cycle = controller.cycle()

    assert cycle.recorded == ()
    assert cycle.line.startswith("learned from 0 trades, 0 new: 0 levels recorded, ")


def test_a_fleet_whose_trades_are_all_too_old_is_told_so(
    store: MemoryStore, controller: Controller, clock: MovedClock
):
    store.record_closed_trades(earned(2, 0.002, leverage=3.0))
    clock.at += timedelta(days=400)

    cycle = controller.cycle()

    assert cycle.trades == 0
    assert "no trade closed in the last 90 days, the newest did at 2025-11-01T11:00:00Z" in cycle.notes[0]


@pytest.mark.parametrize(("warns", "warnings"), [(True, 1), (False, 0)])
def test_what_a_person_should_know_is_a_warning_once_where_nobody_shows_the_notes(
    store: MemoryStore, clock: MovedClock, caplog: pytest.LogCaptureFixture, warns: bool, warnings: int
):
    learner = Controller(store=store, settings=load_settings(), clock=clock, warns=warns)

    first = learner.cycle()
    clock.at += timedelta(days=1)
    second = learner.cycle()

    assert first.notes == second.notes != ()
    assert sum(one.levelname == "WARNING" for one in caplog.records) == warnings


def test_a_new_pair_takes_part_at_once(store: MemoryStore, controller: Controller, clock: MovedClock):
    store.record_closed_trades(earned(100, 0.002, leverage=3.0))
    controller.cycle()
    clock.at += timedelta(minutes=1)
    store.record_closed_trades([replace(earned(1, 0.0, leverage=3.0, first=900)[0], pair="ETH/USDT:USDT")])

    cycle = controller.cycle()

    assert cycle.trades == 101
    assert {one.pair for one in cycle.recorded} == {"ETH/USDT:USDT"}
