import numpy as np
import pytest

from freqfleet.errors import InputError
from freqfleet.validation.moments import CellMoments, moments_of

EVERY = np.ones((1, 4), dtype=bool)


def test_mean_and_sandwich_variance_by_hand():
    differences = np.array([[0.0], [1.0], [2.0], [5.0]])
    weights = np.array([1.0, 1.0, 1.0, 3.0])

    found = moments_of(differences, weights, EVERY).estimates()

    assert found.mean[0, 0] == pytest.approx(18.0 / 6.0)
    assert found.variance[0, 0] == pytest.approx((9.0 + 4.0 + 1.0 + 9.0 * 4.0) / 36.0)
    assert found.effective_trades[0] == pytest.approx(36.0 / 12.0)
    assert found.trades.tolist() == [4]


def test_moments_of_parts_add_up():
    rng = np.random.default_rng(1)
    differences, weights = rng.normal(size=(9, 3)), rng.uniform(0.5, 3.0, 9)
    sets = np.vstack([np.ones(9), np.arange(9) < 4]).astype(bool)
    whole = moments_of(differences, weights, sets)
    parts = [moments_of(differences[cut], weights[cut], sets[:, cut]) for cut in (slice(0, 5), slice(5, 9))]

    added = CellMoments(
        **{
            name: getattr(parts[0], name) + getattr(parts[1], name)
            for name in CellMoments.__dataclass_fields__
        }
    )

    assert added.estimates().mean == pytest.approx(whole.estimates().mean)
    assert added.estimates().variance == pytest.approx(whole.estimates().variance)


def test_set_without_trades_is_unknown():
    found = moments_of(np.ones((4, 2)), np.ones(4), np.zeros((1, 4), dtype=bool)).estimates()

    assert np.isnan(found.mean).all()
    assert found.effective_trades.tolist() == [0.0]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_profit_that_is_no_number_is_refused_with_its_place(value):
    differences = np.zeros((4, 2))
    differences[2, 1] = value

    with pytest.raises(InputError, match="trade 2, cell 1: the profit is"):
        moments_of(differences, np.ones(4), EVERY)


def test_negative_weight_is_refused():
    with pytest.raises(InputError, match=r"the weight of trade 1 must not be below 0, was -1.0"):
        moments_of(np.zeros((4, 2)), np.array([1.0, -1.0, 1.0, 1.0]), EVERY)


def test_sums_of_another_shape_are_refused():
    with pytest.raises(InputError, match="the sums over cells must be"):
        CellMoments(
            trades=np.ones(1, dtype=np.int64),
            weight=np.ones(1),
            weight_squared=np.ones(1),
            gain=np.ones((1, 3)),
            gain_by_square=np.ones((1, 2)),
            square=np.ones((1, 3)),
        )
