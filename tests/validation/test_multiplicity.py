import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.errors import InputError
from freqfleet.validation.multiplicity import adjusted, benjamini_hochberg, holm, simes

PS = st.lists(st.floats(0.0, 1.0), max_size=30).map(np.array)


def test_benjamini_hochberg_on_the_worked_example_of_the_paper():
    ps = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240]
    ps += [0.4262, 0.5719, 0.6528, 0.7590, 1.0]

    assert benjamini_hochberg(np.array(ps), 0.05).tolist() == [True] * 4 + [False] * 11


def test_adjusted_values_are_those_of_r():
    # p.adjust(c(0.01, 0.04, 0.03, 0.005, NA -> 1), "BH")
    found = adjusted(np.array([0.01, 0.04, 0.03, 0.005, np.nan]))

    assert found.tolist() == pytest.approx([0.025, 0.05, 0.05, 0.025, 1.0])
    assert len(adjusted(np.empty(0))) == 0


@given(PS, st.sampled_from([0.01, 0.05, 0.2]))
def test_adjusted_values_below_the_level_are_those_that_are_believed(ps, fdr):
    believed = benjamini_hochberg(ps, fdr)
    assert (adjusted(ps) <= fdr * (1 + 1e-12))[believed].all()
    assert (adjusted(ps) > fdr * (1 - 1e-12))[~believed].all()


def test_holm_stops_at_the_first_that_fails():
    assert holm(np.array([0.02, 0.001, 0.03]), 0.05).tolist() == [True, True, True]
    assert holm(np.array([0.03, 0.001, 0.03]), 0.05).tolist() == [False, True, False]


def test_simes_is_small_where_few_stand_out_or_many_agree():
    assert simes(np.array([0.001] + [0.9] * 9)) == pytest.approx(0.01)
    assert simes(np.array([0.04] * 10)) == pytest.approx(0.04)


def test_not_a_number_is_never_believed():
    assert benjamini_hochberg(np.array([np.nan, 0.0]), 0.05).tolist() == [False, True]
    assert simes(np.array([np.nan])) == 1.0


def test_nothing_tested_believes_nothing():
    assert len(benjamini_hochberg(np.empty(0), 0.05)) == len(holm(np.empty(0), 0.05)) == 0
    assert simes(np.empty(0)) == 1.0


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1])
def test_error_rate_outside_its_bounds_is_refused(level):
    with pytest.raises(InputError, match="an error rate must lie between 0 and 1"):
        benjamini_hochberg(np.array([0.5]), level)


@settings(deadline=None)  # a busy machine is no defect
@given(ps=PS)
def test_holm_believes_no_more_than_benjamini_hochberg_and_both_prefer_small_ps(ps):
    believed = benjamini_hochberg(ps, 0.1)

    assert not (holm(ps, 0.1) & ~believed).any()
    if believed.any() and not believed.all():
        assert ps[believed].max() < ps[~believed].min()


@settings(deadline=None)  # a busy machine is no defect
@given(ps=PS)
def test_benjamini_hochberg_believes_something_just_where_simes_does(ps):
    assert benjamini_hochberg(ps, 0.05).any() == (len(ps) > 0 and simes(ps) <= 0.05)
