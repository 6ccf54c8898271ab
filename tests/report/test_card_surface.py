from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.report.card_surface import (
    MOST_STOPS,
    MOST_TARGETS,
    beyond,
    packed_mask,
    packed_profit,
    place,
    pooled,
)

STOPS = tuple(-0.01 * (1 + number) for number in range(4))
TARGETS = (0.02, 0.04, 0.08)


def test_a_small_surface_is_left_as_it_is():
    profit = np.arange(12.0).reshape(4, 3)

    small = pooled(STOPS, TARGETS, profit, profit > 5.0)

    assert (small.stop_losses, small.take_profits) == (STOPS, TARGETS)
    assert small.profit_bps.tolist() == profit.tolist()
    assert small.plateau is not None
    assert small.plateau.tolist() == (profit > 5.0).tolist()


@given(st.integers(1, 130), st.integers(1, 130))
def test_a_large_surface_becomes_small_and_keeps_its_mean(stops, targets):
    profit = np.ones((stops, targets)) * 7.0

    small = pooled(
        [-0.001 * (1 + n) for n in range(stops)], [0.001 * (1 + n) for n in range(targets)], profit, None
    )

    assert small.profit_bps.shape == (len(small.stop_losses), len(small.take_profits))
    assert small.profit_bps.shape[0] <= MOST_STOPS
    assert small.profit_bps.shape[1] <= MOST_TARGETS
    assert (small.profit_bps == 7.0).all()
    assert small.plateau is None


def test_cells_are_pooled_by_their_mean_and_forbidden_ones_do_not_count():
    profit = np.zeros((2 * MOST_STOPS, 1))
    profit[:4, 0] = [10.0, 20.0, 30.0, np.nan]
    profit[4:6, 0] = np.nan
    mask = np.zeros_like(profit, dtype=bool)
    mask[1, 0] = True

    small = pooled([-0.001 * (1 + n) for n in range(len(profit))], [0.05], profit, mask)

    assert small.profit_bps[:2, 0].tolist() == [15.0, 30.0]
    assert np.isnan(small.profit_bps[2, 0])
    assert small.plateau is not None
    assert small.plateau[:2, 0].tolist() == [True, False]


def test_profits_are_packed_in_tenths_of_a_basis_point():
    packed = packed_profit(np.array([[1.26, -0.04], [np.nan, 1e9]]))

    assert np.frombuffer(base64.b64decode(packed), "<i2").tolist() == [13, 0, -32768, 32767]


def test_masks_are_packed_bit_by_bit():
    assert base64.b64decode(packed_mask(np.array([[True, False, True], [False, False, True]]))) == b"\xa4"


@pytest.mark.parametrize(
    ("value", "at", "outside"),
    [(-0.01, 0.0, False), (-0.025, 1.5, False), (-0.04, 3.0, False), (-0.005, 0.0, True), (-0.2, 3.0, True)],
)
def test_a_value_has_a_place_on_its_axis(value, at, outside):
    assert place(STOPS, value) == at
    assert beyond(STOPS, value) is outside
