"""A walk through the past knows no more than was known: its future may be anything."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.clock import to_ms
from freqfleet.learning.walk_forward import walk_times
from freqfleet.testing.records import bin_record
from freqfleet.testing.trades import version
from replaycases import BTC, STEP_MS
from walkcases import (
    EVERY,
    FIRST,
    FUNDING,
    LAST,
    SEARCHES,
    cut,
    make_world,
    records_until,
    settings_for,
    store_of,
    versions_until,
    walk,
)

# What there is to disturb: the method of the gate, and the pair whose trades are spread over all bins, so
# that no bin has enough of them. Where a bin gets exits of its own, they leave its pair nothing to gain.
CASES = {"holdout": ("holdout", None), "pairs": ("certified", BTC), "bins": ("certified", None)}


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
