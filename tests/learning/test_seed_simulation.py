"""Why this optimizer replays candles: seed 000 clipped each trade's recorded profit at the barriers.

A clipped loss is never larger than the stop and a win is never smaller for a farther target, so the
clipped mean can only rise towards the tightest stop and the farthest target, edge or no edge.
"""

import numpy as np
import pytest

from freqfleet.domain.sides import Side
from freqfleet.learning.objective import Objective
from freqfleet.learning.search_space import SearchSpace
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.replay.costs import Costs
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.replay.paths import gather_paths
from freqfleet.settings import OptimizerSettings
from replaycases import after, random_walk, trades_on

STOPS = np.linspace(-0.0515, -0.01, 12)
TARGETS = np.linspace(0.015, 0.20, 12)
FREE = Costs(fee_ratio=0.0, slippage_ratio=0.0, funding=False)


def optimum(surface):
    """Return the best stop and target; among equals the tightest stop and the farthest target."""
    best = np.argwhere(surface == surface.max()).max(axis=0)
    return STOPS[best[0]], TARGETS[best[1]]


def clip_surface(trades):
    """Seed 000: a loss beyond the stop becomes the stop, a gain beyond the target the target."""
    profits = np.array([trade.position_profit_ratio for trade in trades])
    return np.array([[np.clip(profits, stop, target).mean() for target in TARGETS] for stop in STOPS])


def replay_surface(candles, trades):
    paths = gather_paths(
        candles,
        TradeColumns.of(trades),
        side=Side.LONG,
        horizon_minutes=720,
        as_of=after(10**6),
        funding=None,
    ).paths
    objective = Objective(NumpyEngine(paths), np.ones(len(paths)), FREE)
    space = SearchSpace.of(OptimizerSettings(), None)
    asked = [
        space.parameters(stop_loss=stop, take_profit=target, volatility_scaling=0.0, time_limit_minutes=720)
        for stop in STOPS
        for target in TARGETS
    ]
    return objective.means(asked).reshape(len(STOPS), len(TARGETS))


@pytest.mark.parametrize("seed", range(5))
def test_clipping_ends_in_the_corner_on_a_market_without_any_edge_and_calls_it_profit(seed):
    candles = random_walk(6000, seed, step=0.004)
    trades = trades_on(candles, 234, seed, last=5500)

    surface = clip_surface(trades)

    assert optimum(surface) == (STOPS[-1], TARGETS[-1])
    assert surface.max() > np.mean([trade.position_profit_ratio for trade in trades])


def test_replay_does_not_end_in_that_corner():
    corners = 0
    for seed in range(10):
        candles = random_walk(6000, seed, step=0.004)
        surface = replay_surface(candles, trades_on(candles, 234, seed, last=5500))
        corners += optimum(surface) == (STOPS[-1], TARGETS[-1])

    assert corners <= 1
