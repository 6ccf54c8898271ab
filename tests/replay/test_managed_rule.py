"""The rule for managed positions, case by case: a position entered at 100 with stop 97 and target 106."""

import math

import pytest
from hypothesis import given, settings

from freqfleet.domain.managed_exits import ManagedExits, managed_barriers
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.replay.exit_rule import Candle, ExitKind, first_exit
from freqfleet.replay.fills import HONEST, Levels, freqtrade_fills, levels
from freqfleet.replay.managed_rule import Fill, FillKind, managed_exit
from managedcases import FEE_RATIO, by_the_rule, managed_exits, ticking_paths

STEP_MS = 300_000
TRAILING = {"trailing_stop_ratio": 0.01, "trailing_activation_ratio": 0.02}
GIVEBACK = {"giveback_ratio": 0.5, "giveback_activation_ratio": 0.02}
EVEN = {"break_even_after_ratio": 0.02}
RUNGS = {"partial_targets": [[0.02, 0.5], [0.04, 0.25]]}


def run(rows, *, side=Side.LONG, fee_ratio=0.0, time_limit=1440, trend=None, fills=HONEST, **management):
    """Return the exit for rows of open, high, low, close; the rows are mirrored at 100 for a short."""
    parameters = ManagedExits(stop_loss=-0.03, take_profit=0.06, **management)
    if side.is_short:
        rows = [(200 - o, 200 - low, 200 - high, 200 - c) for o, high, low, c in rows]
    managed = managed_barriers(parameters, open_rate=100.0, side=side, atr_ratio=None, fee_ratio=fee_ratio)
    return managed_exit(
        [Candle(index * STEP_MS, *map(float, row)) for index, row in enumerate(rows)],
        entered_ms=0,
        open_rate=100.0,
        levels=levels(managed.barriers, side),
        managed=managed,
        side=side,
        fills=fills,
        time_limit_minutes=time_limit,
        trend_z=None if trend is None else [side.sign * one for one in trend],
    )


def told(found):
    return [(fill.candle_index, round(fill.rate, 6), fill.share, fill.kind) for fill in found.fills]


def test_trailing_stop_moves_at_the_close_and_not_with_the_high_of_its_own_candle():
    #        open   high  low   close
    rows = [(100.0, 102.0, 99.0, 101.5),  # activates; 100.98 is the stop from the next candle on
            (101.5, 104.0, 101.2, 103.5),  # 102.96 would be its stop, and its low lies below that
            (103.5, 103.6, 102.5, 103.0)]  # fmt: skip

    assert told(run(rows, **TRAILING)) == [(2, 102.96, 1.0, FillKind.TRAILING_STOP)]


def test_entry_candle_activates_nothing_for_itself():
    rows = [(100.0, 105.0, 98.0, 104.5), (104.5, 104.6, 104.4, 104.5)]

    assert told(run(rows, **TRAILING)) == [(1, 104.5, 1.0, FillKind.END_OF_DATA)]


def test_trailing_stop_that_the_open_has_passed_fills_at_the_open():
    rows = [(100.0, 104.0, 99.0, 100.5), (100.4, 101.0, 100.0, 100.2)]

    assert told(run(rows, **TRAILING)) == [(1, 100.4, 1.0, FillKind.TRAILING_STOP)]


@pytest.mark.parametrize(
    #  side         honest  freqtrade
    ("side", "stop", "on_its_tick"),
    [(Side.LONG, 100.98, 101.0), (Side.SHORT, 98.98, 98.9)],
)
def test_a_moved_stop_is_put_on_the_tick_towards_the_price_where_freqtrade_fills(side, stop, on_its_tick):
    rows = [(100.0, 102.0, 99.0, 101.5), (101.5, 101.6, 100.9, 101.2)]

    assert told(run(rows, side=side, **TRAILING)) == [(1, stop, 1.0, FillKind.TRAILING_STOP)]
    found = run(rows, side=side, fills=freqtrade_fills(0.1), **TRAILING)
    assert told(found) == [(1, on_its_tick, 1.0, FillKind.TRAILING_STOP)]


def test_trailing_stop_never_loosens_the_fixed_one():
    rows = [(100.0, 101.0, 99.0, 100.0), (100.0, 100.5, 96.0, 96.5)]
    wide = {"trailing_stop_ratio": 0.30, "trailing_activation_ratio": 0.01}

    assert told(run(rows, **wide)) == [(1, 97.0, 1.0, FillKind.STOP)]


def test_giveback_leaves_at_the_open_after_the_close_that_gave_half_back():
    rows = [(100.0, 103.0, 99.5, 102.0),
            (102.0, 105.0, 101.0, 104.0),  # best close: 4 %; half of it is 102
            (104.0, 104.2, 101.5, 102.0),  # the low does not count, the close does: on the level
            (103.0, 105.0, 102.0, 104.0)]  # fmt: skip

    assert told(run(rows, **GIVEBACK)) == [(3, 103.0, 1.0, FillKind.GIVEBACK)]


