import math

import numpy as np
import pytest

from freqfleet.replay.metrics import effective_trades, profit_factor, score, sharpe_per_trade, weighted_mean

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
