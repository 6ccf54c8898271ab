"""The tail of Student's t against SciPy's, and where there is none."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtr

from freqfleet.validation.student_t import upper_tail


@given(st.floats(-60.0, 60.0), st.floats(0.05, 20_000.0))
def test_it_is_scipys(t, df):
    assert upper_tail(t, df) == pytest.approx(stdtr(df, -t), rel=1e-10, abs=1e-300)


@pytest.mark.parametrize(("t", "df"), [(1e-12, 3.0), (1e-3, 1e4), (40.0, 400.0), (3.0, 1.0), (-3.0, 0.5)])
def test_near_zero_and_far_out_it_is_scipys_too(t, df):
    assert upper_tail(t, df) == pytest.approx(stdtr(df, -t), rel=1e-10, abs=1e-300)


def test_one_degree_of_freedom_is_cauchys():
    assert upper_tail(1.0, 1.0) == pytest.approx(0.25, rel=1e-14)


def test_without_a_degree_of_freedom_nothing_is_certain():
    assert upper_tail(5.0, 0.0) == upper_tail(math.nan, 5.0) == 1.0


@pytest.mark.parametrize(("t", "tail"), [(math.inf, 0.0), (-math.inf, 1.0), (0.0, 0.5)])
def test_at_the_ends_and_in_the_middle(t, tail):
    assert upper_tail(t, 7.0) == tail


def test_endless_degrees_of_freedom_are_the_normal_distribution():
    assert upper_tail(1.959963984540054, math.inf) == pytest.approx(0.025, rel=1e-12)
