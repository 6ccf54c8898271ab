"""Intervals that count days, not rows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from freqfleet.validation.blocks import auc_interval, mean_interval


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_auc_of_known_cases():
    won = np.array([False, False, True, True] * 10)
    day = np.repeat(np.arange(10), 4)

    def value(scores: list[float]) -> float:
        return auc_interval(np.array(scores * 10), won, day, rng=rng()).value

    assert value([1.0, 2.0, 3.0, 4.0]) == 1.0
    assert value([4.0, 3.0, 2.0, 1.0]) == 0.0
    assert value([1.0, 1.0, 1.0, 1.0]) == 0.5
    assert value([1.0, 3.0, 2.0, 4.0]) == 0.75


def test_noise_has_half_inside_its_interval_and_a_signal_does_not():
    noise = np.random.default_rng(2)
    won, day = noise.random(20_000) < 0.3, np.arange(20_000) // 500
    scores = noise.normal(size=20_000)

    assert auc_interval(scores, won, day, rng=rng()).holds(0.5)
    assert not auc_interval(scores + 0.3 * won, won, day, rng=rng()).holds(0.5)


def test_one_day_repeated_a_thousand_times_is_one_day():
    values = np.concatenate([np.full(1000, 1.0), np.full(10, -1.0), np.full(10, -1.0), np.full(10, -1.0)])
    day = np.concatenate([np.zeros(1000), np.full(10, 1), np.full(10, 2), np.full(10, 3)]).astype(int)

    found = mean_interval(values, day, rng=rng())

    assert found.value == pytest.approx(970 / 1030)
    assert found.holds(-0.5)  # without that day it looks quite different


@pytest.mark.parametrize("won", [[True] * 5, [False] * 5, []])
def test_one_class_has_no_area(won):
    found = auc_interval(
        np.arange(len(won), dtype=float), np.array(won, dtype=bool), np.arange(len(won)), rng=rng()
    )

    assert math.isnan(found.value)
    assert found.to_dict() == {"value": None, "low": None, "high": None}


def test_two_days_have_a_value_and_no_interval():
    found = mean_interval(np.array([1.0, 3.0]), np.array([0, 1]), rng=rng())

    assert found.value == 2.0
    assert math.isnan(found.low)
