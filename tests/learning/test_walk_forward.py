"""A walk through the past: what a learner would have published at each step, and that it knew no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.clock import FixedClock, to_ms
from freqfleet.domain.bin_record import BinRecord
from freqfleet.domain.decisions import Verdict
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, StoreUnavailable
from freqfleet.learning.bin_exits import BinExits
from freqfleet.learning.controller import Controller
from freqfleet.learning.optimizer import Optimizer
from freqfleet.learning.standings import StandingsInMemory
from freqfleet.learning.walk_forward import Step, WalkForward, walk_times
from freqfleet.learning.walk_outcome import walk_document
from freqfleet.market.series import Candles, Funding
from freqfleet.parameters.records import RecordBook
from freqfleet.parameters.version import ParameterVersion
from freqfleet.settings import DefaultSettings, GateSettings, OptimizerSettings, load_settings
from freqfleet.store.series import DECAY_Z
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.records import bin_record
from freqfleet.testing.trades import version
from replaycases import BTC, STEP_MS, WAVE_CANDLES, FakeCandleFiles, after, funding_of, waves

ETH = "ETH/USDT:USDT"
WAVES = 80
WAVE_MINUTES = 5 * WAVE_CANDLES
# The markets turn: there is something new to learn in the middle.
PEAKS = {BTC: [0.06] * 35 + [0.10] * 45, ETH: [0.05] * 30 + [0.09] * 25 + [0.13] * 25}
SEARCHES = {"holdout": "random", "certified": "exact"}  # by the method of the gate
# What there is to disturb: the method of the gate, and the pair whose trades are spread over all bins, so
# that no bin has enough of them. Where a bin gets exits of its own, they leave its pair nothing to gain.
CASES = {"holdout": ("holdout", None), "pairs": ("certified", BTC), "bins": ("certified", None)}
FUNDING = [funding_of([60.0 * hour for hour in range(0, 320, 8)], [0.0001] * 40)]
FIRST, LAST, EVERY = after(WAVE_MINUTES * 30), after(WAVE_MINUTES * 78), timedelta(days=2)


class MovedClock:
    """A clock that a test moves."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


class PastFakes:
    """Fake candle files, of which a time sees the candles that it knew."""

    def __init__(self, candles: list[Candles], funding: list[Funding] | None = None) -> None:
        self._candles = candles
        self._funding = funding or []

    def candles(self, as_of: datetime) -> FakeCandleFiles:
        known = [cut(one, int((one.time_ms + STEP_MS <= to_ms(as_of)).sum())) for one in self._candles]
        paid = [
            replace(one, time_ms=one.time_ms[rows], rate=one.rate[rows])
            for one in self._funding
            for rows in [one.time_ms <= to_ms(as_of)]
        ]
        return FakeCandleFiles(*known, funding=paid)

    def detail(self, as_of: datetime) -> None:
        return None


def cut(candles: Candles, rows: int) -> Candles:
    columns = ("time_ms", "open", "high", "low", "close", "volume")
    return replace(candles, **{name: getattr(candles, name)[:rows] for name in columns})


def settings_for(method: str = "holdout", **optimizer):
    return load_settings(
        Path("nowhere"),
        gate=GateSettings(method=method),
        optimizer=OptimizerSettings(
            **{"time_limit_minutes": (240,), "min_trades": 20, "trials": 20, "days_back": 5, **optimizer}
        ),
        defaults=DefaultSettings(time_limit_minutes=240),
    )


@cache
def make_world():
    """Two pairs of waves, and every trade on them."""
    candles, trades = [], []
    for number, (pair, peaks) in enumerate(PEAKS.items()):
        spread = np.random.default_rng(number).normal(0.0, 0.012, WAVES)
        one, own = waves((np.array(peaks) + spread).clip(0.005, 0.2), pair=pair)
        candles.append(one)
        trades += [replace(trade, trade_id=trade.trade_id + 1000 * number) for trade in own]
    return candles, trades


@pytest.fixture
def world():
    return make_world()


def store_of(trades) -> MemoryStore:
    store = MemoryStore()
    store.record_closed_trades(trades)
    return store


def walk(store, candles, *, times=None, search="random", funding=None, **options) -> list[Step]:
    chosen = options.pop("settings", None) or settings_for()
    return list(
        WalkForward(
            store=store,
            market=PastFakes(candles, funding),
            settings=chosen,
            times=times or walk_times(FIRST, LAST, EVERY),
            search=search,
            **options,
        ).steps()
    )


def records_until(store: MemoryStore, at: datetime) -> list[BinRecord]:
    return store.bin_records(recorded_to=at)


def versions_until(store: MemoryStore, at: datetime) -> list[ParameterVersion]:
    return sorted(store.parameter_versions(recorded_to=at), key=lambda one: (one.recorded_at, one.key.label))


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


def test_a_walk_of_before_there_were_bin_records_gets_them(world):
    candles, trades = world
    whole, older = store_of(trades), store_of(trades)
    walk(whole, candles)
    older.publish_parameters(whole.parameter_versions())

    walk(older, candles)

    assert older.bin_records() == whole.bin_records()


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


