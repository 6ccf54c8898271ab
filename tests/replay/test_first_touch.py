"""First touches against looking at one candle after the other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from freqfleet.replay.first_touch import falling_extremes, first_at_or_below, padded

PRICES = st.integers(1, 9).map(float)  # few of them: ties are what a search gets wrong
WINDOWS = st.tuples(st.integers(1, 4), st.sampled_from([1, 2, 3, 7, 8, 9, 15, 16, 17]))


@settings(max_examples=200, deadline=None)
@given(prices=WINDOWS.flatmap(lambda shape: arrays(np.float64, shape, elements=PRICES)), data=st.data())
def test_the_first_candle_at_or_below_a_level_is_found(prices, data):
    rows = np.array(data.draw(st.lists(st.integers(0, len(prices) - 1), min_size=1, max_size=5)))
    level = np.array(data.draw(st.lists(PRICES, min_size=len(rows), max_size=len(rows))))

    found = first_at_or_below(padded(np.minimum.accumulate(prices, axis=1)), level, rows)

    for row, one, at in zip(rows.tolist(), level.tolist(), found.tolist(), strict=True):
        assert at == next(
            (i for i, price in enumerate(prices[row].tolist()) if price <= one), prices.shape[1]
        )


def test_levels_may_have_any_shape_that_the_rows_fit_to():
    falling = padded(np.array([[5.0, 3.0, 1.0], [6.0, 6.0, 2.0]]))
    levels = np.array([[[4.0, 1.0], [6.0, 1.5]], [[0.5, 5.0], [3.0, 2.0]]])  # (scalings, trades, levels)

    found = first_at_or_below(falling, levels, np.arange(2)[:, None])

    assert found.tolist() == [[[1, 2], [0, 3]], [[3, 0], [2, 2]]]


@pytest.mark.parametrize("is_short", [False, True])
def test_extremes_are_signed_and_fall(is_short):
    low, high = np.array([[3.0, 2.0, 4.0]]), np.array([[5.0, 6.0, 9.0]])

    worst, best = falling_extremes(low=low, high=high, is_short=is_short)

    of_a_long = ([3.0, 2.0, 2.0, -np.inf], [-5.0, -6.0, -9.0, -np.inf])
    of_a_short = ([-5.0, -6.0, -9.0, -np.inf], [3.0, 2.0, 2.0, -np.inf])
    assert (worst[0].tolist(), best[0].tolist()) == (of_a_short if is_short else of_a_long)
