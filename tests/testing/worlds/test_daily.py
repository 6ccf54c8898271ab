import numpy as np

from freqfleet.testing.worlds.daily import our_gate_daily, paper_accounts, seed_gate_daily
from freqfleet.testing.worlds.fading import DAYS, FADES_ON_DAY, decay_in
from freqfleet.testing.worlds.grid import DEFAULT_CELL
from freqfleet.testing.worlds.world import Ground, Recipe, make_world


def test_daily_looks_wear_the_seed_gate_down_and_not_the_paper_account():
    world = make_world(Recipe.NULL, pairs=40, trades=100, days=110, seed=4)

    seeds, ours = seed_gate_daily(world), paper_accounts(world)

    assert seeds.published.mean() > 0.6
    assert ours.published.sum() == 0
    assert (ours.cells == DEFAULT_CELL).all()


def test_paper_account_finds_lasting_edges():
    world = make_world(Recipe.SHARED, bps=100, pairs=40, trades=250, days=150, seed=4)

    found = paper_accounts(world)

    assert found.published.mean() > 0.6
    assert found.first_day[found.published].min() >= 90


def test_gate_that_is_run_anew_every_day_publishes_what_it_would_on_one_of_the_days():
    world = make_world(Recipe.SHARED, bps=100, pairs=20, trades=100, days=92, seed=4)

    found = our_gate_daily(world)

    assert found.published.any()
    assert set(found.first_day[found.published].tolist()) <= {90, 91, 92}


def test_vanished_edges_are_flagged_and_lasting_ones_are_not():
    ground = Ground.grown(np.random.default_rng(3), Recipe.SHARED, 100, pairs=30, days=DAYS)
    lasting = decay_in(ground.world(np.random.default_rng(4), trades=250))
    vanished = decay_in(ground.world(np.random.default_rng(4), trades=250, edge_until_day=FADES_ON_DAY))

    assert vanished.decayed
    assert not lasting.decayed
    assert np.mean([one.suspect for one in vanished.units]) >= 0.5
    assert np.mean([one.suspect for one in lasting.units]) <= 0.2
