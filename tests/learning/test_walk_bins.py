"""A walk through the past: what a controller would have recorded of leverage bins at each step."""

from __future__ import annotations

from datetime import timedelta

import pytest

from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.learning.bin_exits import BinExits
from freqfleet.learning.controller import Controller
from freqfleet.learning.optimizer import Optimizer
from freqfleet.learning.standings import StandingsInMemory
from freqfleet.parameters.records import RecordBook
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.moved_clock import MovedClock
from freqfleet.testing.records import bin_record
from replaycases import BTC, FakeCandleFiles
from walkcases import (
    EVERY,
    FIRST,
    LAST,
    SEARCHES,
    make_world,
    settings_for,
    store_of,
    versions_until,
    walk,
)


@pytest.fixture
def world():
    return make_world()


@pytest.mark.parametrize("method", ["holdout", "certified"])
def test_every_step_records_the_bins_that_a_controller_of_its_time_records(world, method):
    candles, trades = world
    store, by_hand, clock = store_of(trades), MemoryStore(), MovedClock(FIRST)
    options = {"settings": settings_for(method), "search": SEARCHES[method]}
    exits = BinExits(
        store=by_hand,
        candles=FakeCandleFiles(*candles),
        settings=options["settings"],
        clock=clock,
        standings=StandingsInMemory(),
    )
    controller = Controller(store=by_hand, settings=options["settings"], clock=clock, exits=exits)
    standings = StandingsInMemory()

    steps = walk(store, candles, **options)

    for step in steps:
        clock.at = step.as_of
        by_hand.record_closed_trades([one for one in trades if one.closed_at < step.as_of])
        Optimizer(
            store=by_hand,
            candles=FakeCandleFiles(*candles),
            clock=clock,
            standings=standings,
            **options,
        ).run()
        controller.cycle()
    assert len({one.recorded_at for one in store.bin_records()}) >= 2
    assert store.bin_records() == by_hand.bin_records()
    assert versions_until(store, LAST) == versions_until(by_hand, LAST)


def test_bin_records_are_recorded_at_their_step_and_learned_from_before_it(world):
    candles, trades = world
    store = store_of(trades)

    steps = walk(store, candles)

    stored = store.bin_records()
    first = steps[0].as_of
    assert {one.recorded_at for one in stored} <= {step.as_of for step in steps}
    assert all(one.learned_until < one.recorded_at for one in stored if one.trades)
    book = RecordBook(stored)
    fleet = (None, Side.LONG, None)
    assert book.record(*fleet, first - timedelta(milliseconds=1)) is None
    assert book.record(*fleet, first + EVERY / 2).trades == sum(
        first - timedelta(days=5) <= one.closed_at < first for one in trades
    )
    later = next(one for one in stored if one.recorded_at > first)
    level = (later.pair, later.side, later.leverage_bin)
    assert book.record(*level, later.recorded_at - timedelta(milliseconds=1)) != later
    assert book.record(*level, later.recorded_at) == later


def test_a_walk_of_before_there_were_bin_records_gets_them(world):
    candles, trades = world
    whole, older = store_of(trades), store_of(trades)
    walk(whole, candles)
    older.publish_parameters(whole.parameter_versions())

    walk(older, candles)

    assert older.bin_records() == whole.bin_records()


def test_bin_records_of_a_controller_inside_the_span_are_refused_before_anything_is_stored(world):
    candles, trades = world
    store = store_of(trades)
    store.record_bins([bin_record(pair=BTC, recorded_at=FIRST + timedelta(seconds=30))])

    with pytest.raises(
        InputError, match=r"bin records of other runs \(1\), .* that of BTC.* a store of its own"
    ):
        walk(store, candles)

    assert store.parameter_versions() == []
    assert len(store.bin_records()) == 1


def test_bin_records_of_a_walk_over_other_trades_are_refused(world):
    candles, trades = world
    store = store_of(trades)
    store.record_bins([bin_record(pair=BTC, recorded_at=FIRST)])

    with pytest.raises(InputError, match=r"the bin record of BTC.* is of a walk over other trades"):
        walk(store, candles)


def test_a_walk_goes_on_from_the_bin_records_of_before_it(world):
    candles, trades = world
    store, without = store_of(trades), store_of(trades)
    before = bin_record(pair="XRP/USDT:USDT", recorded_at=FIRST - EVERY)
    store.record_bins([before])

    walk(store, candles)

    walk(without, candles)
    emptied = [one for one in store.bin_records() if one.pair == before.pair and one != before]
    assert [(one.recorded_at, one.trades) for one in emptied] == [(FIRST, 0)]
    assert [one for one in store.bin_records() if one.pair != before.pair] == without.bin_records()
