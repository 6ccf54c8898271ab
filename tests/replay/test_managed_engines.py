"""Both managed engines against the rule itself, bit for bit, on paths made to hit every branch."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.domain.managed_exits import ManagedExits, managed_barriers
from freqfleet.errors import InputError
from freqfleet.replay.costs import Costs
from freqfleet.replay.managed_engine import NO_FILL
from freqfleet.replay.managed_engines import open_managed_engine
from freqfleet.replay.managed_levels import LevelMaker
from freqfleet.replay.managed_numba import ManagedNumbaEngine
from freqfleet.replay.managed_numpy import ManagedNumpyEngine
from freqfleet.replay.managed_rule import FillKind
from managedcases import FEE_RATIO, by_the_rule, managed_exits, ticking_paths

ENGINES = (ManagedNumpyEngine, ManagedNumbaEngine)
COSTS = Costs(fee_ratio=FEE_RATIO, slippage_ratio=0.0002, funding=True)


def fills_of(found, row, trade):
    slots = found.kind[row, trade] != NO_FILL
    return [
        (int(index), float(rate).hex(), float(share).hex(), int(kind))
        for index, rate, share, kind in zip(
            found.candle_index[row, trade][slots],
            found.rate[row, trade][slots],
            found.share[row, trade][slots],
            found.kind[row, trade][slots],
            strict=True,
        )
    ]


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=400, deadline=None)
@given(paths=ticking_paths(), parameters=st.lists(managed_exits(), min_size=1, max_size=3))
def test_every_fill_is_the_one_of_the_rule_bit_for_bit(engine, paths, parameters):
    found = engine(paths, fee_ratio=FEE_RATIO).fills(parameters)

    for row, one in enumerate(parameters):
        for trade in range(len(paths)):
            expected = by_the_rule(paths, trade, one)
            assert fills_of(found, row, trade) == [
                (fill.candle_index, fill.rate.hex(), fill.share.hex(), int(fill.kind))
                for fill in expected.fills
            ]
            assert found.ambiguous[row, trade] == expected.ambiguous


@settings(max_examples=200, deadline=None)
@given(ticking_paths(), managed_exits())
def test_levels_are_those_of_live_trading_bit_for_bit(paths, parameters):
    levels, sign = LevelMaker(paths, FEE_RATIO).levels([parameters]), paths.side.sign

    for trade in range(len(paths)):
        live = managed_barriers(
            parameters,
            open_rate=float(paths.entry_rate[trade]),
            side=paths.side,
            atr_ratio=float(paths.atr_ratio[trade]),
            fee_ratio=FEE_RATIO,
        )
        rates = [rate for rate, _ in live.partial_targets] + [live.barriers.target_rate]
        assert (sign * levels.targets[0, trade]).tolist() == rates
        assert sign * levels.break_even[trade] == live.break_even_rate
        for level, rate in (
            (levels.trailing_activation, live.trailing_activation_rate),
            (levels.giveback_activation, live.giveback_activation_rate),
            (levels.break_even_after, live.break_even_after_rate),
        ):
            assert level[0, trade] == (np.inf if rate is None else sign * rate)
        if live.trailing_stop_ratio is not None:
            factor = 1.0 + sign * -live.trailing_stop_ratio
            assert levels.trailing_factor[0, trade] == factor


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=20, deadline=None)
@given(paths=ticking_paths().filter(lambda paths: paths.width > 1))
def test_equal_stops_keep_the_name_of_the_one_that_asks_for_less(engine, paths):
    sign = paths.side.sign
    first, second = (paths.subset(np.array([0])) for _ in range(2))
    tied = replace(
        first,
        entry_rate=np.array([100.0]),
        liquidation_rate=np.array([np.nan]),
        atr_ratio=np.array([np.nan]),
        **{name: np.full_like(second.open, 100.0 + sign * 10.0) for name in ("open", "high", "low", "close")},
    )
    best = 125.0 if sign > 0 else 80.0  # 20 or 25 % from here is the entry, to the last bit
    (tied.high if sign > 0 else tied.low)[0, 0] = best
    (tied.low if sign > 0 else tied.high)[0, 1] = 100.0
    parameters = ManagedExits(
        stop_loss=-0.05,
        take_profit=0.4,
        trailing_stop_ratio=0.2 if sign > 0 else 0.25,
        trailing_activation_ratio=0.19,
        break_even_after_ratio=0.1,
    )

    found = engine(tied, fee_ratio=0.0).fills([parameters])

    assert fills_of(found, 0, 0) == [(1, (100.0).hex(), (1.0).hex(), FillKind.BREAK_EVEN)]


@settings(max_examples=200, deadline=None)
@given(ticking_paths(), st.lists(managed_exits(), min_size=2, max_size=4))
def test_profits_are_the_same_bits_in_either_engine_and_in_whatever_batch(paths, parameters):
    numba_engine = ManagedNumbaEngine(paths, fee_ratio=FEE_RATIO)

    together = numba_engine.fills(parameters).net_profit_ratio(COSTS, paths)
    other = ManagedNumpyEngine(paths, fee_ratio=FEE_RATIO).fills(parameters).net_profit_ratio(COSTS, paths)
    alone = [numba_engine.fills([one]).net_profit_ratio(COSTS, paths)[0] for one in parameters]

    assert np.isfinite(together).all()
    assert together.tobytes() == other.tobytes() == np.array(alone).tobytes()


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=200, deadline=None)
@given(paths=ticking_paths(), parameters=managed_exits())
def test_parts_come_to_the_whole_position_and_their_order_is_that_of_time(engine, paths, parameters):
    found = engine(paths, fee_ratio=FEE_RATIO).fills([parameters])

    assert found.share.sum(axis=2) == pytest.approx(1.0, abs=1e-9)
    for trade in range(len(paths)):
        indices = [fill[0] for fill in fills_of(found, 0, trade)]
        assert indices == sorted(indices)
        assert found.last_kind[0, trade] == fills_of(found, 0, trade)[-1][3]


def test_the_generated_paths_reach_every_kind_of_fill_and_ambiguity():
    seen, ambiguous, several = set(), set(), set()

    @settings(max_examples=600, deadline=None, derandomize=True, database=None)
    @given(ticking_paths(), managed_exits())
    def look(paths, parameters):
        found = ManagedNumbaEngine(paths, fee_ratio=FEE_RATIO).fills([parameters])
        seen.update(found.kind.ravel().tolist())
        ambiguous.update(found.ambiguous.ravel().tolist())
        several.update((found.kind != NO_FILL).sum(axis=2).ravel().tolist())

    look()

    assert seen == {NO_FILL, *FillKind}
    assert ambiguous == {True, False}
    assert several == {1, 2, 3, 4}


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=5, deadline=None)
@given(paths=ticking_paths())
def test_no_trades_give_no_fills(engine, paths):
    none = paths.subset(np.empty(0, dtype=np.int64))
    parameters = ManagedExits(stop_loss=-0.02, take_profit=0.04)

    found = engine(none, fee_ratio=FEE_RATIO).fills([parameters])

    assert found.rate.shape == (1, 0, 1)
    assert found.net_profit_ratio(COSTS, none).shape == (1, 0)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("fee_ratio", [-0.001, 1.0, float("nan")])
@settings(max_examples=1, deadline=None)
@given(paths=ticking_paths())
def test_fee_that_is_none_is_named(engine, fee_ratio, paths):
    with pytest.raises(InputError, match=f"fee_ratio must lie in 0..1, was {fee_ratio}"):
        engine(paths, fee_ratio=fee_ratio)


@settings(max_examples=1, deadline=None)
@given(paths=ticking_paths())
def test_engine_that_is_loaded_already_is_taken_for_any_number_of_vectors(paths):
    assert isinstance(open_managed_engine(paths, 1, fee_ratio=FEE_RATIO), ManagedNumbaEngine)


@pytest.mark.parametrize(
    "module", ["learning.managed_search", "replay.managed_engines", "replay.managed_numpy"]
)
def test_numba_and_optuna_are_not_loaded_before_they_are_used(module):
    asked = f"import sys, freqfleet.{module}; print({{'numba', 'optuna'}} & set(sys.modules))"

    answer = subprocess.run(
        [sys.executable, "-c", asked],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert answer.stdout.strip() == "set()"


def test_few_vectors_are_not_worth_loading_numba():
    code = """
