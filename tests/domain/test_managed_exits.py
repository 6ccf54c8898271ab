import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.managed_exits import (
    ClosedCandles,
    ManagedExits,
    PartialTarget,
    StopKind,
    break_even_rate,
    gave_back,
    managed_barriers,
    stop_in_force,
    trailing_stop_rate,
)
from freqfleet.domain.sides import Side
from freqfleet.errors import ParameterError

PLAIN = {"stop_loss": -0.03, "take_profit": 0.06}
TRAILING = {"trailing_stop_ratio": 0.01, "trailing_activation_ratio": 0.02}
GIVEBACK = {"giveback_ratio": 0.5, "giveback_activation_ratio": 0.02}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"trailing_stop_ratio": 0.01}, "trailing_stop_ratio=0.01 needs trailing_activation_ratio, was None"),
        ({"trailing_activation_ratio": 0.01}, "trailing_activation_ratio=0.01 needs trailing_stop_ratio"),
        ({"giveback_ratio": 0.5}, "giveback_ratio=0.5 needs giveback_activation_ratio, was None"),
        ({"giveback_activation_ratio": 0.02}, "giveback_activation_ratio=0.02 needs giveback_ratio"),
        ({**TRAILING, "trailing_stop_ratio": math.nan}, "trailing_stop_ratio must be .* was nan"),
        ({**TRAILING, "trailing_stop_ratio": -0.01}, "trailing_stop_ratio must be .* was -0.01"),
        ({**TRAILING, "trailing_stop_ratio": True}, "trailing_stop_ratio must be .* was True"),
        ({**TRAILING, "trailing_activation_ratio": math.inf}, "trailing_activation_ratio must be .* was inf"),
        ({**GIVEBACK, "giveback_ratio": 1.01}, r"giveback_ratio must be None or lie in 0.05..1.0, was 1.01"),
        ({**GIVEBACK, "giveback_activation_ratio": 0.06}, "giveback_activation_ratio=0.06 is never reached"),
        ({"break_even_after_ratio": 0.0}, "break_even_after_ratio must be .* was 0.0"),
        ({"break_even_after_ratio": "0.01"}, "break_even_after_ratio must be .* was '0.01'"),
        (
            {"partial_targets": [[0.02, 0.6], [0.03, 0.5]]},
            r"come to 1.1, more than the position: \[0.6, 0.5\]",
        ),
        ({"partial_targets": [[0.03, 0.5], [0.02, 0.5]]}, r"must rise, nearest first, were \[0.03, 0.02\]"),
        ({"partial_targets": [[0.02, 0.5], [0.02, 0.5]]}, r"must rise, nearest first, were \[0.02, 0.02\]"),
        ({"partial_targets": [[0.06, 0.5]]}, r"must lie below take_profit=0.06, were \[0.06\]"),
        ({"partial_targets": [[math.nan, 0.5]]}, "ratio of partial target 1 must lie in .* was nan"),
        ({"partial_targets": [[0.02, math.nan]]}, "share of partial target 1 must lie in .* was nan"),
        ({"partial_targets": [[0.02, 0.2], [0.03, 0.0]]}, "share of partial target 2 must lie in .* was 0.0"),
        ({"partial_targets": [0.02]}, "partial target 1 must be a pair .* was 0.02"),
        ({"partial_targets": [[0.02]]}, r"partial target 1 must be a pair .* was \[0.02\]"),
        ({"partial_targets": "all"}, "partial_targets must be up to 3 pairs .* was 'all'"),
        ({"partial_targets": [[0.01, 0.1]] * 4}, "partial_targets must be up to 3 pairs"),
        ({"stop_loss": 0.03}, "stop_loss must lie in"),
    ],
)
def test_bad_value_is_named(values, message):
    with pytest.raises(ParameterError, match=message):
        ManagedExits(**{**PLAIN, **values})


def test_shares_that_miss_one_only_in_binary_are_the_whole_position():
    assert ManagedExits(**PLAIN, partial_targets=[[0.01, 0.6], [0.02, 0.3], [0.03, 0.1]])


def test_what_was_written_is_read_back():
    managed = ManagedExits(
        **PLAIN, **TRAILING, **GIVEBACK, break_even_after_ratio=0.03, partial_targets=[[0.02, 0.5]]
    )

    read = ManagedExits.from_dict(managed.to_dict())

    assert read == managed
    assert read.partial_targets == (PartialTarget(0.02, 0.5),)


