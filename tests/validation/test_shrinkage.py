import numpy as np
import pytest

from freqfleet.validation.shrinkage import CELLS_AT_ONCE, shrink, shrink_in_groups


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


def grouped(means, variances, trades, groups):
    return shrink_in_groups(
        np.array(means)[:, None], np.array(variances)[:, None], np.array(trades, dtype=float), groups
    )[:, 0]


def test_units_without_groups_are_shrunk_as_before():
    means, variances, trades = [0.5, 0.0, 0.1, -0.1], [0.02] * 4, [50] * 4

    alone = grouped(means, variances, trades, [None] * 4)

    assert alone == pytest.approx(one_cell(means, variances, trades).mean[:, 0])


def test_a_part_with_hardly_a_trade_says_what_its_group_says():
    groups = [f"pair {at // 2}" for at in range(10)]
    means = [0.3, 0.9, *[0.1 * (-1) ** at for at in range(8)]]
    variances = [0.001, 0.5, *[0.001] * 8]
    trades = [500, 1, *[500] * 8]

    found = grouped(means, variances, trades, groups)

    assert found[1] - found[0] < 0.2  # it measured 0.6 more
    assert found[0] > 0.1


def test_parts_that_are_alike_get_what_their_group_gets():
    groups = [f"pair {at // 4}" for at in range(16)]
    means = [0.4] * 4 + [0.0] * 4 + [-0.4] * 4 + [0.2] * 4

    found = grouped(means, [0.01] * 16, [50] * 16, groups)

    assert found[:4] == pytest.approx([found[0]] * 4)
    assert 0.3 < found[0] < 0.4


def test_a_group_of_one_part_is_that_part():
    groups = [f"pair {at}" for at in range(4)]
    means, variances, trades = [0.5, 0.0, 0.1, -0.1], [0.02] * 4, [50] * 4

    assert grouped(means, variances, trades, groups) == pytest.approx(
        grouped(means, variances, trades, [None] * 4)
    )


def test_a_part_without_trades_gets_what_its_group_gets():
    groups = ["a", "a", "b", "c", "d"]

    found = grouped(
        [0.5, np.nan, 0.0, 0.1, -0.1], [0.02, np.nan, 0.02, 0.02, 0.02], [50, 0, 50, 50, 50], groups
    )

    assert found[1] == found[0]
