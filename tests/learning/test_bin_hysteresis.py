"""Hysteresis: leverage does not jump with every trade."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from freqfleet.domain.bin_record import BinRecord, ProfitPosterior
from freqfleet.domain.leverage_bins import leverage_bin
from freqfleet.learning.bin_hysteresis import AT_LEAST, AT_MOST, FRESH, Hysteresis
from freqfleet.testing.records import RECORDED, bin_record

SECONDS_30 = timedelta(seconds=30)


def kelly(leverage: float, at: datetime = RECORDED, trades: int = 200) -> BinRecord:
    """Return a record whose quarter of Kelly comes to this leverage."""
    sd = 0.02
    return replace(
        bin_record(recorded_at=at, trades=trades),
        posterior=ProfitPosterior(
            mean_ratio=4.0 * leverage * sd**2 + 1e-4, mean_sd_ratio=1e-4, trade_sd_ratio=sd
        ),
    )


def published_over(course: list[float], *, start: float, every: timedelta = SECONDS_30) -> list[BinRecord]:
    """Return what a course of Kelly leverages publishes, one look after the other."""
    guard, current, published, now = Hysteresis(), kelly(start), [], RECORDED
    for one in course:
        now += every
        new = kelly(one, now)
        if guard.publishes(current, new, now):
            current = new
            published.append(new)
    return published


def test_the_first_record_of_a_level_is_published_at_once():
    assert Hysteresis().publishes(None, kelly(2.0), RECORDED)


def test_a_wave_across_an_edge_changes_the_bin_once_an_hour_at_most():
    looks = 24 * 120  # a day of looks every 30 seconds
    wave = [2.0 + 0.6 * math.sin(2.0 * math.pi * at / 40.0) for at in range(looks)]

    published = published_over(wave, start=1.8)

    bins = [leverage_bin(one.posterior.kelly_leverage) for one in [kelly(1.8), *published]]
    changes = sum(one != other for one, other in itertools.pairwise(bins))
    assert changes <= 24
    assert all(
        later.recorded_at - one.recorded_at >= AT_LEAST for one, later in itertools.pairwise(published)
    )


def test_a_lasting_change_across_an_edge_is_published_after_an_hour():
    published = published_over([2.6] * 400, start=1.8)

    assert len(published) == 1
    assert published[0].recorded_at - RECORDED == pytest.approx(AT_LEAST + SECONDS_30, abs=SECONDS_30)


def test_a_change_barely_across_an_edge_waits_for_a_day():
    published = published_over([2.1] * 60, start=1.9, every=timedelta(hours=1))

    assert len(published) == 1
    assert published[0].recorded_at - RECORDED >= AT_MOST


def test_looks_a_day_apart_or_more_are_held_back_by_no_edge():
    published = published_over([1.9, 2.1], start=1.8, every=timedelta(days=7))

    assert [one.posterior.kelly_leverage for one in published] == pytest.approx([1.9, 2.1], abs=0.01)


def test_the_first_look_of_a_process_waits_however_old_the_record_is():
    guard, later = Hysteresis(), RECORDED + timedelta(days=7)

    assert not guard.publishes(kelly(1.8), kelly(2.6, later), later)


def test_less_leverage_waits_as_long_as_more():
    published = published_over([1.2] * 400, start=2.4)

    assert len(published) == 1
    assert published[0].recorded_at - RECORDED >= AT_LEAST


def test_a_level_is_recorded_once_an_hour_at_most():
    rising = [2.2 + 0.01 * at for at in range(120)]  # within one bin

    assert len(published_over(rising, start=2.2)) <= 1


def test_what_says_nothing_new_is_not_published():
    assert published_over([2.6004] * 200, start=2.6) == []


def test_a_week_old_record_gets_its_small_changes():
    guard, later = Hysteresis(), RECORDED + FRESH

    assert guard.publishes(kelly(2.6), kelly(2.6, later, trades=201), later)
    assert not guard.publishes(kelly(2.6), kelly(2.6, RECORDED + AT_MOST, trades=201), RECORDED + AT_MOST)


def test_what_is_held_back_is_due_when_its_time_comes():
    guard, soon = Hysteresis(), RECORDED + timedelta(minutes=1)

    assert not guard.publishes(kelly(2.6), kelly(2.9, soon), soon)

    assert guard.waiting == 1
    assert not guard.is_due(soon)
    assert guard.is_due(RECORDED + AT_LEAST)
