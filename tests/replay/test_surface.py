"""Surfaces against every cell replayed one by one, with both kernels."""

from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, ParameterError
from freqfleet.replay.costs import Costs
from freqfleet.replay.exit_rule import ExitKind
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.replay.surface import (
    FEW_SEARCHES,
    Cell,
    SurfaceAxes,
    build_surfaces,
    kernel_for,
    kernel_of,
)
from replaypaths import no_paths, trade_paths, walk_paths

FREE = Costs(fee_ratio=0.0, slippage_ratio=0.0, funding=False)
DEAR = Costs(fee_ratio=0.0005, slippage_ratio=0.0002, funding=True, target_fee_ratio=0.0002)
NUMBA = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba is not installed")
KERNELS = ["numpy", pytest.param("numba", marks=NUMBA)]
RATIOS = [0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.2, 0.3]

AXES = SurfaceAxes(
    stop_losses=(-0.005, -0.01, -0.02, -0.03, -0.3),
    take_profits=(0.005, 0.01, 0.02, 0.05, 0.1, 0.5),
    volatility_scalings=(0.0, 0.4, 1.0),
    time_limit_minutes=(30, 60, 700, 1440),
    atr_reference_ratio=0.004,
)


def rising(values, most):
    return st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True).map(sorted).map(tuple)


@st.composite
def surface_axes(draw):
    return SurfaceAxes(
        stop_losses=tuple(-one for one in draw(rising(RATIOS, 6))),
        take_profits=draw(rising(RATIOS[1:], 6)),
        volatility_scalings=draw(rising([0.0, 0.5, 1.0, 1.5], 3)),
        time_limit_minutes=draw(rising([5, 6, 10, 20, 33, 45], 4)),
        atr_reference_ratio=draw(st.sampled_from([0.002, 0.004])),
    )


@st.composite
def weighted_paths(draw):
    paths = draw(trade_paths())
    each = st.lists(st.floats(0.1, 5.0), min_size=len(paths), max_size=len(paths))
    return paths, np.array(draw(each))


def brute_force(paths, axes, costs, weights):
    """Replay every cell by itself; weighted sums, in the shape of a surface."""
    every = [axes.parameters(axes.cell(flat)) for flat in range(axes.cells)]
    profits = costs.net_profit_ratio(NumpyEngine(paths).exits(every), paths)
    return (profits * weights).sum(axis=1).reshape(axes.shape)


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_cell_is_what_replaying_it_gives(kernel):
    @settings(max_examples=250, deadline=None)
    @given(weighted_paths(), surface_axes(), st.sampled_from([FREE, DEAR]))
    def check(weighted, axes, costs):
        paths, weights = weighted
        expected = brute_force(paths, axes, costs, weights)

        found = build_surfaces(paths, axes, costs, weights, kernel=kernel).sums[0]

        np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-12)
        best = float(found.max())
        assert (found >= best - 1e-12).argmax() == (expected >= expected.max() - 1e-12).argmax()

    check()


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("width", [13, 289])
def test_surface_of_many_trades_is_brute_force_with_the_same_best_cell(kernel, side, width):
    paths = walk_paths(60, width, seed=width, side=side)
    weights = np.random.default_rng(1).uniform(0.5, 2.0, 60)

    found = build_surfaces(paths, AXES, DEAR, weights, kernel=kernel)

    expected = brute_force(paths, AXES, DEAR, weights) / weights.sum()
    np.testing.assert_allclose(found.mean()[0], expected, rtol=0.0, atol=1e-12)
    assert found.mean()[0].argmax() == expected.argmax()


def test_the_compared_paths_reach_every_kind_of_exit():
    seen = set()
    every = [AXES.parameters(AXES.cell(flat)) for flat in range(AXES.cells)]
    for side in Side:
        seen.update(NumpyEngine(walk_paths(60, 289, seed=289, side=side)).exits(every).kind.ravel().tolist())

    assert seen == set(ExitKind)


