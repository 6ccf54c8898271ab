"""Search of exits that follow the path, on markets where the answer is known because it was planted."""

import importlib.util
import math

import numpy as np
import pytest

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, SettingsError
from freqfleet.learning.managed_samplers import ManagedGridSearch
from freqfleet.learning.managed_search import (
    ManagedObjective,
    as_managed,
    compare_with_plain,
    open_managed_search,
)
from freqfleet.learning.managed_space import FEATURES, MANAGED_RANGES, ManagedSpace
from freqfleet.learning.search import find_best
from freqfleet.learning.search_space import SearchSpace
from freqfleet.learning.wording import exits_text
from freqfleet.replay.costs import Costs
from freqfleet.replay.managed_numpy import ManagedNumpyEngine
from freqfleet.replay.paths import TradePaths
from freqfleet.settings import OptimizerSettings

PLAIN_SPACE = SearchSpace.of(OptimizerSettings(time_limit_minutes=(60, 240)), None)
SPACE = ManagedSpace.around(PLAIN_SPACE)
COSTS = Costs(fee_ratio=0.0005, slippage_ratio=0.0002, funding=False)
WIDTH = 50
NAMES = ("tpe", "cmaes", "qmc", "random", "grid")
INSTALLED = [name for name in NAMES if name != "cmaes" or importlib.util.find_spec("cmaes")]


def paths_of(moves, side=Side.LONG):
    """Return trades entered at 100 whose closes move by these ratios from candle to candle; (n, width)."""
    trades, width = moves.shape
    closes = 100.0 * (1.0 + side.sign * moves)
    opens = np.concatenate([np.full((trades, 1), 100.0), closes[:, :-1]], axis=1)
    first_open_ms = 300_000 * np.arange(trades, dtype=np.int64)
    return TradePaths(
        pair="BTC/USDT:USDT",
        side=side,
        timeframe_ms=300_000,
        entered_ms=first_open_ms,
        first_open_ms=first_open_ms,
        entry_rate=np.full(trades, 100.0),
        atr_ratio=np.full(trades, np.nan),
        leverage=np.ones(trades),
        liquidation_rate=np.full(trades, np.nan),
        open=opens,
        high=np.maximum(opens, closes) + 0.02,
        low=np.minimum(opens, closes) - 0.02,
        close=closes,
        funding_ratio=np.zeros((trades, width)),
        funding_known=np.ones(trades, dtype=np.bool_),
        liquidation_known=np.zeros(trades, dtype=np.bool_),
    )


def peaks_of_any_height(trades, seed):
    """Rise without a pause to a peak of 1 % to 15 %, then fall below every stop: no target fits them all."""
    peaks = np.random.default_rng(seed).uniform(0.01, 0.15, size=trades)
    return np.array([np.interp(np.arange(WIDTH), [0, 20, 40, WIDTH], [0, one, -0.1, -0.1]) for one in peaks])


def peaks_of_one_height(trades, seed):
    """Go to 6 % by detours that shake out whoever follows closely, and fall back: the target is all."""
    rng = np.random.default_rng(seed)
    zigzag = 0.008 * np.where(np.arange(WIDTH) % 4 < 2, 1.0, -1.0)
    path = np.interp(np.arange(WIDTH), [0, 30, 32, WIDTH], [0.0, 0.06, -0.1, -0.1]) + zigzag
    return path + rng.normal(0.0, 0.001, size=(trades, WIDTH))


def objective(moves, side=Side.LONG):
    paths = paths_of(moves, side)
    return ManagedObjective(ManagedNumpyEngine(paths, fee_ratio=COSTS.fee_ratio), np.ones(len(moves)), COSTS)


@pytest.mark.parametrize("side", list(Side))
def test_tpe_finds_that_following_the_path_helps_where_it_was_planted(side):
    found = compare_with_plain(
        "tpe",
        SPACE,
        searched=objective(peaks_of_any_height(60, seed=1), side),
        held_out=objective(peaks_of_any_height(60, seed=2), side),
        seed=1,
        trials=150,
    )

    best = as_managed(found.managed.best)
    assert best.trailing_stop_ratio is not None or best.giveback_ratio is not None
    assert found.managed.value > found.plain.value + 0.01
    assert found.helps
    assert found.gain > 0.01
    assert "following the path helps: +" in found.text


