from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.domain.leverage_bins import LEVERAGE_BINS, leverage_bin, parse_leverage_bin
from freqfleet.errors import InputError


def test_the_bins_are_the_five_steps_without_a_hole():
    assert [one.label for one in LEVERAGE_BINS] == ["1.0-2.0", "2.0-3.5", "3.5-5.0", "5.0-7.5", "7.5-10.0"]


@pytest.mark.parametrize(
    ("leverage", "label"),
    [
        (1.0, "1.0-2.0"),
        (1.999999, "1.0-2.0"),
        (2.0, "2.0-3.5"),
        (3.499999, "2.0-3.5"),
        (3.5, "3.5-5.0"),
        (5.0, "5.0-7.5"),
        (7.5, "7.5-10.0"),
        (10.0, "7.5-10.0"),  # the last bin is closed
        (0.5, "1.0-2.0"),  # outside: the nearest
        (12.5, "7.5-10.0"),
        (math.inf, "7.5-10.0"),
    ],
)
def test_an_edge_belongs_to_one_bin(leverage, label):
    assert leverage_bin(leverage).label == label


@given(st.floats(1.0, 10.0))
def test_every_leverage_lies_in_exactly_the_bin_it_is_given(leverage):
    holding = [
        one
        for one in LEVERAGE_BINS
        if one.low <= leverage < one.high or (one is LEVERAGE_BINS[-1] and leverage == one.high)
    ]

    assert holding == [leverage_bin(leverage)]


@given(st.floats(0.5, 12.5), st.floats(0.5, 12.5))
def test_a_higher_leverage_is_never_in_a_lower_bin(one, other):
    low, high = sorted((one, other))

    assert leverage_bin(low) <= leverage_bin(high)


def test_what_is_no_number_is_in_no_bin():
    with pytest.raises(InputError, match="was nan"):
        leverage_bin(math.nan)


@pytest.mark.parametrize("one", LEVERAGE_BINS, ids=str)
def test_a_label_is_read_back(one):
    assert parse_leverage_bin(one.label) == one


@pytest.mark.parametrize("label", ["", "2-3.5", "10.0-20.0", "2.0-3.5 "])
def test_an_unknown_label_is_refused_with_the_known_ones(label):
    with pytest.raises(InputError) as refusal:
        parse_leverage_bin(label)

    assert repr(label) in str(refusal.value)
    assert "2.0-3.5" in str(refusal.value)