def test_the_document_of_a_walk_counts_verdicts_and_names_versions(world):
    candles, trades = world
    store = store_of(trades)

    document = walk_document(walk(store, candles))

    assert document["versions"] == len(store.parameter_versions())
    assert document["bin_records"] == len(store.bin_records())
    told = [BinRecord.from_dict(one) for step in document["steps"] for one in step["bins"]["records"]]
    assert sorted(told, key=repr) == sorted(store.bin_records(), key=repr)
    assert [one["version"] for step in document["steps"] for one in step["versions"]] == [
        one.version_id for one in store.parameter_versions()
    ]
    for step in document["steps"]:
        assert sum(step[verdict.value] for verdict in Verdict) == 4  # two pairs, two sides


@cache
def case_of(name):
    """Return the method, the candles and the trades of a case."""
    method, spread = CASES[name]
    candles, trades = make_world()
    levels = (1.5, 3.0, 4.0, 6.0, 9.0)
    return (
        method,
        candles,
        [replace(one, leverage=levels[one.trade_id % 5]) if one.pair == spread else one for one in trades],
    )


@cache
def undisturbed(name):
    """What a walk publishes when nothing is scrambled."""
    method, candles, trades = case_of(name)
    store = store_of(trades)
    walk(store, candles, settings=settings_for(method), search=SEARCHES[method], funding=FUNDING)
    return store


@settings(max_examples=16, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    steps_known=st.integers(0, 4),
    case=st.sampled_from(sorted(CASES)),
    deletes=st.booleans(),
)
def test_no_bit_of_the_past_depends_on_the_future(seed, steps_known, case, deletes):
    method, candles, trades = case_of(case)
    times = walk_times(FIRST, LAST, EVERY)
    now = times[steps_known]
    store = store_of(scrambled_trades(trades, now, seed, deletes=deletes))
    store.publish_parameters([version(recorded_at=LAST + EVERY)])
    store.record_bins([bin_record(pair=BTC, recorded_at=LAST + EVERY)])

    walk(
        store,
        [scrambled(one, now, seed, deletes=deletes) for one in candles],
        times=times[: steps_known + 1] if deletes else times,
        settings=settings_for(method),
        search=SEARCHES[method],
        funding=[scrambled_funding(one, now, seed) for one in FUNDING],
    )

    assert versions_until(store, now) == versions_until(undisturbed(case), now)
    assert records_until(store, now) == records_until(undisturbed(case), now)


def test_there_is_something_to_disturb():
    steps = {
        case: {(one.recorded_at, one.key.leverage_bin is not None) for one in stored.parameter_versions()}
        for case in CASES
        for stored in [undisturbed(case)]
    }
    bins = {case: {one.recorded_at for one in undisturbed(case).bin_records()} for case in CASES}

    assert len(steps["holdout"]) >= 3
    assert steps["pairs"] == {(FIRST + 3 * EVERY, False)}
    assert steps["bins"] == {(FIRST, True)}
    assert all(len(times) >= 2 for times in bins.values())


def test_the_scrambled_future_is_seen_by_steps_that_lie_in_it():
    candles, trades = make_world()
    now = walk_times(FIRST, LAST, EVERY)[2]
    store = store_of(trades)

    walk(store, [scrambled(one, now, 1, deletes=False) for one in candles], funding=FUNDING)

    assert versions_until(store, LAST) != versions_until(undisturbed("holdout"), LAST)
    assert records_until(store, now) == records_until(undisturbed("holdout"), now)


def scrambled_trades(trades, now, seed, *, deletes):
    """Return the trades closed before `now`, and others than there were after it."""
    rng = np.random.default_rng(seed)
    known = [one for one in trades if one.closed_at < now]
    if deletes:
        return known
    later = [one for one in trades if one.closed_at >= now]
    kept = [one for one in later if rng.random() < 0.7]
    return known + [
        replace(one, margin_profit_ratio=float(rng.normal()), leverage=float(rng.uniform(1, 10)))
        for one in kept
    ]


def scrambled(candles, now, seed, *, deletes):
    """Return the candles finished at `now`, and nonsense after it: shuffled, beyond all measure, NaN."""
    known = int((candles.time_ms + STEP_MS <= to_ms(now)).sum())
    if deletes:
        return cut(candles, known)
    rng = np.random.default_rng(seed)
    changed = {}
    for name in ("open", "high", "low", "close"):
        values = getattr(candles, name).copy()
        values[known:] = rng.permutation(values[known:]) * rng.choice([0.5, 1.0, 3.0, np.nan])
        changed[name] = values
    return replace(candles, **changed)


def scrambled_funding(funding, now, seed):
    rng = np.random.default_rng(seed)
    rate = np.where(funding.time_ms > to_ms(now), rng.normal(size=len(funding.rate)), funding.rate)
    return replace(funding, rate=rate)
