import importlib.util
import math

import numpy as np
import pytest

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.learning.exact_search import ExactSearch, TrainingTrades
from freqfleet.learning.grid import ExactGrid, GridSteps
from freqfleet.learning.objective import Objective
from freqfleet.learning.search_space import SearchSpace
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.replay.costs import Costs
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.replay.paths import gather_paths
from freqfleet.replay.surface import build_surfaces
from freqfleet.settings import OptimizerSettings
from replaycases import after, waves
from replaypaths import no_paths, walk_paths

COSTS = Costs(fee_ratio=0.0005, slippage_ratio=0.0002, funding=True)
INCUMBENT = ExitParameters(stop_loss=-0.03, take_profit=0.03, time_limit_minutes=240)
SPACE = SearchSpace.of(OptimizerSettings(time_limit_minutes=(60, 240)), 0.004)
STEPS = GridSteps(stop_losses=30, take_profits=40, volatility_scalings=3, time_limits=3)
GRID = ExactGrid.of(SPACE, STEPS)
NUMBA = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba is not installed")


def training(paths, weights=None, costs=COSTS) -> TrainingTrades:
    weights = np.ones(len(paths)) if weights is None else np.array(weights, dtype=np.float64)
    objective = Objective(NumpyEngine(paths), weights, costs)
    return TrainingTrades(
        paths=paths, weights=weights, costs=costs, profits=objective.profits, incumbent=INCUMBENT
    )


def wave_training(peaks, dip=-0.025, weights=None) -> TrainingTrades:
    candles, trades = waves(peaks, dip=dip)
    gathered = gather_paths(
        candles,
        TradeColumns.of(trades),
        side=Side.LONG,
        horizon_minutes=240,
        as_of=after(10**6),
        funding=None,
    )
    return training(gathered.paths, weights)


def every_mean(trained, grid):
    every = [grid.axes.parameters(grid.axes.cell(flat)) for flat in range(grid.axes.cells)]
    return Objective(NumpyEngine(trained.paths), trained.weights, trained.costs).means(every), every


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("kernel", ["numpy", pytest.param("numba", marks=NUMBA)])
def test_argmax_is_the_best_of_all_exits_replayed_one_by_one(side, kernel):
    trained = training(walk_paths(50, 60, seed=4, side=side), np.linspace(0.5, 2.0, 50))

    found = ExactSearch(selection="argmax", kernel=kernel).find_best(GRID, trained)

    means, every = every_mean(trained, GRID)
    means = np.where([SPACE.allows(one) for one in every], means, -np.inf)
    best = int((means >= means.max() - 1e-12).argmax())
    assert found.best == every[best]
    assert found.value == means[best]  # to the bit: it is the engine's own
    assert found.candidates == np.isfinite(means).sum()


def test_planted_peak_is_found_just_below_it():
    trained = wave_training([0.06] * 30)

    found = ExactSearch(selection="argmax").find_best(GRID, trained)

    targets = [one for one in GRID.axes.take_profits if one <= 0.0605]  # candles reach 5 cents further
    assert found.best is not None
    assert found.best.take_profit == max(targets)
    assert found.best.stop_loss < -0.0255  # below the dip
    assert found.best.time_limit_minutes == 240


def test_plateau_stays_off_the_cliff_that_argmax_stands_on():
    trained = wave_training([0.06] * 30)

    found = ExactSearch().find_best(GRID, trained)

    assert found.best is not None
    assert found.best.stop_loss < -0.0255
    assert 0.04 < found.best.take_profit < 0.06
    assert found.plateau is not None
    assert found.plateau.ratio is not None
    assert found.plateau.ratio > 0.9
    assert found.plateau.least > 0.03


def test_plateau_value_is_the_mean_of_the_exit_itself():
    trained = training(walk_paths(50, 60, seed=4))

    found = ExactSearch().find_best(GRID, trained)

    assert found.best is not None
    assert found.value == trained.profits(found.best).mean()
    assert found.plateau is not None
    spread = trained.profits(found.best).std(ddof=1)
    assert found.plateau.standard_error == pytest.approx(spread / math.sqrt(50))


def test_constraints_hold_where_the_trades_want_them_broken():
    # Every wave dips by 4 % and peaks at 1.6 %: a wide stop and the nearest target would be best.
    trained = wave_training([0.016] * 30, dip=-0.04)
    unbound = ExactGrid(axes=GRID.axes, allowed=np.ones_like(GRID.allowed))

    free, bound = (ExactSearch(selection="argmax").find_best(grid, trained).best for grid in (unbound, GRID))

    assert free is not None
    assert free.reward_risk < 0.8
    assert bound is not None
    assert bound.reward_risk >= 0.8 - 1e-9


def test_optimum_at_an_end_of_the_grid_is_flagged():
    space = SearchSpace.of(OptimizerSettings(time_limit_minutes=(240,), take_profit=(0.015, 0.04)), None)

    found = ExactSearch(selection="argmax").find_best(ExactGrid.of(space, STEPS), wave_training([0.06] * 30))

    assert found.plateau is not None
    assert "take_profit" in found.plateau.edges


def test_weights_decide_which_trades_the_best_exit_fits():
    peaks = [0.03, 0.08] * 15
    light, heavy = ([1.0, weight] * 15 for weight in (0.05, 5.0))

    near, far = (
        ExactSearch(selection="argmax").find_best(GRID, wave_training(peaks, weights=weights)).best
        for weights in (light, heavy)
    )

    assert near is not None
    assert far is not None
    assert near.take_profit < 0.031
    assert far.take_profit > 0.07


def test_equal_exits_leave_the_one_with_the_least_risk():
    # Nothing ever reaches a barrier, so only the time limit counts, and each of them ends at the open price.
    flat = wave_training([0.0] * 10, dip=0.0)

    found = ExactSearch(selection="argmax").find_best(GRID, flat)

    assert found.best == ExitParameters(
        stop_loss=-0.01,
        take_profit=0.015,
        volatility_scaling=0.0,
        atr_reference_ratio=0.004,
        time_limit_minutes=60,
    )


def test_groups_are_pooled_before_the_choice():
    trained = training(walk_paths(50, 60, seed=4))
    folds = build_surfaces(
        trained.paths, GRID.axes, COSTS, trained.weights, group=np.arange(50) // 10, groups=5
    )

    assert ExactSearch().choose(GRID, folds, trained) == ExactSearch().find_best(GRID, trained)


def test_no_trades_choose_nothing():
    found = ExactSearch().find_best(GRID, training(no_paths()))

    assert (found.best, found.candidates) == (None, 0)
    assert math.isnan(found.value)


def test_one_trade_has_no_standard_error():
    found = ExactSearch().find_best(GRID, training(walk_paths(1, 60, seed=9)))

    assert found.plateau is not None
    assert found.plateau.standard_error is None


def test_grid_without_an_allowed_exit_chooses_nothing():
    grid = ExactGrid(axes=GRID.axes, allowed=np.zeros_like(GRID.allowed))

    assert ExactSearch().find_best(grid, training(walk_paths(5, 60, seed=9))).best is None


def test_unknown_selection_is_refused():
    with pytest.raises(InputError, match="no selection 'median'; take plateau or argmax"):
        ExactSearch(selection="median")
