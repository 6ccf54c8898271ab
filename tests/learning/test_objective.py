from dataclasses import replace

import numpy as np
import pytest

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.learning.objective import Objective
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.replay.costs import Costs
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.replay.paths import gather_paths
from replaycases import after, waves

FREE = Costs(fee_ratio=0.0, slippage_ratio=0.0, funding=False)


def objective(peaks, weights=None) -> Objective:
    candles, trades = waves(peaks)
    paths = gather_paths(
        candles,
        TradeColumns.of(trades),
        side=Side.LONG,
        horizon_minutes=240,
        as_of=after(10**6),
        funding=None,
    ).paths
    return Objective(NumpyEngine(paths), np.ones(len(peaks)) if weights is None else np.array(weights), FREE)


def exits(stop_loss=-0.03, take_profit=0.03, time_limit_minutes=240) -> ExitParameters:
    return ExitParameters(stop_loss=stop_loss, take_profit=take_profit, time_limit_minutes=time_limit_minutes)


def test_trade_goes_on_past_its_recorded_exit_to_the_target():
    # The recorded trades were closed after an hour, in the dip; the peak comes after two and a half.
    assert objective([0.05]).means([exits(take_profit=0.04)]).tolist() == pytest.approx([0.04])


def test_stop_inside_the_dip_takes_the_loss():
    assert objective([0.05]).means([exits(stop_loss=-0.02)]).tolist() == pytest.approx([-0.02])


def test_time_limit_takes_what_is_there():
    assert objective([0.05]).means([exits(time_limit_minutes=60)]).tolist() == pytest.approx([-0.025])


def test_weights_decide_the_mean():
    found = objective([0.05, 0.0], weights=[3.0, 1.0]).means([exits(take_profit=0.04)])

    assert found.tolist() == pytest.approx([0.03])


def test_a_batch_gives_the_same_bits_as_one_at_a_time():
    asked = [exits(take_profit=0.01 + 0.0013 * step) for step in range(30)]
    one = objective(np.linspace(0.0, 0.08, 37).tolist(), np.linspace(0.5, 1.7, 37).tolist())

    together = one.means(asked)

    assert together.tolist() == [float(one.means([parameters])[0]) for parameters in asked]


def test_score_has_every_figure():
    found = objective([0.05, 0.05, 0.0, 0.05]).score(exits(take_profit=0.04))

    assert found.trades == 4
    assert found.mean_profit == pytest.approx(0.03)
    assert found.win_rate == 0.75


def test_score_counts_ambiguous_exits_and_says_what_the_target_would_have_given():
    candles, trades = waves([0.05])
    paths = gather_paths(
        candles,
        TradeColumns.of(trades),
        side=Side.LONG,
        horizon_minutes=240,
        as_of=after(10**6),
        funding=None,
    ).paths
    wide = replace(paths, high=paths.high + 5.0, low=paths.low - 5.0)

    found = Objective(NumpyEngine(wide), np.ones(1), FREE).score(exits())

    assert found.ambiguous_trades == 1
    assert found.mean_profit == pytest.approx(-0.03)
    assert found.optimistic_mean_profit == pytest.approx(0.03)


def test_weights_of_nothing_are_refused():
    with pytest.raises(InputError, match=r"the weight of trade 1 must be above 0, was 0\.0"):
        objective([0.05, 0.05], weights=[1.0, 0.0])


def test_a_part_is_the_objective_of_its_own_trades():
    whole = objective([0.05, 0.0, 0.03, 0.07, 0.0])
    asked = [exits(take_profit=0.04), exits(stop_loss=-0.02), exits(time_limit_minutes=60)]

    part = whole.part(np.array([0, 1, 3]), np.array([1.0, 2.0, 0.5]))

    alone = objective([0.05, 0.0, 0.07], weights=[1.0, 2.0, 0.5])
    assert part.means(asked).tolist() == alone.means(asked).tolist()
    assert [part.score(one) for one in asked] == [alone.score(one) for one in asked]
    assert part.part(np.array([0, 2]), np.ones(2)).profits(asked[0]).tolist() == pytest.approx([0.04, 0.04])


def test_a_part_needs_a_weight_for_each_of_its_trades():
    with pytest.raises(InputError, match="2 trades need as many weights"):
        objective([0.05, 0.0, 0.0]).part(np.array([0, 2]), np.ones(3))


def test_a_vector_that_is_asked_for_twice_is_replayed_once():
    whole = objective([0.05, 0.0])
    part, (first, second, third, fourth) = (
        whole.part(np.array([1]), np.ones(1)),
        [exits(take_profit=0.02 + 0.01 * step) for step in range(4)],
    )

    both = whole.exits([first, second])

    assert part.exits([second]).rate is whole.exits([second]).rate
    assert both.rate.tolist() == [*whole.exits([first]).rate.tolist(), *whole.exits([second]).rate.tolist()]
    assert whole.exits([third, fourth, first, third]).rate.shape == (4, 2)  # more than are remembered
