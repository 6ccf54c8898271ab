from __future__ import annotations

import numpy as np
import pytest

from freqfleet.replay.surface import SurfaceAxes
from freqfleet.report.card_build import card_surface, overfitting, seed_gate, sharpe

AXES = SurfaceAxes(stop_losses=(-0.01, -0.02), take_profits=(0.02, 0.04, 0.08), time_limit_minutes=(60, 240))
FORBIDDEN = np.nan
HOUR_MS = 3_600_000


def test_every_cell_of_the_plane_has_the_best_time_limit_and_forbidden_ones_nothing():
    means = np.array([[[1, 2, 3], [FORBIDDEN, 5, 6]], [[3, 1, 2], [FORBIDDEN, 7, 4]]]).reshape(1, 2, 2, 3)

    surface = card_surface(AXES, means * 1e-4)

    assert np.array_equal(surface.profit_bps.round(9), [[3, 2, 3], [np.nan, 7, 6]], equal_nan=True)
    assert (surface.stop_losses, surface.take_profits) == (AXES.stop_losses, AXES.take_profits)
    assert surface.plateau is None


def test_the_plateau_lies_within_one_standard_error_of_the_choice():
    means = np.array([[1, 2, 3], [FORBIDDEN, 7, 5]]).reshape(1, 1, 2, 3).repeat(2, axis=1) * 1e-4
    chosen = AXES.parameters(AXES.cell(4))

    surface = card_surface(AXES, means, chosen=chosen, standard_error=2.5e-4)

    assert surface.plateau is not None
    assert surface.plateau.tolist() == [[False, False, False], [False, True, True]]


@pytest.mark.parametrize(("last", "publishes"), [(1e-4, True), (0.0, False), (-3e-4, False)])
def test_the_seeds_gate_takes_the_best_of_the_first_part_and_looks_at_the_sign_of_the_rest(last, publishes):
    profits = np.zeros((10, 3))
    profits[:7, 1] = 0.02
    profits[7:] = [0.05, last, 0.05]
    late_first = np.arange(10)[::-1]  # given in any order

    verdict = seed_gate(profits[late_first], np.ones(10), late_first * HOUR_MS)

    assert verdict is not None
    assert (verdict.publishes, verdict.test_trades) == (publishes, 3)
    assert verdict.test_profit_bps == pytest.approx(last * 1e4)


def test_one_trade_is_nothing_to_divide():
    assert seed_gate(np.zeros((1, 3)), np.ones(1), np.zeros(1, dtype=np.int64)) is None


def test_a_cell_that_is_always_best_is_not_overfitted_and_few_trades_have_no_answer():
    profits = np.zeros((40, 3))
    profits[:, 2] = 0.01
    entered = np.arange(40) * HOUR_MS

    found = overfitting(profits, np.ones(40), entered)

    assert found is not None
    assert found.pbo == 0.0
    assert overfitting(profits[:7], np.ones(7), entered[:7]) is None


def test_the_sharpe_ratio_is_deflated_by_the_tries_that_differ():
    random = np.random.default_rng(5)
    noise = random.normal(0.0, 0.02, (300, 50))
    noise[:, 0] += 0.004

    alone, among = sharpe(np.repeat(noise[:, :1], 50, axis=1), 0), sharpe(noise, 0)

    assert among is not None
    assert among.trials > 30
    assert alone is None or alone.trials == pytest.approx(1.0)
    assert sharpe(np.ones((20, 3)), 1) is None
