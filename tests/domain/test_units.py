from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.domain.sides import Side
from freqfleet.domain.units import (
    checked_leverage,
    price_after,
    price_move_ratio,
    to_margin_ratio,
    to_position_ratio,
)
from freqfleet.errors import InputError

RATIOS = st.floats(-0.9, 5.0)
LEVERAGES = st.floats(1.0, 125.0)
PRICES = st.floats(1e-9, 1e6)
SIDES = st.sampled_from(Side)


def test_leverage_multiplies_a_move_on_margin():
    assert to_margin_ratio(-0.0201, 3.0) == pytest.approx(-0.0603)
    assert to_position_ratio(0.06, 3.0) == pytest.approx(0.02)


@given(RATIOS, LEVERAGES)
def test_a_ratio_comes_back_from_margin_level(ratio, leverage):
    assert to_position_ratio(to_margin_ratio(ratio, leverage), leverage) == pytest.approx(ratio, abs=1e-12)


@pytest.mark.parametrize("leverage", [0.999, 0.0, -3.0, math.nan, math.inf])
@pytest.mark.parametrize("convert", [to_margin_ratio, to_position_ratio])
def test_a_leverage_that_is_none_is_refused_with_its_value(convert, leverage):
    with pytest.raises(InputError, match=f"was {leverage}"):
        convert(0.01, leverage)


def test_a_leverage_of_one_is_allowed():
    assert checked_leverage(1.0) == 1.0


def test_a_gain_lies_above_the_entry_for_a_long_and_below_it_for_a_short():
    assert price_after(100.0, 0.03, Side.LONG) == pytest.approx(103.0)
    assert price_after(100.0, 0.03, Side.SHORT) == pytest.approx(97.0)
    assert price_move_ratio(100.0, 97.0, Side.SHORT) == pytest.approx(0.03)
    assert price_move_ratio(100.0, 97.0, Side.LONG) == pytest.approx(-0.03)


@given(PRICES, st.floats(-0.9, 0.9), SIDES)
def test_a_move_comes_back_from_its_price(open_rate, ratio, side):
    assert price_move_ratio(open_rate, price_after(open_rate, ratio, side), side) == pytest.approx(
        ratio, abs=1e-9
    )
