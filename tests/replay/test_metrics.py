import math

import numpy as np
import pytest

from freqfleet.errors import InputError
from freqfleet.replay.metrics import (
    checked_weights,
    effective_trades,
    profit_factor,
    score,
    sharpe_per_trade,
    weighted_mean,
)

EQUAL = np.ones(4)


def test_mean_follows_the_weights():
    assert weighted_mean([0.01, 0.04], np.array([3.0, 1.0])) == pytest.approx(0.0175)


def test_each_row_has_its_own_mean():
    assert weighted_mean([[1.0, 3.0], [2.0, 2.0]], np.array([1.0, 1.0])).tolist() == [2.0, 2.0]


def test_score_of_four_trades():
    found = score(np.array([0.02, 0.02, -0.01, 0.0]), EQUAL)

    assert found.trades == 4
    assert found.effective_trades == 4.0
    assert found.mean_profit == pytest.approx(0.0075)
    assert found.win_rate == 0.5
    assert found.profit_factor == pytest.approx(4.0)
    assert found.sharpe_per_trade == pytest.approx(0.0075 / 0.015)


def test_profit_factor_without_a_loss_is_unknown_not_infinite():
    assert math.isnan(profit_factor(np.array([0.01, 0.02]), np.ones(2)))


@pytest.mark.parametrize("profits", [[0.01], [0.01, 0.01], []])
def test_sharpe_needs_spread(profits):
    assert math.isnan(sharpe_per_trade(np.array(profits), np.ones(len(profits))))


def test_sharpe_of_one_trade_that_outweighs_everything_is_unknown():
    assert math.isnan(sharpe_per_trade(np.array([0.01, 0.02]), np.array([1e20, 1.0])))


def test_nothing_replayed_is_unknown_not_zero():
    found = score(np.empty(0), np.empty(0))

    assert found.effective_trades == 0.0
    assert math.isnan(found.mean_profit)
    assert math.isnan(found.win_rate)


def test_effective_trades_fall_with_unequal_weights():
    # Seed 000's example: 100 trades at weight 3, 100 at weight 1.
    assert effective_trades(np.repeat([3.0, 1.0], 100)) == pytest.approx(160.0)


def test_score_tells_what_the_optimistic_order_would_have_given():
    found = score(
        np.array([-0.02, 0.01]),
        np.array([1.0, 3.0]),
        optimistic_profits=np.array([0.04, 0.01]),
        ambiguous_trades=1,
    )

    assert found.ambiguous_trades == 1
    assert found.mean_profit == pytest.approx(0.0025)
    assert found.optimistic_mean_profit == pytest.approx(0.0175)


def test_without_ambiguity_the_optimistic_order_gives_the_same():
    found = score(np.array([0.02, -0.01]), np.ones(2))

    assert (found.ambiguous_trades, found.optimistic_mean_profit) == (0, found.mean_profit)


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.nan, math.inf])
def test_weight_that_is_not_above_zero_is_refused_with_its_value(wrong):
    with pytest.raises(InputError, match=f"the weight of trade 2 must be above 0, was {wrong}"):
        checked_weights(np.array([1.0, 2.0, wrong, wrong]), 4)


def test_weights_must_be_as_many_as_trades():
    with pytest.raises(InputError, match=r"3 trades need as many weights, were \(2,\)"):
        checked_weights(np.ones(2), 3)


def test_sound_weights_are_handed_back():
    assert checked_weights(EQUAL, 4) is EQUAL
