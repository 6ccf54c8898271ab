"""Every engine against the exit rule itself, bit for bit, on paths made to hit every branch."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.domain.exits import ExitParameters, effective_barriers
from freqfleet.domain.sides import Side
from freqfleet.replay import engines
from freqfleet.replay.costs import Costs
from freqfleet.replay.engines import open_engine
from freqfleet.replay.exit_rule import ExitKind
from freqfleet.replay.fills import HONEST, freqtrade_fills
from freqfleet.replay.level_arrays import ROWS_REMEMBERED, VolatilityFactors, barrier_rates
from freqfleet.replay.metrics import weighted_mean
from freqfleet.replay.numba_engine import NumbaEngine
from freqfleet.replay.numpy_engine import VECTORS_AT_ONCE, NumpyEngine
from replaypaths import (
    assert_same_exits,
    every_fill_mode,
    exit_parameters,
    no_paths,
    rule_exits,
    trade_paths,
    walk_parameters,
    walk_paths,
)

ENGINES = pytest.mark.parametrize("engine", [NumpyEngine, NumbaEngine])
VECTORS = st.lists(exit_parameters(), min_size=1, max_size=3)
# Searches halve windows: lengths around powers of two, and others.
LONG_WINDOWS = st.sampled_from([15, 16, 17, 30, 31, 32, 33, 64])
COSTS = st.builds(
    Costs,
    fee_ratio=st.sampled_from([0.0, 0.0005]),
    slippage_ratio=st.sampled_from([0.0, 0.0002]),
    funding=st.booleans(),
    target_fee_ratio=st.sampled_from([None, 0.0002]),
)


@ENGINES
@settings(max_examples=400, deadline=None)
@given(paths=trade_paths(), parameters=VECTORS, fills=every_fill_mode())
def test_every_exit_is_the_one_of_the_rule_bit_for_bit(engine, paths, parameters, fills):
    assert_same_exits(engine(paths, fills).exits(parameters), rule_exits(paths, parameters, fills))


@ENGINES
@settings(max_examples=150, deadline=None)
@given(paths=trade_paths(widths=LONG_WINDOWS), parameters=VECTORS, fills=every_fill_mode())
def test_long_windows_give_the_exits_of_the_rule_too(engine, paths, parameters, fills):
    longer = [ExitParameters(**{**one.to_dict(), "time_limit_minutes": 320}) for one in parameters]

    found = engine(paths, fills).exits(parameters + longer)

    assert_same_exits(found, rule_exits(paths, parameters + longer, fills))


@settings(max_examples=400, deadline=None)
@given(
    paths=trade_paths(widths=st.integers(1, 9) | LONG_WINDOWS),
    parameters=VECTORS,
    fills=every_fill_mode(),
    costs=COSTS,
    data=st.data(),
)
def test_mean_profits_are_the_weighted_means_of_the_profits_bit_for_bit(
    paths, parameters, fills, costs, data
):
    size = len(paths)
    weights = np.array(data.draw(st.lists(st.floats(0.1, 9.0), min_size=size, max_size=size)))
    profits = costs.net_profit_ratio(NumpyEngine(paths, fills).exits(parameters), paths)
    expected = weighted_mean(profits, weights)

    for engine in (NumpyEngine, NumbaEngine):
        found = engine(paths, fills).mean_profits(parameters, weights, costs)
        assert found.tobytes() == expected.tobytes(), engine


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("trades", [1, 7, 8, 9, 127, 128, 129, 136, 137, 250, 1023, 2049])
def test_numba_adds_in_the_order_of_numpy(trades, side):
    paths = walk_paths(trades, 40, seed=trades, side=side)
    weights = np.random.default_rng(1).uniform(0.2, 3.0, trades)
    costs = Costs(fee_ratio=0.0005, slippage_ratio=0.0002, funding=True)
    parameters = walk_parameters(20, seed=2, longest_minutes=180)

    numpy, numba = (one(paths).mean_profits(parameters, weights, costs) for one in (NumpyEngine, NumbaEngine))

    assert numba.tobytes() == numpy.tobytes()


@ENGINES
def test_a_batch_of_any_size_gives_the_same_bits(engine):
    opened = engine(walk_paths(37, 30, seed=5))
    weights, costs = np.ones(37), Costs(fee_ratio=0.0005, slippage_ratio=0.0, funding=False)
    parameters = walk_parameters(VECTORS_AT_ONCE + 5, seed=6)

    together = opened.mean_profits(parameters, weights, costs)

    assert together.tolist() == [float(opened.mean_profits([one], weights, costs)[0]) for one in parameters]


@settings(max_examples=200, deadline=None)
@given(trade_paths(), exit_parameters())
def test_barriers_are_those_of_live_trading_bit_for_bit(paths, parameters):
    stop, target = barrier_rates(paths, VolatilityFactors(paths.atr_ratio), [parameters])

    for trade in range(len(paths)):
        expected = effective_barriers(
            parameters,
            open_rate=float(paths.entry_rate[trade]),
            side=paths.side,
            atr_ratio=float(paths.atr_ratio[trade]),
        )
        assert stop[0, trade] == expected.stop_rate
        assert target[0, trade] == expected.target_rate


def test_factors_of_more_scalings_than_are_remembered_stay_right():
    paths = walk_paths(3, 2, seed=1)
    many = [
        ExitParameters(
            stop_loss=-0.02, take_profit=0.04, volatility_scaling=step / 2000, atr_reference_ratio=0.004
        )
        for step in range(ROWS_REMEMBERED + 100)
    ]
    factors = VolatilityFactors(paths.atr_ratio)

    for _ in range(2):
        rows, chosen = factors.rows(many)
        expected = [[one.volatility_factor(atr) for atr in paths.atr_ratio.tolist()] for one in many]
        assert rows[chosen].tolist() == expected


@pytest.mark.parametrize("fills", [HONEST, freqtrade_fills(0.5), freqtrade_fills(0.5, looks_at_open=False)])
def test_the_generated_paths_reach_every_kind_of_exit_and_ambiguity(fills):
    seen, ambiguous = set(), set()

    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @given(trade_paths(), exit_parameters())
    def look(paths, parameters):
        found = NumpyEngine(paths, fills).exits([parameters])
        seen.update(found.kind.ravel().tolist())
        ambiguous.update(found.ambiguous.ravel().tolist())

    look()

    assert seen == set(ExitKind)
    assert ambiguous == {True, False}


@ENGINES
@pytest.mark.parametrize("fills", [HONEST, freqtrade_fills(0.1)])
def test_no_trades_give_no_exits_and_unknown_means(engine, fills):
    opened = engine(no_paths(), fills)
    parameters = [ExitParameters(stop_loss=-0.02, take_profit=0.04)]
    free = Costs(fee_ratio=0.0, slippage_ratio=0.0, funding=False)

    assert opened.exits(parameters).rate.shape == (1, 0)
    assert np.isnan(opened.mean_profits(parameters, np.empty(0), free)).all()


@ENGINES
def test_no_vectors_give_no_rows(engine):
    opened = engine(walk_paths(5, 9, seed=1))
    free = Costs(fee_ratio=0.0, slippage_ratio=0.0, funding=False)

    assert opened.exits([]).rate.shape == (0, 5)
    assert opened.mean_profits([], np.ones(5), free).shape == (0,)


IN_A_NEW_PROCESS = """
import numpy as np
from freqfleet.replay.costs import Costs
from freqfleet.replay.numba_engine import NumbaEngine
from replaypaths import walk_parameters, walk_paths
engine = NumbaEngine(walk_paths(300, 20, seed=1))
costs = Costs(fee_ratio=0.0005, slippage_ratio=0.0002, funding=True)
print(engine.mean_profits(walk_parameters(9, seed=2), np.ones(300), costs).tobytes().hex())
print(engine.exits(walk_parameters(9, seed=2)).rate.tobytes().hex())
"""


def test_kernels_from_the_cache_of_an_earlier_process_give_the_same_bits():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}
    command = [sys.executable, "-c", IN_A_NEW_PROCESS]

    first, second = (
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )

    assert first == second
    assert len(first) > 100


@pytest.fixture
def numba_not_loaded(monkeypatch):
    monkeypatch.setattr(engines, "_NUMBA_ENGINE", "not.loaded")


@pytest.mark.usefixtures("numba_not_loaded")
def test_large_batches_are_replayed_by_numba_and_small_ones_by_numpy():
    paths = walk_paths(200, 9, seed=1)

    assert isinstance(open_engine(paths, 100), NumpyEngine)
    assert isinstance(open_engine(paths, 50_000), NumbaEngine)


@pytest.mark.usefixtures("numba_not_loaded")
def test_many_engines_together_are_worth_what_one_is_not():
    assert isinstance(open_engine(walk_paths(200, 9, seed=1), 100, engines_alike=500), NumbaEngine)


def test_numba_replays_everything_once_it_is_loaded():
    fills = freqtrade_fills(0.1)

    opened = open_engine(walk_paths(20, 9, seed=1), 1, fills=fills)

    assert isinstance(opened, NumbaEngine)
    assert opened.fills is fills


def test_without_numba_numpy_replays(monkeypatch, caplog):
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(engines, "_NUMBA_ENGINE", "not.loaded")
    engines._numba_is_installed.cache_clear()

    opened = open_engine(walk_paths(20, 9, seed=1), 1_000_000)

    assert isinstance(opened, NumpyEngine)
    assert "numba is not installed" in caplog.text
    engines._numba_is_installed.cache_clear()


@settings(max_examples=60, deadline=None)
@given(paths=trade_paths(), parameters=VECTORS, fills=every_fill_mode(), costs=COSTS, data=st.data())
def test_means_over_some_trades_are_those_of_an_engine_that_has_no_others(
    paths, parameters, fills, costs, data
):
    rows = np.array(data.draw(st.lists(st.integers(0, len(paths) - 1), max_size=5)), dtype=np.int64)
    weights = np.linspace(0.5, 1.7, len(rows))

    cut = NumpyEngine(paths, fills).mean_profits(parameters, weights, costs, rows)

    made = NumpyEngine(paths.subset(rows), fills).mean_profits(parameters, weights, costs)
    assert np.array_equal(cut, made, equal_nan=True)
