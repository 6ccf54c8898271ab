"""What exits in force earn, those that follow the path with everything that a bot would trade."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.managed_exits import ManagedExits, PartialTarget
from freqfleet.errors import InputError
from freqfleet.learning.in_force import asks_for_trend, follows_path, profits_in_force
from freqfleet.replay.costs import Costs
from freqfleet.replay.numpy_engine import NumpyEngine
from managedcases import FEE_RATIO, managed_exits, profit_by_the_rule, ticking_paths

COSTS = Costs(fee_ratio=FEE_RATIO, slippage_ratio=0.0002, funding=True)
PLAIN = ExitParameters(stop_loss=-0.03, take_profit=0.05, time_limit_minutes=120)
GIVEBACK = ManagedExits(**PLAIN.to_dict(), giveback_ratio=0.5, giveback_activation_ratio=0.01)
BREAK_EVEN = replace(GIVEBACK, break_even_after_ratio=0.005)


def priced(paths, exits, costs=(COSTS,)):
    return profits_in_force(exits, paths=paths, costs=costs, replay=NumpyEngine(paths).exits)


@settings(max_examples=150, deadline=None)
@given(paths=ticking_paths(), exits=managed_exits())
def test_exits_that_follow_the_path_earn_what_the_rule_says_bit_for_bit(paths, exits):
    exits = replace(exits, partial_targets=())

    (profits,) = priced(paths, [exits])

    assert profits[0].tolist() == [
        profit_by_the_rule(paths, trade, exits, COSTS) for trade in range(len(paths))
    ]


@settings(max_examples=50, deadline=None)
@given(paths=ticking_paths())
def test_plain_exits_beside_them_earn_what_their_own_engine_says(paths):
    dear = COSTS.scaled(2.0)

    cheap, stressed = priced(paths, [BREAK_EVEN, PLAIN], (COSTS, dear))

    plain = NumpyEngine(paths).exits([PLAIN])
    for table, costs in ((cheap, COSTS), (stressed, dear)):
        assert table[1].tolist() == costs.net_profit_ratio(plain, paths)[0].tolist()
        assert table[0].tolist() == [
            profit_by_the_rule(paths, trade, BREAK_EVEN, costs) for trade in range(len(paths))
        ]


@settings(max_examples=50, deadline=None)
@given(paths=ticking_paths(), exits=st.lists(managed_exits(plain=True), min_size=1, max_size=3))
def test_managed_exits_with_every_part_off_are_plain_ones(paths, exits):
    (profits,) = priced(paths, exits)

    assert profits.tolist() == priced(paths, [one.plain() for one in exits])[0].tolist()
    assert not any(follows_path(one) for one in exits)


@settings(max_examples=20, deadline=None)
@given(paths=ticking_paths())
def test_partial_targets_are_left_out_as_bots_leave_them_out(paths):
    rungs = replace(GIVEBACK, partial_targets=(PartialTarget(0.005, 0.5),))
    only_rungs = ManagedExits(**PLAIN.to_dict(), partial_targets=(PartialTarget(0.005, 0.5),))

    assert priced(paths, [rungs])[0].tolist() == priced(paths, [GIVEBACK])[0].tolist()
    assert priced(paths, [only_rungs])[0].tolist() == priced(paths, [PLAIN])[0].tolist()


def test_only_exits_by_regime_ask_for_the_trend():
    by_regime = ManagedExits(**PLAIN.to_dict(), regime_exit_z=1.0)

    assert asks_for_trend(PLAIN, by_regime)
    assert not asks_for_trend(PLAIN, GIVEBACK)


@settings(max_examples=5, deadline=None)
@given(paths=ticking_paths())
def test_a_trend_that_was_not_gathered_is_missed_aloud(paths):
    by_regime = ManagedExits(**PLAIN.to_dict(), regime_exit_z=1.0)

    with pytest.raises(InputError, match=r"regime_exit_z=1\.0 needs paths gathered with their trend"):
        priced(replace(paths, trend_z=None), [by_regime])
