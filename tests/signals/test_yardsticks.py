from __future__ import annotations

import numpy as np
import pytest

from freqfleet.signals.yardsticks import (
    MIN_ATR_RATIO,
    abstaining_first,
    atr_yardstick,
    ramp,
    weakest,
)
from freqfleet.testing.candle_frames import candles_from_closes


def test_a_ramp_is_half_way_in_the_middle_and_flat_outside():
    values = np.array([0.0, 10.0, 20.0, 30.0, 99.0, np.nan])

    assert ramp(values, nothing=10.0, full=30.0)[:-1].tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert np.isnan(ramp(values, nothing=10.0, full=30.0)[-1])


def test_a_rule_is_as_sure_as_its_weakest_condition():
    together = weakest(np.array([0.9, 0.2, np.nan]), np.array([0.4, 0.8, 1.0]))

    assert together[:2].tolist() == [0.4, 0.2]
    assert np.isnan(together[2])


def test_abstaining_leaves_the_given_array_alone():
    confidences = np.array([0.1, 0.2, 0.3])

    held_back = abstaining_first(confidences, 2)

    assert np.isnan(held_back[:2]).all()
    assert held_back[2] == 0.3
    assert confidences[0] == 0.1


def test_the_yardstick_is_the_usual_range_of_a_candle():
    swings = candles_from_closes([100.0, 101.0] * 50, spread_ratio=0.0)

    assert atr_yardstick(swings)[-1] == pytest.approx(1.0)


@pytest.mark.parametrize(("share_of_minimum", "measures"), [(0.5, False), (2.0, True)])
def test_a_range_of_mere_ticks_measures_nothing(share_of_minimum, measures):
    swing = 100.0 * MIN_ATR_RATIO * share_of_minimum
    ticks = candles_from_closes([100.0, 100.0 + swing] * 50, spread_ratio=0.0)

    assert np.isfinite(atr_yardstick(ticks)[-1]) == measures