@pytest.mark.parametrize("kernel", KERNELS)
def test_barriers_that_the_bounds_cut_off_are_equal_levels(kernel):
    paths = walk_paths(20, 289, seed=3)
    axes = SurfaceAxes(
        stop_losses=(-0.01, -0.25, -0.28, -0.3),
        take_profits=(0.01, 0.4, 0.45, 0.5),
        volatility_scalings=(1.0,),
        time_limit_minutes=(1440,),
        atr_reference_ratio=0.0005,  # every trade is at the highest factor, so both ends are cut off
    )

    found = build_surfaces(paths, axes, DEAR, np.ones(20), kernel=kernel).sums[0]

    np.testing.assert_allclose(found, brute_force(paths, axes, DEAR, np.ones(20)), rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(found[..., 1:, :], found[..., 1:2, :].repeat(3, axis=2), rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
def test_groups_are_the_surfaces_of_their_own_trades_and_add_up_to_the_whole(kernel):
    paths, weights = walk_paths(40, 60, seed=5), np.linspace(0.5, 2.0, 40)
    group = np.arange(40) % 3

    folds = build_surfaces(paths, AXES, DEAR, weights, group=group, kernel=kernel)

    for fold in range(3):
        own = np.flatnonzero(group == fold)
        alone = build_surfaces(paths.subset(own), AXES, DEAR, weights[own], kernel=kernel)
        np.testing.assert_allclose(folds.sums[fold], alone.sums[0], rtol=0.0, atol=1e-12)
        assert (folds.trades[fold], folds.weights[fold]) == (len(own), pytest.approx(weights[own].sum()))
    whole = build_surfaces(paths, AXES, DEAR, weights, kernel=kernel)
    np.testing.assert_allclose(folds.pooled().sums, whole.sums, rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(folds.pooled([0, 2]).sums[0], folds.sums[0] + folds.sums[2])


def test_surfaces_of_two_pairs_add():
    one, other = walk_paths(30, 60, seed=1), walk_paths(20, 60, seed=2, side=Side.SHORT)

    both = build_surfaces(one, AXES, DEAR, np.ones(30)) + build_surfaces(other, AXES, DEAR, np.full(20, 2.0))

    assert both.weights.tolist() == [70.0]
    assert both.trades.tolist() == [50]
    cell = Cell(1, 2, 3, 4)
    alone = [
        DEAR.net_profit_ratio(NumpyEngine(paths).exits([AXES.parameters(cell)]), paths).sum()
        for paths in (one, other)
    ]
    assert both.mean_at(cell)[0] == pytest.approx((alone[0] + 2.0 * alone[1]) / 70.0, abs=1e-12)
    assert both.mean()[0][cell] == both.mean_at(cell)[0]


def test_surfaces_of_other_axes_do_not_add():
    narrow = SurfaceAxes(stop_losses=(-0.01,), take_profits=(0.02,))
    one, other = (build_surfaces(walk_paths(3, 9, seed=1), axes, FREE, np.ones(3)) for axes in (AXES, narrow))

    with pytest.raises(InputError, match="surfaces of different axes cannot be added"):
        _ = one + other


@pytest.mark.parametrize("kernel", KERNELS)
def test_no_trades_have_a_surface_of_unknown_means(kernel):
    found = build_surfaces(no_paths(), AXES, DEAR, np.empty(0), groups=2, kernel=kernel)

    assert found.sums.shape == (2, *AXES.shape)
    assert not found.sums.any()
    assert found.weights.tolist() == [0.0, 0.0]
    assert np.isnan(found.mean()).all()


@pytest.mark.parametrize("kernel", KERNELS)
def test_one_trade_divides_the_plane_along_its_staircase(kernel):
    paths = walk_paths(1, 289, seed=11)
    axes = SurfaceAxes(
        stop_losses=tuple(-0.0025 * step for step in range(1, 41)),
        take_profits=tuple(0.005 + 0.0025 * step for step in range(40)),
    )

    plane = build_surfaces(paths, axes, FREE, np.ones(1), kernel=kernel).mean()[0, 0, 0]

    every = [axes.parameters(axes.cell(flat)) for flat in range(axes.cells)]
    kind = NumpyEngine(paths).exits(every).kind.reshape(40, 40)
    assert {ExitKind.STOP, ExitKind.TARGET} <= set(kind.ravel().tolist())
    # A farther target never turns a stop into a target; a wider stop never turns a target into a stop.
    assert (np.diff((kind == ExitKind.TARGET).astype(int), axis=1) <= 0).all()
    assert (np.diff((kind == ExitKind.STOP).astype(int), axis=0) <= 0).all()
    profits = FREE.net_profit_ratio(NumpyEngine(paths).exits(every), paths).reshape(40, 40)
    np.testing.assert_allclose(plane, profits, rtol=0.0, atol=1e-14)


@NUMBA
def test_auto_takes_numba_where_it_is_installed():
    assert kernel_of("auto") is kernel_of("numba")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stop_losses": ()}, "stop_losses needs at least one value"),
        (
            {"stop_losses": (-0.02, -0.01)},
            "stop_losses must fall from each value to the next, did not at -0.01",
        ),
        (
            {"take_profits": (0.02, 0.02)},
            "take_profits must rise from each value to the next, did not at 0.02",
        ),
        ({"time_limit_minutes": (60, 30)}, "time_limit_minutes must rise .* did not at 30"),
        ({"volatility_scalings": (math.nan, 1.0)}, "volatility_scalings must rise"),
    ],
)
def test_axes_out_of_order_are_refused(changes, message):
    values = {"stop_losses": (-0.01,), "take_profits": (0.02,), "atr_reference_ratio": 0.004, **changes}

    with pytest.raises(InputError, match=message):
        SurfaceAxes(**values)


@pytest.mark.parametrize(
    "changes",
    [{"stop_losses": (-0.01, -0.31)}, {"take_profits": (0.001, 0.02)}, {"volatility_scalings": (0.0, 1.0)}],
)
def test_axes_hold_only_what_the_domain_allows(changes):
    with pytest.raises(ParameterError):
        SurfaceAxes(**{"stop_losses": (-0.01,), "take_profits": (0.02,), **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": np.ones(2)}, "3 trades need as many weights"),
        ({"weights": np.array([1.0, 0.0, 1.0])}, "the weight of trade 1 must be above 0, was 0.0"),
        ({"group": np.zeros(2, dtype=np.int64)}, "3 trades need as many groups"),
        ({"group": np.array([0, 1, 2]), "groups": 2}, "groups are numbered from 0 to 1, was 0..2"),
        ({"kernel": "gpu"}, "no kernel 'gpu'; take one of auto, numba, numpy"),
    ],
)
def test_what_does_not_fit_the_trades_is_refused(changes, message):
    given_values = {"weights": np.ones(3), **changes}

    with pytest.raises(InputError, match=message):
        build_surfaces(walk_paths(3, 9, seed=1), AXES, FREE, **given_values)


@pytest.mark.parametrize(
    ("searches", "loaded", "kernel"),
    [
        (1, False, "numpy"),
        (FEW_SEARCHES, False, "numpy"),
        (FEW_SEARCHES + 1, False, "auto"),
        (1, True, "auto"),
    ],
)
def test_numba_is_loaded_for_many_searches_only(searches: int, loaded: bool, kernel: str) -> None:
    assert kernel_for(searches, numba_is_loaded=loaded) == kernel
