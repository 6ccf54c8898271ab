import numpy as np
import pytest

from freqfleet.errors import InputError
from freqfleet.testing.worlds.edges import Edge, Kind, truth
from freqfleet.testing.worlds.grid import (
    CANDLE_MS,
    CELLS,
    DEFAULT_CELL,
    HOLD_CANDLES,
    cell_of,
    stop_of,
    target_of,
)
from freqfleet.testing.worlds.market import SIGMAS, Trades, WorldMarket, draw_trades, replayed
from freqfleet.testing.worlds.world import Ground, Recipe, make_world

TIMES = {"kind": np.zeros(1, np.int64), "level": np.full(1, np.inf), "drift": np.zeros(1)}


def hand_made(*closes, high=0.0, low=0.0):
    """Return a market of one pair whose candles reach `high` and `low` beyond their close."""
    close = np.full(HOLD_CANDLES + 2, closes[-1])
    close[: len(closes)] = closes
    return WorldMarket(
        sigmas=np.array([0.0025]),
        high=(close * (1.0 + high))[None, :],
        low=(close * (1.0 - low))[None, :],
        close=close[None, :],
    )


def one_trade(side):
    return Trades(
        pair=np.zeros(1, np.int64), entry=np.zeros(1, np.int64), side=np.full(1, side), latent=np.ones(1)
    )


def test_default_cell_is_three_percent_either_way():
    assert (stop_of(DEFAULT_CELL), target_of(DEFAULT_CELL)) == (0.03, 0.03)
    assert cell_of(0.01, 0.015) == 0
    assert cell_of(0.03, 0.20) == CELLS - 1


@pytest.mark.parametrize(("side", "outcome"), [(1.0, 0.03), (-1.0, -0.03)])
def test_first_barrier_touched_decides(side, outcome):
    market = hand_made(1.0, 1.035)

    profits = replayed(market, one_trade(side), **TIMES)

    assert profits[0, DEFAULT_CELL] == pytest.approx(outcome)


def test_stop_comes_first_where_a_candle_holds_both():
    profits = replayed(hand_made(1.0, 1.0, high=0.04, low=0.04), one_trade(1.0), **TIMES)

    assert profits[0, DEFAULT_CELL] == pytest.approx(-0.03)


def test_trade_that_touches_nothing_leaves_at_the_close():
    profits = replayed(hand_made(1.0, 1.005), one_trade(-1.0), **TIMES)

    assert profits[0] == pytest.approx(np.full(CELLS, -0.005))


def test_level_edge_runs_to_its_level_and_turns():
    market = hand_made(1.0, 1.0)
    drift = {"kind": np.ones(1, np.int64), "level": np.full(1, 0.05), "drift": np.full(1, 0.001)}

    profits = replayed(market, one_trade(1.0), **drift)

    assert profits[0, cell_of(0.03, 0.05)] == pytest.approx(0.05)
    assert profits[0, cell_of(0.03, 0.08)] == pytest.approx(-0.03)


def test_same_seed_makes_the_same_world_and_another_seed_another():
    first, again, other = (make_world(Recipe.NULL, pairs=4, trades=20, days=10, seed=s) for s in (1, 1, 2))

    assert (first.profits == again.profits).all()
    assert (first.entered_ms == again.entered_ms).all()
    assert not (first.entered_ms == other.entered_ms).all()


def test_edge_free_market_is_fair_in_every_cell():
    rng = np.random.default_rng(5)
    market = WorldMarket.grown(rng, np.full(150, SIGMAS[1]), days=60)
    trades = draw_trades(rng, pairs=150, per_pair=200, days=60, burst_share=0.0)
    count = len(trades.entry)

    profits = replayed(
        market, trades, kind=np.zeros(count, np.int64), level=np.full(count, np.inf), drift=np.zeros(count)
    )

    assert np.abs(profits.mean(axis=0)).max() * 1e4 < 5.0
    assert 150.0 < (profits - profits[:, [DEFAULT_CELL]]).std(axis=0).max() * 1e4 < 400.0


@pytest.mark.parametrize("kind", [Kind.LEVEL_5, Kind.LEVEL_8, Kind.REVERSION, Kind.MOMENTUM])
def test_planted_edges_are_worth_what_they_say(kind):
    gains = truth(Edge(kind, 50), SIGMAS[1])

    assert gains.max() * 1e4 == pytest.approx(50.0, abs=0.5)
    assert gains[DEFAULT_CELL] == 0.0


@pytest.mark.parametrize(
    ("kind", "targets"),
    [
        (Kind.LEVEL_5, {0.05}),
        (Kind.LEVEL_8, {0.08}),
        (Kind.REVERSION, {0.015}),
        (Kind.MOMENTUM, {0.15, 0.20}),
    ],
)
def test_edges_reward_the_target_they_are_named_for(kind, targets):
    assert target_of(int(truth(Edge(kind, 50), SIGMAS[2]).argmax())) in targets


def test_half_of_a_levels_world_carries_an_edge_and_every_trade_has_its_window():
    world = make_world(Recipe.LEVELS, bps=50, pairs=8, trades=20, days=10, seed=3)

    assert world.planted.sum() == 4
    assert (world.truth[~world.planted] == 0.0).all()
    assert (world.window_end_ms - world.entered_ms == HOLD_CANDLES * CANDLE_MS).all()
    assert world.window_end_ms.max() <= 10 * 86_400_000
    assert (np.diff(world.entered_ms, axis=1) >= 0).all()


def test_mixture_is_two_fifths_empty():
    kinds = Recipe.MIXTURE.kinds(10)

    assert [kinds.count(kind) for kind in Kind] == [4, 1, 1, 2, 2]


def test_decayed_edge_leaves_later_trades_alone():
    rng = np.random.default_rng(1)
    ground = Ground.grown(rng, Recipe.SHARED, 100, pairs=10, days=40)
    lasting = ground.world(np.random.default_rng(2), trades=60)
    decayed = ground.world(np.random.default_rng(2), trades=60, edge_until_day=20)

    late = lasting.entered_ms > 20 * 86_400_000
    assert (lasting.profits[~late] == decayed.profits[~late]).all()
    assert (lasting.profits[late] != decayed.profits[late]).any()


def test_a_fifth_of_weighted_trades_weighs_three_times_the_others():
    ground = Ground.grown(np.random.default_rng(1), Recipe.NULL, 0, pairs=10, days=10)

    world = ground.world(np.random.default_rng(2), trades=200, weighted=True)

    assert set(world.weights.ravel().tolist()) == {1.0, 3.0}
    assert (world.weights == 3.0).mean() == pytest.approx(0.2, abs=0.04)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"pairs": 0}, "a world needs at least one pair, was 0"),
        ({"trades": 0}, "a world needs at least one trade a pair, was 0"),
        ({"days": 1}, "1 days cannot hold a trade of 288 candles; take at least 2"),
        (
            {"recipe": Recipe.SHARED, "bps": 37},
            r"level-5 edges are planted with \[10, 25, 50, 100\] bps, was 37",
        ),
    ],
)
def test_world_that_cannot_be_is_refused(given, said):
    wanted = {"recipe": Recipe.NULL, "pairs": 2, "trades": 5, "days": 10, "seed": 1, **given}

    with pytest.raises(InputError, match=said):
        make_world(wanted.pop("recipe"), **wanted)
