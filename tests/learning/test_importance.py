import itertools

import numpy as np
import pytest

from freqfleet.learning.importance import LEAST_TRIALS, sampled_importance, surface_importance
from freqfleet.learning.search import find_best, open_search
from freqfleet.learning.search_space import SearchSpace
from freqfleet.settings import OptimizerSettings

SPACE = SearchSpace.of(OptimizerSettings(), 0.004)


def tried(means, count=100):
    return find_best(open_search("random", SPACE, seed=1, trials=count), SPACE, means, trials=count).tried


def by_target(parameters):
    return np.array([-((one.take_profit - 0.08) ** 2) + 1e-5 * one.stop_loss for one in parameters])


def test_parameter_that_decides_comes_first_and_shares_add_up():
    shares = sampled_importance(tried(by_target), SPACE, seed=1)

    assert next(iter(shares)) == "take_profit"
    assert shares["take_profit"] > 0.9
    assert set(shares) == {"stop_loss", "take_profit", "volatility_scaling", "time_limit_minutes"}
    assert sum(shares.values()) == pytest.approx(1.0)


def test_same_trials_and_seed_give_the_same_shares():
    trials = tried(by_target)

    assert sampled_importance(trials, SPACE, seed=3) == sampled_importance(trials, SPACE, seed=3)


def test_too_few_trials_or_equal_ones_tell_nothing():
    assert sampled_importance(tried(by_target, LEAST_TRIALS - 1), SPACE, seed=1) is None
    assert sampled_importance(tried(lambda asked: np.zeros(len(asked))), SPACE, seed=1) is None


def test_trials_that_earned_nothing_measurable_do_not_count():
    def mostly_unknown(parameters):
        return np.where(np.arange(len(parameters)) < 9, np.nan, by_target(parameters))

    assert sampled_importance(tried(mostly_unknown), SPACE, seed=1) is None


def test_parameter_with_one_value_is_left_out():
    fixed = SearchSpace.of(OptimizerSettings(time_limit_minutes=(240,)), None)
    trials = find_best(open_search("random", fixed, seed=1, trials=60), fixed, by_target, trials=60).tried

    assert set(sampled_importance(trials, fixed, seed=1)) == {"stop_loss", "take_profit"}


def test_surface_is_explained_by_the_axes_it_depends_on():
    stops, targets = np.arange(4.0), np.arange(5.0)
    surface = 3.0 * stops[:, None] + targets[None, :]

    shares = surface_importance(surface, ("stop_loss", "take_profit"))

    assert list(shares) == ["stop_loss", "take_profit"]
    assert shares["stop_loss"] == pytest.approx(9 * stops.var() / surface.var())
    assert sum(shares.values()) == pytest.approx(1.0)


def test_surface_of_pure_interaction_is_explained_by_no_axis_alone():
    surface = np.array([[1.0, -1.0], [-1.0, 1.0]])

    assert surface_importance(surface, ("a", "b")) == {"a": 0.0, "b": 0.0}


def test_cells_that_break_a_constraint_do_not_count():
    surface = np.array([[1.0, np.nan], [2.0, 2.0], [3.0, 3.0]])

    shares = surface_importance(surface, ("a", "b"))

    assert shares["a"] == pytest.approx(1.0)


def test_flat_and_empty_surfaces_tell_nothing():
    assert surface_importance(np.ones((3, 3)), ("a", "b")) is None
    assert surface_importance(np.full((3, 3), np.nan), ("a", "b")) is None


def test_names_must_fit_the_surface():
    with pytest.raises(ValueError, match="a surface of 2 axes"):
        surface_importance(np.ones((2, 2)), ("a",))


def test_four_axes_agree_with_the_plain_definition():
    rng = np.random.default_rng(4)
    surface = rng.normal(size=(3, 4, 2, 5))
    names = ("a", "b", "c", "d")

    shares = surface_importance(surface, names)

    for axis, name in enumerate(names):
        means = [surface.take(index, axis).mean() for index in range(surface.shape[axis])]
        assert shares[name] == pytest.approx(np.var(means) / surface.var())
    assert all(one >= two for one, two in itertools.pairwise(shares.values()))
