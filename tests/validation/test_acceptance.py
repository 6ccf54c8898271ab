"""The gate on markets whose truth is known, beside seed 000's; `make bench-gate` measures it in full."""

import numpy as np
import pytest

from freqfleet.testing.worlds.judging import our_gate, score, seed_gate
from freqfleet.testing.worlds.world import Recipe, make_world
from freqfleet.validation.publication import GateRules


def worlds(recipe, bps, trades, count, pairs=150):
    return [
        make_world(recipe, bps=bps, pairs=pairs, trades=trades, seed=[2026, number])
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def edge_free():
    return worlds(Recipe.NULL, 0, 100, 4)


def test_seed_gate_publishes_a_third_of_edge_free_pairs_and_ours_none_of_them(edge_free):
    seeds = np.mean([seed_gate(world).published.mean() for world in edge_free])
    ours = np.mean([our_gate(world).published.mean() for world in edge_free])

    assert 0.25 < seeds < 0.55
    assert ours <= 0.003


def test_family_is_not_certified_where_nothing_can_be_learned(edge_free):
    judged = [our_gate(world) for world in edge_free]

    assert not any(one.inherited.any() for one in judged)
    assert min(one.family_p for one in judged) > 0.005


def test_large_edges_are_found_with_few_false_discoveries_and_honest_claims():
    planted = worlds(Recipe.LEVELS, 100, 250, 2)
    found = [score(world, our_gate(world)) for world in planted]
    seeds = [score(world, seed_gate(world)) for world in planted]

    assert np.mean([one.power for one in found]) >= 0.92
    assert np.mean([one.false_share for one in found]) <= 0.08 < np.mean([one.false_share for one in seeds])
    assert np.mean([one.target_share for one in found]) >= 0.95
    assert np.mean([one.stop_share for one in found]) >= 0.95
    ratio = sum(one.claimed_bps for one in found) / sum(one.true_bps for one in found)
    assert 0.85 <= ratio <= 1.15


def test_family_earns_most_of_what_there_is_where_no_pair_can_certify_itself():
    found = [score(world, our_gate(world)) for world in worlds(Recipe.LEVELS, 50, 50, 3)]

    assert [one.published for one in found] == [0, 0, 0]
    assert np.mean([one.earned_bps for one in found]) >= 36.0


def test_few_pairs_with_a_large_edge_are_found_among_many_without():
    world = make_world(Recipe.LEVELS, bps=100, pairs=40, trades=250, seed=8)
    sparse_world = make_world(Recipe.NULL, pairs=110, trades=250, seed=9)
    together = type(world)(
        days=world.days,
        edges=world.edges + sparse_world.edges,
        **{
            name: np.concatenate([getattr(world, name), getattr(sparse_world, name)])
            for name in ("entered_ms", "window_end_ms", "weights", "profits", "truth")
        },
    )

    assert score(together, our_gate(together)).power >= 0.85


@pytest.mark.parametrize("pairs", [1, 2, 5])
def test_small_fleets_of_edge_free_pairs_publish_nothing(pairs):
    judged = [our_gate(world, GateRules()) for world in worlds(Recipe.NULL, 0, 100, 10, pairs=pairs)]

    assert sum(int(one.published.sum()) for one in judged) == 0
