from __future__ import annotations

import numpy as np
import pytest

from freqfleet.learning.grid import ExactGrid
from freqfleet.replay.surface import SurfaceAxes, Surfaces
from freqfleet.report.card_build import card_surface, seed_gate

AXES = SurfaceAxes(stop_losses=(-0.01, -0.02), take_profits=(0.02, 0.04, 0.08), time_limit_minutes=(60, 240))
ALLOWED = np.array([[True, True, True], [False, True, True]])
GRID = ExactGrid(axes=AXES, allowed=ALLOWED)


def surfaces(sums, *, weight, trades):
    return Surfaces(
        axes=AXES,
        sums=np.array(sums, dtype=np.float64).reshape(1, 1, 2, 2, 3),
        weights=np.array([weight]),
        trades=np.array([trades]),
    )


def test_every_cell_of_the_plane_has_the_best_time_limit_and_forbidden_ones_nothing():
    means = np.array([[[1, 2, 3], [9, 5, 6]], [[3, 1, 2], [9, 7, 4]]]).reshape(1, 2, 2, 3) * 1e-4

    surface = card_surface(GRID, means)

    assert np.array_equal(surface.profit_bps.round(9), [[3, 2, 3], [np.nan, 7, 6]], equal_nan=True)
    assert (surface.stop_losses, surface.take_profits) == (AXES.stop_losses, AXES.take_profits)
    assert surface.plateau is None


def test_the_plateau_lies_within_one_standard_error_of_the_choice():
    means = np.array([[1, 2, 3], [9, 7, 5]]).reshape(1, 1, 2, 3).repeat(2, axis=1) * 1e-4
    chosen = AXES.parameters(AXES.cell(4))

    surface = card_surface(GRID, means, chosen=chosen, standard_error=2.5e-4)

    assert surface.plateau is not None
    assert surface.plateau.tolist() == [[False, False, False], [False, True, True]]


@pytest.mark.parametrize(("last", "publishes"), [(1e-4, True), (0.0, False), (-3e-4, False)])
def test_the_seeds_gate_takes_the_best_of_the_first_part_and_looks_at_the_sign_of_the_rest(last, publishes):
    best_is_last = [0, 1, 2, 99, 4, 5, 0, 1, 2, 99, 4, 6]
    rest = [1.0] * 11 + [last * 30]

    verdict = seed_gate(
        GRID, surfaces(best_is_last, weight=70.0, trades=70), surfaces(rest, weight=30.0, trades=30)
    )

    assert verdict is not None
    assert (verdict.publishes, verdict.test_trades) == (publishes, 30)
    assert verdict.test_profit_bps == pytest.approx(last * 1e4)


def test_without_trades_on_both_sides_the_seeds_gate_has_no_answer():
    some, none = surfaces(range(12), weight=3.0, trades=3), surfaces([0] * 12, weight=0.0, trades=0)

    assert seed_gate(GRID, some, none) is None
    assert seed_gate(GRID, none, some) is None
