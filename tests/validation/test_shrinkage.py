import numpy as np
import pytest

from freqfleet.validation.shrinkage import CELLS_AT_ONCE, shrink


def one_cell(means, variances, trades):
    return shrink(np.array(means)[:, None], np.array(variances)[:, None], np.array(trades, dtype=float))


def test_units_that_differ_by_chance_alone_all_get_the_family_mean():
    found = one_cell([0.01, 0.02, 0.03, 0.02], [1.0] * 4, [100] * 4)

    assert found.between_variance[0] == 0.0
    assert found.mean[:, 0] == pytest.approx([0.02] * 4)


def test_posterior_by_hand():
    # spread of the means: variance 0.04 (divided by three); noise 0.01, so 0.03 is between units
    found = one_cell(
        [-0.2 * 3**0.5 / 2, -0.2 * 3**0.5 / 2, 0.2 * 3**0.5 / 2, 0.2 * 3**0.5 / 2], [0.01] * 4, [50] * 4
    )

    assert found.between_variance[0] == pytest.approx(0.03)
    assert found.mean[3, 0] == pytest.approx(0.75 * 0.2 * 3**0.5 / 2)


def test_few_trades_that_all_did_the_same_are_not_taken_for_certain():
    found = one_cell([0.5, 0.0, 0.1, -0.1], [0.0, 0.02, 0.02, 0.02], [3, 50, 50, 50])

    assert abs(found.mean[0, 0]) < 0.25


def test_unit_without_trades_gets_the_family_mean():
    found = one_cell([np.nan, 0.2, 0.2, 0.2, 0.2], [np.nan, 0.1, 0.1, 0.1, 0.1], [0, 50, 50, 50, 50])

    assert found.mean[0, 0] == pytest.approx(0.2)


def test_fewer_than_four_units_are_pulled_towards_zero():
    found = one_cell([0.3], [0.03], [100])

    assert found.mean[0, 0] == pytest.approx(0.3 * 0.06 / 0.09)


def test_cell_that_equals_the_incumbent_stays_at_zero():
    found = one_cell([0.0] * 5, [0.0] * 5, [50] * 5)

    assert found.mean[:, 0].tolist() == [0.0] * 5


def test_no_trades_anywhere_believe_nothing():
    found = one_cell([np.nan] * 3, [np.nan] * 3, [0] * 3)

    assert found.mean[:, 0].tolist() == [0.0] * 3


def test_units_with_more_trades_weigh_more_in_the_family_mean():
    found = one_cell([1.0, 0.0, 0.0, 0.0], [0.1] * 4, [300, 10, 10, 10])

    assert found.family_mean[0] == pytest.approx(300 / 330)


def test_cells_are_shrunk_alike_however_many_there_are():
    rng = np.random.default_rng(5)
    mean, variance = rng.normal(size=(6, CELLS_AT_ONCE + 3)), rng.uniform(0.1, 1.0, (6, CELLS_AT_ONCE + 3))
    trades = np.array([30.0, 80.0, 0.0, 55.0, 120.0, 9.0])

    whole = shrink(mean, variance, trades)

    for cell in (0, CELLS_AT_ONCE - 1, CELLS_AT_ONCE, CELLS_AT_ONCE + 2):
        alone = shrink(mean[:, [cell]], variance[:, [cell]], trades)
        assert np.array_equal(alone.mean[:, 0], whole.mean[:, cell])
        assert alone.between_variance[0] == whole.between_variance[cell]
        assert alone.family_mean[0] == whole.family_mean[cell]