def test_giveback_counts_closes_not_extremes():
    rows = [(100.0, 105.9, 99.5, 101.9), (101.9, 102.0, 100.1, 100.2), (100.2, 100.3, 100.1, 100.2)]

    assert told(run(rows, **GIVEBACK))[-1][3] == FillKind.END_OF_DATA


def test_break_even_covers_the_fees_of_both_fills():
    rows = [(100.0, 102.0, 99.0, 101.0), (101.0, 101.5, 99.9, 100.0)]

    found = run(rows, fee_ratio=0.001, **EVEN)

    assert told(found) == [(1, round(100.0 * 1.001 / 0.999, 6), 1.0, FillKind.BREAK_EVEN)]


def test_break_even_is_not_in_force_in_the_candle_that_earned_it():
    rows = [(100.0, 100.5, 99.5, 100.2), (100.2, 102.5, 99.0, 101.0), (101.0, 101.2, 100.5, 101.0)]

    assert told(run(rows, **EVEN))[-1] == (2, 101.0, 1.0, FillKind.END_OF_DATA)


def test_first_partial_target_moves_the_stop_to_break_even_where_that_is_asked_for():
    rows = [(100.0, 102.1, 99.9, 101.0), (101.0, 101.5, 99.0, 99.5)]
    late = {"break_even_after_ratio": 0.05}

    with_it, without = run(rows, **RUNGS, **late), run(rows, **RUNGS)

    assert told(with_it) == [
        (0, 102.0, 0.5, FillKind.PARTIAL_TARGET),
        (1, 100.0, 0.5, FillKind.BREAK_EVEN),
    ]
    assert told(without)[-1] == (1, 99.5, 0.5, FillKind.END_OF_DATA)


def test_several_targets_fill_in_one_candle_and_the_last_takes_the_rest():
    rows = [(100.0, 107.0, 99.0, 106.5)]

    assert told(run(rows, **RUNGS)) == [
        (0, 102.0, 0.5, FillKind.PARTIAL_TARGET),
        (0, 104.0, 0.25, FillKind.PARTIAL_TARGET),
        (0, 106.0, 0.25, FillKind.TARGET),
    ]


def test_rungs_that_take_everything_end_the_position():
    rows = [(100.0, 105.0, 99.0, 104.5), (104.5, 104.6, 90.0, 91.0)]
    everything = {"partial_targets": [[0.01, 0.6], [0.02, 0.3], [0.03, 0.1]]}

    found = run(rows, **everything)

    assert [fill.candle_index for fill in found.fills] == [0, 0, 0]
    assert math.fsum(fill.share for fill in found.fills) == pytest.approx(1.0, abs=1e-12)


def test_stop_comes_before_a_partial_target_of_the_same_candle_and_is_ambiguous():
    rows = [(100.0, 100.5, 99.5, 100.0), (100.0, 102.0, 97.0, 100.0)]

    found = run(rows, **RUNGS)

    assert told(found) == [(1, 97.0, 1.0, FillKind.STOP)]
    assert found.ambiguous


def test_target_that_already_filled_makes_a_later_stop_not_ambiguous():
    rows = [(100.0, 102.0, 99.5, 101.0), (101.0, 103.0, 96.0, 97.0)]

    found = run(rows, **RUNGS)

    assert [fill.kind for fill in found.fills] == [FillKind.PARTIAL_TARGET, FillKind.STOP]
    assert not found.ambiguous


def test_open_beyond_rungs_fills_them_there_and_the_stop_of_that_candle_takes_the_rest():
    rows = [(100.0, 101.0, 99.5, 101.0), (104.5, 105.0, 96.0, 97.0)]

    found = run(rows, **RUNGS)

    assert told(found) == [
        (1, 104.5, 0.5, FillKind.PARTIAL_TARGET),
        (1, 104.5, 0.25, FillKind.PARTIAL_TARGET),
        (1, 97.0, 0.25, FillKind.STOP),
    ]


def test_time_limit_closes_what_is_left_at_the_open_before_anything_else():
    rows = [(100.0, 102.0, 99.5, 101.0), (107.0, 108.0, 106.0, 107.0)]

    found = run(rows, time_limit=5, **RUNGS)

    assert told(found)[-1] == (1, 107.0, 0.5, FillKind.TIME_LIMIT)


@pytest.mark.parametrize("management", [TRAILING, GIVEBACK, EVEN, RUNGS, {**TRAILING, **RUNGS}])
def test_short_is_the_mirror_of_long_where_prices_are(management):
    rows = [(100.0, 100.5, 99.5, 100.0), (100.0, 104.5, 99.0, 104.25), (104.25, 104.5, 96.0, 96.5)]

    long, short = run(rows, **management), run(rows, side=Side.SHORT, **management)

    assert [fill.kind for fill in long.fills] == [fill.kind for fill in short.fills]
    assert [fill.candle_index for fill in long.fills] == [fill.candle_index for fill in short.fills]


