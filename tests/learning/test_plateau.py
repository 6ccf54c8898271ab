import importlib.util
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.errors import InputError
from freqfleet.learning.plateau import best_cell, neighbourhood_means, reach_of, survey
from freqfleet.replay.surface import Cell, SurfaceAxes

NUMBA = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba is not installed")
KERNELS = ["numpy", pytest.param("numba", marks=NUMBA)]


def line_axes(targets: int) -> SurfaceAxes:
    """One scaling, one limit, one stop; targets of 1 %, 2 %, ..."""
    return SurfaceAxes(stop_losses=(-0.02,), take_profits=tuple(0.01 * (k + 1) for k in range(targets)))


def line(*profits: float) -> np.ndarray:
    return np.array(profits).reshape(1, 1, 1, -1)


@pytest.mark.parametrize("kernel", KERNELS)
def test_means_are_those_of_the_box_around_each_cell(kernel):
    @settings(max_examples=60, deadline=None)
    @given(
        st.tuples(*(st.integers(1, size) for size in (3, 4, 6, 7))),
        st.tuples(*(st.integers(0, reach) for reach in (1, 2, 3, 4))),
        st.integers(0, 2**32 - 1),
    )
    def check(shape, reach, seed):
        rng = np.random.default_rng(seed)
        surface, allowed = rng.normal(size=shape), rng.random(shape[2:]) < 0.7

        found = neighbourhood_means(surface, Cell(*reach), allowed, kernel=kernel)

        for at in itertools.product(*(range(size) for size in shape)):
            box = tuple(slice(max(i - r, 0), i + r + 1) for i, r in zip(at, reach, strict=True))
            expected = surface[box].mean() if allowed[at[2:]] else -np.inf
            assert found[at] == pytest.approx(expected, abs=1e-13)

    check()


def test_unknown_kernel_is_refused():
    with pytest.raises(InputError, match="no kernel 'gpu'"):
        neighbourhood_means(line(1.0), Cell(0, 0, 0, 0), np.ones((1, 1), dtype=bool), kernel="gpu")


def test_first_of_equals_wins_where_only_rounding_tells_them_apart():
    assert best_cell(np.array([0.0, 0.01, 0.01 + 1e-15, 0.01 - 1e-15])) == 1


@pytest.mark.parametrize("nothing", [[-np.inf, -np.inf], [np.nan, np.nan], []])
def test_nothing_allowed_or_known_is_no_cell(nothing):
    assert best_cell(np.array(nothing)) is None


def test_neighbourhood_reaches_a_share_of_each_long_axis():
    axes = SurfaceAxes(
        stop_losses=tuple(-0.01 - 0.0004 * j for j in range(100)),
        take_profits=(0.02, 0.03, 0.04),
        volatility_scalings=(0.0,),
        time_limit_minutes=tuple(range(60, 180, 10)),
    )

    assert reach_of(axes) == Cell(0, 1, 7, 0)


def test_flat_top_keeps_its_gain_and_a_spike_does_not():
    surface = line(0.0, 0.0, 0.009, 0.010, 0.009, 0.0, 0.0, 0.012, 0.0, 0.0)

    top, spike = (
        survey(surface, line_axes(10), Cell(0, 0, 0, at), incumbent_mean=0.002, standard_error=0.0015)
        for at in (3, 7)
    )

    assert top.ratio == pytest.approx((0.028 / 3 - 0.002) / 0.008)
    assert top.least_ratio == pytest.approx(0.007 / 0.008)
    assert top.widths["take_profit"] == pytest.approx((0.03, 0.05))
    assert (top.neighbours, top.edges) == (3, ())
    assert spike.ratio == pytest.approx((0.004 - 0.002) / 0.010)
    assert spike.least_ratio == pytest.approx(-0.2)
    assert spike.widths["take_profit"] == pytest.approx((0.08, 0.08))


def test_width_ends_at_the_first_cell_that_is_worse():
    surface = line(0.010, 0.0, 0.010, 0.010, 0.0)

    found = survey(surface, line_axes(5), Cell(0, 0, 0, 2), incumbent_mean=0.0, standard_error=0.001)

    assert found.widths["take_profit"] == pytest.approx((0.03, 0.04))
    assert found.widths["stop_loss"] == (-0.02, -0.02)


def test_what_gains_nothing_has_no_plateau_ratio():
    found = survey(line(0.01, 0.01), line_axes(2), Cell(0, 0, 0, 0), incumbent_mean=0.01, standard_error=None)

    assert (found.ratio, found.least_ratio) == (None, None)


@pytest.mark.parametrize(
    ("values", "at", "edges"),
    [
        (5, 0, ("take_profit",)),
        (5, 1, ()),
        (5, 4, ("take_profit",)),
        (12, 1, ("take_profit",)),
        (12, 2, ()),
        (12, 10, ("take_profit",)),
        (1, 0, ()),
    ],
)
def test_an_optimum_at_an_end_of_its_axis_is_flagged(values, at, edges):
    surface = line(*[0.0] * values)

    found = survey(surface, line_axes(values), Cell(0, 0, 0, at), incumbent_mean=0.0, standard_error=None)

    assert found.edges == edges