def test_report_says_so_where_following_the_path_does_not_help():
    found = compare_with_plain(
        "tpe",
        SPACE,
        searched=objective(peaks_of_one_height(60, seed=1)),
        held_out=objective(peaks_of_one_height(60, seed=2)),
        seed=1,
        trials=150,
    )

    assert not found.helps
    assert found.plain.value > 0.04
    assert "following the path does not help" in found.text


def test_planted_optimum_of_plain_exits_is_the_same_in_managed_terms():
    plain = ExitParameters(stop_loss=-0.03, take_profit=0.055)
    moves = peaks_of_one_height(20, seed=1)

    mean = objective(moves).means([plain, as_managed(plain)])

    assert mean[0] == mean[1]
    assert mean[0] == pytest.approx(0.055, abs=0.002)


@pytest.mark.parametrize("name", INSTALLED)
def test_every_search_proposes_what_the_domain_allows(name):
    space = ManagedSpace.around(SearchSpace.of(OptimizerSettings(take_profit=(0.005, 0.02)), 0.004))
    search = open_managed_search(name, space, seed=3, trials=200)

    points = []
    while len(points) < 200 and (asked := search.ask(10)):
        points += [proposal.parameters for proposal in asked]
        for proposal in asked:
            search.tell(proposal, proposal.parameters.take_profit)

    assert len(points) == 200
    assert {one.trailing_stop_ratio is not None for one in points} == {True, False}
    assert {one.giveback_ratio is not None for one in points} == {True, False}
    assert {one.break_even_after_ratio is not None for one in points} == {True, False}
    assert {len(one.partial_targets) for one in points} == {0, 1, 2, 3}


@pytest.mark.parametrize("name", INSTALLED)
def test_same_seed_finds_the_same(name):
    measured = objective(peaks_of_any_height(15, seed=1))

    def found():
        search = open_managed_search(name, SPACE, seed=5, trials=30)
        return find_best(search, SPACE, measured.means, trials=30)

    first, again = found(), found()

    assert first.candidates == 30
    assert (first.best, first.value) == (again.best, again.value)


def test_feature_that_is_not_asked_for_stays_off():
    space = ManagedSpace.around(PLAIN_SPACE, features=("giveback",))

    points = [one.parameters for one in open_managed_search("random", space, seed=1, trials=40).ask(40)]

    assert any(one.giveback_ratio is not None for one in points)
    assert all(one.trailing_stop_ratio is None and not one.partial_targets for one in points)
    assert all(one.break_even_after_ratio is None for one in points)


def test_grid_holds_no_point_twice_and_spreads():
    points = [one.parameters for one in ManagedGridSearch(SPACE, 300).ask(1000)]

    assert len(set(points)) == len(points) == 300
    assert len({one.stop_loss for one in points}) == 3
    assert all(SPACE.allows(one) for one in points)


def test_text_names_what_is_on():
    managed = SPACE.managed(
        ExitParameters(stop_loss=-0.03, take_profit=0.06),
        {name: low for name, (low, _) in MANAGED_RANGES.items()},
        {"trailing": True},
        2,
    )

    assert exits_text(managed).endswith(
        "trailing stop 0.25 % from 0.60 %, partial targets 0.10 at 1.20 % 0.10 at 3.60 %"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": ("trailling",)}, "no feature 'trailling' of exits; take from trailing, giveback"),
        (
            {"ranges": {"giveback_ratio": (0.5, 1.5)}},
            r"giveback_ratio must be .* within 0.05..1.0, was 0.5..1.5",
        ),
        ({"ranges": {"giveback_ratio": (0.9, 0.5)}}, "giveback_ratio must be a rising range"),
        ({"ranges": {"giveback_ratio": (math.nan, 0.5)}}, "giveback_ratio must be .* was nan..0.5"),
        ({"ranges": {"giveback": (0.1, 0.5)}}, "ranges must name .*; wrong: giveback"),
    ],
)
def test_bad_space_is_named(changes, message):
    with pytest.raises(SettingsError, match=message):
        ManagedSpace.around(PLAIN_SPACE, **changes)


def test_weights_that_are_none_are_named():
    engine = ManagedNumpyEngine(paths_of(peaks_of_any_height(3, seed=1)), fee_ratio=0.0005)

    with pytest.raises(InputError, match="weight"):
        ManagedObjective(engine, np.array([1.0, 0.0, 1.0]), COSTS)


def test_unknown_search_lists_the_known_ones():
    with pytest.raises(InputError, match="no search 'anneal'"):
        open_managed_search("anneal", SPACE, seed=1, trials=10)


def test_all_features_are_searched_unless_said_otherwise():
    assert SPACE.features == FEATURES