def test_liquidation_keeps_its_name_until_a_moved_stop_is_nearer():
    candles = [Candle(index * STEP_MS, *row) for index, row in enumerate(
        [(100.0, 101.0, 99.0, 100.0), (100.0, 102.5, 99.0, 102.0), (102.0, 102.0, 97.0, 98.0)]
    )]  # fmt: skip
    parameters = ManagedExits(stop_loss=-0.03, take_profit=0.06, **EVEN)
    managed = managed_barriers(parameters, open_rate=100.0, side=Side.LONG, atr_ratio=None, fee_ratio=0.0)
    nearer = Levels(stop_rate=98.0, target_rate=106.0, target_fill_rate=106.0, stop_is_liquidation=True)

    def last_fill(prices):
        return managed_exit(
            prices, entered_ms=0, open_rate=100.0, levels=nearer, managed=managed, side=Side.LONG,
            time_limit_minutes=None,
        ).fills[-1]  # fmt: skip

    assert last_fill(candles) == Fill(2, 100.0, 1.0, FillKind.BREAK_EVEN)
    assert last_fill([candles[0], candles[2]]) == Fill(1, 98.0, 1.0, FillKind.LIQUIDATION)


@settings(max_examples=400, deadline=None)
@given(ticking_paths(), managed_exits(plain=True))
def test_with_every_optional_part_off_it_is_the_exit_rule_bit_for_bit(paths, parameters):
    assert parameters.is_plain

    for trade in range(len(paths)):
        found = by_the_rule(paths, trade, parameters)
        liquidation = float(paths.liquidation_rate[trade])
        managed = managed_barriers(
            parameters,
            open_rate=float(paths.entry_rate[trade]),
            side=paths.side,
            atr_ratio=float(paths.atr_ratio[trade]),
            fee_ratio=FEE_RATIO,
        )
        expected = first_exit(
            paths.candles(trade),
            entered_ms=int(paths.entered_ms[trade]),
            levels=levels(
                managed.barriers,
                paths.side,
                liquidation_rate=None if math.isnan(liquidation) else liquidation,
            ),
            side=paths.side,
            time_limit_minutes=parameters.time_limit_minutes,
        )

        (fill,) = found.fills
        assert (fill.candle_index, fill.rate.hex(), fill.share, int(fill.kind)) == (
            expected.candle_index,
            expected.rate.hex(),
            1.0,
            int(expected.kind),
        )
        assert found.ambiguous == expected.ambiguous


@settings(max_examples=200, deadline=None)
@given(ticking_paths(), managed_exits())
def test_candles_after_the_last_fill_change_nothing(paths, parameters):
    for trade in range(len(paths)):
        found = by_the_rule(paths, trade, parameters)
        last = found.fills[-1]
        if last.kind is FillKind.END_OF_DATA:
            continue
        for name in ("open", "high", "low", "close"):
            getattr(paths, name)[trade, last.candle_index + 1 :] = 1.0

        assert by_the_rule(paths, trade, parameters) == found


def test_fill_kinds_have_the_codes_of_exit_kinds():
    assert [FillKind[kind.name] for kind in ExitKind] == [int(kind) for kind in ExitKind]


FLAT_ROWS = [(100.0, 101.0, 99.0, 100.0), (100.5, 101.0, 99.0, 100.2), (100.25, 101.0, 99.0, 100.1),
             (100.75, 101.0, 99.0, 100.3)]  # fmt: skip
END = (3, 100.3, 1.0, FillKind.END_OF_DATA)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("trend", "index"),
    [
        ([0.5, 0.2, -1.0, -1.5, -2.0], 2),
        ([-2.0, -2.0, -2.0, -1.5, -2.0], None),
        ([-2.0, -0.5, -1.2, 0.0, 0.0], 2),
        ([math.nan, math.nan, -1.2, -2.0, -2.0], None),
        ([math.nan, 0.0, math.nan, -2.0, 0.0], 3),
        ([0.0, 0.0, 0.0, -0.99, -2.0], None),
    ],
    ids=["turned", "was so before", "turned again", "never known otherwise", "a gap", "last close"],
)
def test_a_trend_that_turned_at_a_close_ends_the_position_at_the_next_open(side, trend, index):
    found = told(run(FLAT_ROWS, side=side, trend=trend, regime_exit_z=1.0))

    if index is None:
        assert found[0][3] is FillKind.END_OF_DATA
    else:
        rate = FLAT_ROWS[index][0]
        assert found == [(index, rate if side is Side.LONG else 200 - rate, 1.0, FillKind.REGIME)]


def test_at_one_open_the_time_limit_comes_before_the_trend_and_the_trend_before_the_stop():
    rows = [FLAT_ROWS[0], (96.0, 97.0, 95.0, 96.0)]
    turned = [0.0, -2.0, -2.0]

    assert told(run(rows, trend=turned, regime_exit_z=1.0, time_limit=5))[0][3] is FillKind.TIME_LIMIT
    assert told(run(rows, trend=turned, regime_exit_z=1.0)) == [(1, 96.0, 1.0, FillKind.REGIME)]


def test_a_trend_that_is_asked_for_must_be_given():
    with pytest.raises(InputError, match=r"regime_exit_z=1\.0 needs the trend of every candle"):
        run(FLAT_ROWS, regime_exit_z=1.0)
