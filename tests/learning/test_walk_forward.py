"""A walk through the past: what a learner would have published at each step."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from freqfleet.clock import FixedClock
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, StoreUnavailable
from freqfleet.learning.optimizer import Optimizer
from freqfleet.learning.walk_forward import WalkForward, walk_times
from freqfleet.store.series import DECAY_Z
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.trades import version
from replaycases import BTC, FakeCandleFiles, after, waves
from walkcases import (
    ETH,
    EVERY,
    FIRST,
    LAST,
    SEARCHES,
    WAVE_MINUTES,
    PastFakes,
    make_world,
    records_until,
    settings_for,
    store_of,
    versions_until,
    walk,
)


@pytest.fixture
def world():
    return make_world()


def test_times_include_both_ends_where_the_steps_meet_them():
    assert walk_times(after(0), after(120), timedelta(hours=1)) == (after(0), after(60), after(120))
    assert walk_times(after(0), after(119), timedelta(hours=1)) == (after(0), after(60))
    assert walk_times(after(5), after(5), timedelta(days=7)) == (after(5),)


@pytest.mark.parametrize(
    ("first", "last", "every", "said"),
    [
        (10, 0, timedelta(days=1), "before it begins"),
        (0, 10, timedelta(minutes=59), "an hour or more"),
        (0, 10, timedelta(0), "an hour or more"),
        (0, 60 * 24 * 800, timedelta(hours=1), "longer --every"),
    ],
)
def test_a_walk_that_makes_no_sense_is_refused_in_words(first, last, every, said):
    with pytest.raises(InputError, match=said):
        walk_times(after(first), after(last), every)


def test_every_step_decides_what_an_optimizer_of_its_time_decides(world):
    candles, trades = world
    store, by_hand = store_of(trades), store_of(trades)

    steps = walk(store, candles)

    for step in steps:
        Optimizer(
            store=by_hand,
            candles=FakeCandleFiles(*candles),
            settings=settings_for(),
            clock=FixedClock(step.as_of),
            search="random",
        ).run()
    assert versions_until(store, LAST) == versions_until(by_hand, LAST)
    assert len({one.recorded_at for one in store.parameter_versions()}) > 2


def test_versions_are_recorded_at_their_step_and_learned_from_before_it(world):
    candles, trades = world
    store = store_of(trades)

    steps = walk(store, candles)

    stored = store.parameter_versions()
    assert stored
    assert {one.recorded_at for one in stored} <= {step.as_of for step in steps}
    assert all(one.valid_from == one.recorded_at >= one.learned_until for one in stored)
    assert [one for step in steps for one in step.versions] == stored


def test_what_a_step_published_is_what_the_next_one_has_to_beat(world):
    candles, trades = world
    store = store_of(trades)

    steps = walk(store, candles)

    first = next(step for step in steps if step.taken)
    later = next(step for step in steps if step.as_of > first.as_of)
    (own,) = (one for one in later.run.findings if (one.decision.pair, one.decision.side) == (ETH, Side.LONG))
    (published,) = (one for one in first.taken if one.decision.pair == ETH)
    assert published.decision.version in own.decision.reason


@pytest.mark.parametrize("method", ["holdout", "certified"])
def test_walking_again_stores_nothing_more_and_tells_the_same(world, method):
    candles, trades = world
    store = store_of(trades)
    options = {"settings": settings_for(method), "search": SEARCHES[method]}
    once = walk(store, candles, **options)
    stored, records = store.parameter_versions(), store.bin_records()

    again = walk(store, candles, **options)

    assert stored
    assert records
    assert store.parameter_versions() == stored
    assert store.bin_records() == records
    # Their texts, to the last digit: figures that are not measured are NaN, which equals nothing.
    assert [repr(one.run.findings) for one in again] == [repr(one.run.findings) for one in once]
    assert [one.stored_before for one in again] == [len(one.versions) + len(one.records) for one in once]


def test_a_walk_that_was_cut_off_goes_on_as_if_it_had_not_been(world):
    candles, trades = world
    whole, cut_off = store_of(trades), store_of(trades)
    walk(whole, candles)
    some, bins = versions_until(whole, LAST), records_until(whole, LAST)
    cut_off.publish_parameters(some[: len(some) // 2])  # in the middle of a step, as a kill leaves it
    cut_off.record_bins(bins[: len(bins) // 2])

    walk(cut_off, candles)

    assert versions_until(cut_off, LAST) == some
    assert records_until(cut_off, LAST) == bins


def test_a_longer_walk_keeps_what_a_shorter_one_stored(world):
    candles, trades = world
    store, whole = store_of(trades), store_of(trades)
    times = walk_times(FIRST, LAST, EVERY)
    walk(store, candles, times=times[:3])

    walk(store, candles, times=times)

    walk(whole, candles, times=times)
    assert versions_until(store, LAST) == versions_until(whole, LAST)


def test_versions_of_other_runs_inside_the_span_are_refused_before_anything_is_stored(world):
    candles, trades = world
    store = store_of(trades)
    store.publish_parameters([version(recorded_at=FIRST + EVERY, run_id="live-7")])

    with pytest.raises(
        InputError, match=r"versions of other runs \(1\), .* by run live-7; .* a store of its own"
    ):
        walk(store, candles)

    assert len(store.parameter_versions()) == 1


def test_versions_from_before_the_walk_are_what_its_first_step_has_to_beat(world):
    candles, trades = world
    store = store_of(trades)
    before = version(recorded_at=FIRST - EVERY, pair=ETH, stop_loss=-0.04, take_profit=0.15)
    store.publish_parameters([before])

    steps = walk(store, candles)

    (own,) = (
        one for one in steps[0].run.findings if (one.decision.pair, one.decision.side) == (ETH, Side.LONG)
    )
    assert before.version_id in own.decision.reason


def test_a_walk_over_other_trades_is_refused_and_stores_nothing(world):
    candles, trades = world
    store = store_of(trades)
    walk(store, candles)
    stored = store.parameter_versions()
    store.record_closed_trades([replace(trades[0], trade_id=9_999, bot="BOT3")])

    with pytest.raises(InputError, match="a walk over other trades or candles"):
        walk(store, candles)

    assert store.parameter_versions() == stored


def test_a_store_without_trades_is_refused_with_the_remedy(world):
    with pytest.raises(InputError, match="nothing to learn from; fill the store first: freqfleet sync"):
        walk(MemoryStore(), world[0])


def test_a_store_that_is_down_is_not_waited_for(world):
    store = store_of(world[1])
    store.unavailable = True

    with pytest.raises(StoreUnavailable):
        walk(store, world[0])


def test_the_decay_of_every_step_is_in_the_store_and_not_twice():
    peaks = np.random.default_rng(3).normal(0.07, 0.02, 26 * 24 * 60 // WAVE_MINUTES).clip(0.005, 0.15)
    one, trades = waves(peaks, pair=BTC)
    store, candles = store_of(trades), [one]
    times = tuple(after(24 * 60 * day) for day in (20, 25))
    options = {"search": "exact", "settings": settings_for("certified", days_back=90), "times": times}
    steps = walk(store, candles, **options)
    told = store.series(DECAY_Z)

    walk(store, candles, **options)

    known = {one.as_of for one in steps if one.run.decay is not None and not one.run.decay.pooled.unsure}
    assert known
    assert {one.at for one in told if one.key == "all"} == known
    assert store.series(DECAY_Z) == told
    assert not any("series" in note for one in steps for note in one.run.notes)


def test_how_far_a_step_is_can_be_followed(world):
    candles, trades = world
    told: list[int] = []

    list(
        WalkForward(
            store=store_of(trades),
            market=PastFakes(candles),
            settings=settings_for(),
            times=(FIRST, LAST),
            search="random",
        ).steps(told.append)
    )

    assert told == [2, 2, 2, 2]  # two steps of two pairs
