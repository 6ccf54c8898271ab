import numpy as np
import pytest
from pydantic import ValidationError

from freqfleet.errors import InputError
from freqfleet.learning.grid import ExactGrid, GridSteps
from freqfleet.learning.search_space import SearchSpace
from freqfleet.settings import GridSettings, OptimizerSettings

SPACE = SearchSpace.of(OptimizerSettings(), 0.004)


def test_grid_of_the_defaults_has_960000_exits_up_to_every_bound():
    axes = ExactGrid.of(SPACE).axes

    assert axes.cells == 960_000
    assert axes.shape == (8, 12, 100, 100)
    assert (axes.stop_losses[0], axes.stop_losses[-1]) == (-0.01, -0.0515)
    assert (axes.take_profits[0], axes.take_profits[-1]) == (0.015, 0.2)
    assert (axes.volatility_scalings[0], axes.volatility_scalings[-1]) == (0.0, 1.0)
    assert axes.atr_reference_ratio == 0.004


def test_values_are_readable_and_spaced_by_equal_factors():
    targets = np.array(ExactGrid.of(SPACE, GridSteps(take_profits=5)).axes.take_profits)

    assert targets.tolist() == [0.015, 0.0287, 0.0548, 0.1047, 0.2]


def test_mask_is_what_the_space_allows():
    steps = GridSteps(stop_losses=23, take_profits=29, volatility_scalings=1, time_limits=1)
    grid = ExactGrid.of(SPACE, steps)

    allowed = [SPACE.allows(grid.axes.parameters(grid.axes.cell(flat))) for flat in range(23 * 29)]
    limits = len(grid.axes.time_limit_minutes)
    assert grid.allowed.ravel().tolist() == allowed
    assert 0 < sum(allowed) < len(allowed)
    assert grid.candidates == limits * sum(allowed)


def test_time_limits_of_the_settings_stay_and_the_widest_gaps_are_filled():
    limits = ExactGrid.of(SPACE, GridSteps(time_limits=6)).axes.time_limit_minutes

    assert limits == (60, 120, 240, 415, 720, 1440)


@pytest.mark.parametrize(
    ("asked", "steps", "limits"),
    [
        ((240,), 12, (240,)),
        ((60, 240, 720, 1440), 2, (60, 240, 720, 1440)),
        ((5, 15), 12, (5, 10, 15)),
    ],
)
def test_time_limits_are_never_dropped_nor_put_between_candles(asked, steps, limits):
    space = SearchSpace.of(OptimizerSettings(time_limit_minutes=asked), 0.004)

    assert ExactGrid.of(space, GridSteps(time_limits=steps)).axes.time_limit_minutes == limits


def test_ratios_closer_than_a_basis_point_count_as_one():
    space = SearchSpace.of(OptimizerSettings(stop_loss=(-0.0105, -0.01)), 0.004)

    assert ExactGrid.of(space).axes.stop_losses == (-0.01, -0.0101, -0.0102, -0.0103, -0.0104, -0.0105)


def test_unknown_volatility_and_single_values_leave_one_step():
    space = SearchSpace.of(OptimizerSettings(stop_loss=(-0.02, -0.02)), None)

    axes = ExactGrid.of(space).axes

    assert axes.volatility_scalings == (0.0,)
    assert axes.stop_losses == (-0.02,)
    assert axes.atr_reference_ratio is None


def test_grid_without_steps_is_refused():
    with pytest.raises(InputError, match="a grid needs at least one step on take_profits, was 0"):
        GridSteps(take_profits=0)


def test_the_steps_of_the_settings_are_those_of_the_grid():
    settings = OptimizerSettings(grid=GridSettings(stop_losses=7, take_profits=9, time_limits=5))

    assert GridSteps.of(settings.grid) == GridSteps(stop_losses=7, take_profits=9, time_limits=5)
    assert GridSteps.of(OptimizerSettings().grid) == GridSteps()


def test_a_grid_that_no_memory_holds_is_refused_with_its_size():
    with pytest.raises(ValidationError, match="a grid of 120,000,000 exits is more than the 20,000,000"):
        GridSettings(stop_losses=1000, take_profits=1000, volatility_scalings=10)
