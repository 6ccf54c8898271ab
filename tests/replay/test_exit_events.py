"""Events of a small grid against the engine, trade by trade and cell by cell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.errors import InputError
from freqfleet.replay.costs import Costs
from freqfleet.replay.exit_events import exit_events, priced_events, profit_tables
from freqfleet.replay.fills import freqtrade_fills
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.replay.surface import Cell, SurfaceAxes, build_surfaces
from replaypaths import trade_paths, walk_paths

COSTS = Costs(fee_ratio=0.0005, slippage_ratio=0.0002, funding=True, target_fee_ratio=0.0002)
AXES = SurfaceAxes(
    stop_losses=(-0.005, -0.01, -0.03, -0.3),
    take_profits=(0.005, 0.0075, 0.05, 0.5),
    volatility_scalings=(0.0, 0.5, 1.0),
    time_limit_minutes=(5, 20, 45),
    atr_reference_ratio=0.004,
)


def every_profit(paths):
    """Return the net profit of each trade under each cell as the engine gives it; (n, cells)."""
    every = [AXES.parameters(AXES.cell(flat)) for flat in range(AXES.cells)]
    return COSTS.net_profit_ratio(NumpyEngine(paths).exits(every), paths).T


@settings(max_examples=150, deadline=None)
@given(trade_paths())
def test_the_profit_of_every_trade_and_cell_is_the_engines(paths):
    events = exit_events(paths, AXES, COSTS)

    np.testing.assert_allclose(events.all_profits(), every_profit(paths), rtol=0.0, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(trade_paths(), st.integers(0, AXES.cells - 1))
def test_one_cell_is_that_column_of_all_of_them(paths, flat):
    events = exit_events(paths, AXES, COSTS)

    assert np.array_equal(events.profits(AXES.cell(flat)), events.all_profits()[:, flat])


@settings(max_examples=100, deadline=None)
@given(trade_paths(), st.integers(0, AXES.cells - 1))
def test_candles_that_hold_both_barriers_are_told_as_the_engine_does(paths, flat):
    cell = AXES.cell(flat)
    exits = NumpyEngine(paths).exits([AXES.parameters(cell)])

    events = exit_events(paths, AXES, COSTS)

    assert np.array_equal(events.ambiguous(cell), exits.ambiguous[0])
    np.testing.assert_allclose(
        events.optimistic_profits(cell), COSTS.optimistic_profit_ratio(exits, paths)[0], rtol=0.0, atol=1e-12
    )


@pytest.mark.parametrize("kernel", ["numpy", "auto"])
def test_their_sums_are_the_surface(kernel):
    paths = walk_paths(trades=40, width=60, seed=3)
    weights = np.random.default_rng(1).uniform(0.5, 3.0, len(paths))

    summed = weights @ exit_events(paths, AXES, COSTS).all_profits()

    surface = build_surfaces(paths, AXES, COSTS, weights, kernel=kernel).sums[0]
    np.testing.assert_allclose(summed.reshape(AXES.shape), surface, rtol=0.0, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(trade_paths())
def test_several_costs_priced_at_once_are_each_of_them_alone(paths):
    dear = COSTS.scaled(2.0)

    at_once = priced_events(NumpyEngine(paths), AXES, [COSTS, dear])

    for events, costs in zip(at_once, (COSTS, dear), strict=True):
        alone = exit_events(paths, AXES, costs)
        for flat in range(AXES.cells):
            cell = AXES.cell(flat)
            assert np.array_equal(events.profits(cell), alone.profits(cell))
            assert np.array_equal(events.ambiguous(cell), alone.ambiguous(cell))


@settings(max_examples=60, deadline=None)
@given(trade_paths(), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6))
def test_a_table_holds_the_profits_of_every_cell_to_the_last_bit(paths, pairs):
    stops, targets = np.array(pairs).T
    both = priced_events(NumpyEngine(paths), AXES, [COSTS, COSTS.scaled(2.0)])

    tables = profit_tables(both, stops, targets)

    for events, table in zip(both, tables, strict=True):
        for scaling in range(AXES.shape[0]):
            for limit in range(AXES.shape[1]):
                for column, (stop, target) in enumerate(pairs):
                    cell = Cell(scaling, limit, stop, target)
                    assert np.array_equal(table[:, scaling, limit, column], events.profits(cell))


def test_keys_take_as_little_memory_as_the_window_allows():
    events = exit_events(walk_paths(trades=4, width=289, seed=1), AXES, COSTS)

    assert {events.stop_key.itemsize, events.target_key.itemsize, events.deadline_key.itemsize} <= {1, 2}


def test_events_of_an_engine_that_fills_as_freqtrade_does_are_refused():
    engine = NumpyEngine(walk_paths(trades=3, width=20, seed=1), freqtrade_fills(None))

    with pytest.raises(InputError, match="honest fills"):
        priced_events(engine, AXES, [COSTS])