import sys
from hypothesis import find
from freqfleet.replay.managed_engines import open_managed_engine
from managedcases import ticking_paths
paths = find(ticking_paths(), lambda paths: len(paths) == 1)
few = open_managed_engine(paths, 10, fee_ratio=0.0005)
many = open_managed_engine(paths, 50_000, fee_ratio=0.0005)
print(type(few).__name__, type(many).__name__)
"""
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert answer.stdout.split() == ["ManagedNumpyEngine", "ManagedNumbaEngine"]


def test_numba_is_loaded_once_many_small_engines_have_cost_as_much():
    code = """
from hypothesis import find
from freqfleet.replay.managed_engines import open_managed_engine
from managedcases import ticking_paths
paths = find(ticking_paths(), lambda paths: len(paths) == 1 and paths.width == 45)
print(*(type(open_managed_engine(paths, 1_000, fee_ratio=0.0005)).__name__ for _ in range(60)))
"""
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert answer.stdout.split() == ["ManagedNumpyEngine"] * 42 + ["ManagedNumbaEngine"] * 18


@settings(max_examples=5, deadline=None)
@given(paths=ticking_paths())
def test_scaled_trailing_stop_is_held_at_the_widest_stop_there_is(paths):
    wild = replace(paths, atr_ratio=np.full(len(paths), 0.02))
    parameters = ManagedExits(
        stop_loss=-0.05,
        take_profit=0.2,
        volatility_scaling=1.0,
        atr_reference_ratio=0.002,
        trailing_stop_ratio=0.2,
        trailing_activation_ratio=0.1,
    )

    levels = LevelMaker(wild, FEE_RATIO).levels([parameters])

    assert (levels.trailing_factor == 1.0 - paths.side.sign * 0.3).all()