def test_plain_parameters_do_not_take_what_they_would_ignore():
    with pytest.raises(ParameterError, match="unknown exit parameter 'break_even_after_ratio'"):
        ExitParameters.from_dict(ManagedExits(**PLAIN).to_dict())


def test_plain_part_is_the_barriers_alone():
    managed = ManagedExits(**PLAIN, **TRAILING)

    assert not managed.is_plain
    assert managed.plain() == ExitParameters(**PLAIN)
    assert ManagedExits(**PLAIN).is_plain


@pytest.mark.parametrize("side", list(Side))
def test_volatility_moves_every_price_by_the_factor_of_the_barriers(side):
    calm = ManagedExits(
        **PLAIN,
        **TRAILING,
        **GIVEBACK,
        break_even_after_ratio=0.03,
        partial_targets=[[0.01, 0.5]],
        volatility_scaling=1.0,
        atr_reference_ratio=0.004,
    )

    found = managed_barriers(calm, open_rate=100.0, side=side, atr_ratio=0.008, fee_ratio=0.0)

    def gain(rate):
        return side.sign * (rate / 100.0 - 1.0)

    assert found.trailing_stop_ratio == pytest.approx(0.02)
    assert gain(found.trailing_activation_rate) == pytest.approx(0.04)
    assert gain(found.giveback_activation_rate) == pytest.approx(0.04)
    assert gain(found.break_even_after_rate) == pytest.approx(0.06)
    assert gain(found.partial_targets[0][0]) == pytest.approx(0.02)
    assert found.giveback_ratio == 0.5
    assert gain(found.barriers.target_rate) == pytest.approx(0.12)


def test_nothing_on_the_way_to_a_target_at_its_bound_lies_beyond_it():
    wide = ManagedExits(
        stop_loss=-0.03,
        take_profit=0.45,
        partial_targets=[[0.40, 0.5]],
        volatility_scaling=1.0,
        atr_reference_ratio=0.004,
    )

    found = managed_barriers(wide, open_rate=100.0, side=Side.LONG, atr_ratio=0.008, fee_ratio=0.0)

    assert found.partial_targets[0][0] == found.barriers.target_rate == 150.0


@pytest.mark.parametrize("side", list(Side))
def test_break_even_earns_the_fees_and_nothing_more(side):
    rate, fee = break_even_rate(100.0, 0.001, side), 0.001
    paid, received = (100.0 * (1 + fee), rate * (1 - fee))
    if side.is_short:
        paid, received = rate * (1 + fee), 100.0 * (1 - fee)

    assert received == pytest.approx(paid, rel=1e-12)


@pytest.mark.parametrize(("side", "expected"), [(Side.LONG, 99.0), (Side.SHORT, 101.0)])
def test_trailing_stop_lies_on_the_losing_side_of_the_best_price(side, expected):
    assert trailing_stop_rate(100.0, 0.01, side) == pytest.approx(expected)


candles = st.lists(st.tuples(st.floats(90, 115), st.floats(0, 5), st.floats(0, 5)), min_size=1, max_size=20)


@given(candles, st.sampled_from(list(Side)))
def test_stop_in_force_never_moves_away(rows, side):
    managed = managed_barriers(
        ManagedExits(**PLAIN, **TRAILING, break_even_after_ratio=0.01),
        open_rate=100.0,
        side=side,
        atr_ratio=None,
        fee_ratio=0.0005,
    )
    fixed, closed, stops = managed.barriers.stop_rate, ClosedCandles(), []
    for close, above, below in rows:
        closed = closed.and_then(high=close + above, low=close - below, close=close, side=side)
        stop, kind = stop_in_force(
            managed, closed, fixed_stop_rate=fixed, partial_target_filled=False, side=side
        )
        stops.append(side.sign * stop)
        assert (kind is StopKind.FIXED) == (stop == fixed)

    assert stops == sorted(stops)
    assert stops[0] >= side.sign * fixed


def test_before_any_candle_has_closed_nothing_moves_and_nothing_was_given_back():
    managed = managed_barriers(
        ManagedExits(**PLAIN, **TRAILING, **GIVEBACK),
        open_rate=100.0,
        side=Side.LONG,
        atr_ratio=None,
        fee_ratio=0.0,
    )

    stop = stop_in_force(
        managed, ClosedCandles(), fixed_stop_rate=97.0, partial_target_filled=False, side=Side.LONG
    )

    assert stop == (97.0, StopKind.FIXED)
    assert not gave_back(managed, ClosedCandles(), open_rate=100.0, side=Side.LONG)
