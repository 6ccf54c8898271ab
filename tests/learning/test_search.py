import numpy as np
import pytest

from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.learning.grid_search import GridSearch
from freqfleet.learning.search import DEFAULT_SEARCH, checked_search, find_best, open_search, study_seed
from freqfleet.learning.search_space import SearchSpace
from freqfleet.settings import OptimizerSettings

SPACE = SearchSpace.of(OptimizerSettings(), 0.004)
INSTALLED = ("tpe", "cmaes", "qmc", "random", "grid")


def hill(parameters):
    """The best exit is a stop of 2 % and a target of 5 %."""
    return np.array([-abs(one.stop_loss + 0.02) - abs(one.take_profit - 0.05) for one in parameters])


def corner(parameters):
    """Wants the widest stop and the nearest target, which breaks reward over risk."""
    return np.array([-one.stop_loss - one.take_profit for one in parameters])


def best_of(name, means=hill, *, seed=1, trials=100):
    return find_best(open_search(name, SPACE, seed=seed, trials=trials), SPACE, means, trials=trials)


@pytest.mark.parametrize("name", INSTALLED)
def test_every_search_comes_near_the_hill(name):
    found = best_of(name)

    assert found.value > -0.05  # of 0 on the top and -0.18 in the worst corner
    assert found.best is not None
    assert found.value == pytest.approx(float(hill([found.best])[0]))


@pytest.mark.parametrize("name", INSTALLED)
def test_best_keeps_the_constraints_where_the_objective_does_not_want_them(name):
    found = best_of(name, corner)

    assert found.best is not None
    assert found.best.reward_risk >= 0.8 - 1e-9


def test_tpe_is_told_the_constraints_and_turns_to_what_keeps_them():
    search = open_search("tpe", SPACE, seed=3, trials=80)
    kept = []
    for _ in range(8):
        for proposal in search.ask(10):
            search.tell(proposal, float(corner([proposal.parameters])[0]))
            kept.append(SPACE.allows(proposal.parameters))

    assert sum(kept[40:]) >= 20  # a study that is not told them keeps 7 to 11 of these 40


def test_tpe_learns_where_random_does_not():
    tpe, random = (
        np.mean([best_of(name, seed=seed, trials=60).value for seed in range(8)])
        for name in ("tpe", "random")
    )

    assert tpe > random


@pytest.mark.parametrize("name", INSTALLED)
def test_same_seed_proposes_the_same(name):
    first, again = (open_search(name, SPACE, seed=7, trials=20) for _ in range(2))

    assert [one.parameters for one in first.ask(10)] == [one.parameters for one in again.ask(10)]


def test_other_seed_proposes_something_else():
    one, other = (open_search("tpe", SPACE, seed=seed, trials=20).ask(5) for seed in (1, 2))

    assert [p.parameters for p in one] != [p.parameters for p in other]


def test_seed_of_a_study_depends_on_pair_and_side_only():
    seeds = {
        study_seed(seed, pair, side)
        for seed in (1, 2)
        for pair in ("BTC/USDT:USDT", "ETH/USDT:USDT")
        for side in Side
    }

    assert len(seeds) == 8
    assert study_seed(42, "BTC/USDT:USDT", Side.LONG) == 130723576


def test_studies_searched_in_turns_find_what_they_find_alone():
    alone = [best_of("tpe", seed=seed, trials=40) for seed in (1, 2)]

    searches = [open_search("tpe", SPACE, seed=seed, trials=40) for seed in (1, 2)]
    proposals = [[], []]
    for _ in range(4):
        for number, search in enumerate(searches):
            asked = search.ask(10)
            for proposal, value in zip(asked, hill([one.parameters for one in asked]), strict=True):
                search.tell(proposal, float(value))
            proposals[number] += [one.parameters for one in asked]

    assert [max(hill(one)) for one in proposals] == [found.value for found in alone]


def test_number_of_trials_is_kept():
    assert best_of("random", trials=23).candidates == 23


def test_value_that_is_not_a_number_never_wins():
    found = best_of("tpe", lambda asked: np.full(len(asked), np.nan), trials=20)

    assert found.best is None
    assert np.isnan(found.value)


def test_grid_holds_only_what_the_constraints_allow():
    points = GridSearch(SPACE, 100).ask(10_000)

    assert points
    assert all(SPACE.allows(point.parameters) for point in points)
    assert len({point.parameters for point in points}) == len(points)


def test_exact_search_is_the_default_and_proposes_nothing():
    assert checked_search(DEFAULT_SEARCH) == "exact"
    with pytest.raises(InputError, match="search exact proposes nothing, it replays its whole grid"):
        open_search("exact", SPACE, seed=1, trials=10)


def test_unknown_search_lists_the_known_ones():
    with pytest.raises(
        InputError, match="no search 'anneal'; take one of exact, tpe, gp, cmaes, qmc, random, grid"
    ):
        checked_search("anneal")
