from __future__ import annotations

from collections.abc import Sequence

import pytest

from freqfleet.clock import to_ms
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.replay.booking import Booking
from freqfleet.replay.exit_rule import Candle, Exit, ExitKind
from freqfleet.replay.roi_table import RoiTable, first_table_exit
from replaycases import START

TABLE = RoiTable.of({"10": 0.01, "0": 0.05})


def exit_of(
    table: str,
    *,
    side: Side = Side.LONG,
    fee: float = 0.0,
    steps: RoiTable = TABLE,
    older: bool = False,
    funding: Sequence[float] | None = None,
) -> Exit:
    """Replay a position opened at 100 with a stop 2 % away."""
    rows = [[float(value) for value in line.split()] for line in table.strip().splitlines()[1:]]
    return first_table_exit(
        [Candle(to_ms(START) + int(minute) * 60_000, *prices) for minute, *prices in rows],
        entered_ms=to_ms(START),
        stop_rate=100.0 - 2.0 * side.sign,
        table=steps,
        booking=Booking(side=side, open_rate=100.0, leverage=1.0, fee_ratio=fee),
        timeframe_minutes=5,
        tick_size=None if older else 0.01,
        ratio_of_price=older,
        funding_ratio=funding,
    )


def test_table_is_read_in_any_order_and_the_latest_step_reached_holds():
    assert TABLE.steps == ((0, 0.05), (10, 0.01))
    assert [TABLE.in_force(minutes) for minutes in (0, 9, 10, 500)] == [
        (0, 0.05),
        (0, 0.05),
        (10, 0.01),
        (10, 0.01),
    ]
    assert RoiTable.of({"5": 0.01}).in_force(4) is None


def test_table_with_a_key_that_is_no_number_is_refused():
    with pytest.raises(InputError, match="'soon'"):
        RoiTable.of({"soon": 0.01})


def test_target_steps_down_with_age():
    found = exit_of("""
        min   open   high    low  close
         0   100.0  101.5   99.0  100.0
         5   100.0  101.5   99.0  100.0
        10   100.0  101.5   99.0  100.0
    """)

    assert found == Exit(2, 101.0, ExitKind.TARGET)


def test_step_that_comes_into_force_fills_at_an_open_beyond_it():
    found = exit_of("""
        min   open   high    low  close
         0   100.0  101.5   99.0  101.4
        10   101.4  101.6  101.2  101.5
    """)

    assert found == Exit(1, 101.4, ExitKind.TARGET)


def test_candle_beyond_a_step_that_was_in_force_before_fills_at_its_nearest_price():
    found = exit_of("""
        min   open   high    low  close
        10   100.0  100.5   99.0  100.4
        15   101.4  101.6  101.2  101.5
    """)

    assert found == Exit(1, 101.2, ExitKind.TARGET)


def test_touching_the_target_is_not_enough_and_the_fee_must_be_earned_too():
    at_target = """
        min   open   high    low  close
         0   100.0  105.0   99.0  104.0
    """
    beyond = at_target.replace("105.0", "105.3")

    assert exit_of(at_target).kind is ExitKind.END_OF_DATA
    assert exit_of(beyond) == Exit(0, 105.0, ExitKind.TARGET)
    assert exit_of(beyond, fee=0.001) == Exit(0, 105.21, ExitKind.TARGET)
    assert exit_of(beyond, fee=0.002).kind is ExitKind.END_OF_DATA


def test_stop_comes_first_and_a_candle_beyond_it_fills_at_its_open():
    both = exit_of("""
        min   open   high    low  close
         0   100.0  106.0   97.0  100.0
    """)
    jumped = exit_of("""
        min   open   high    low  close
         0   100.0  101.0   99.0  100.0
         5    97.0   97.5   96.0   96.5
    """)
    straddled = exit_of("""
        min   open   high    low  close
         0   100.0  101.0   99.0  100.0
         5    97.0   98.5   96.0   96.5
    """)

    assert both == Exit(0, 98.0, ExitKind.STOP, ambiguous=True)
    assert jumped == Exit(1, 97.0, ExitKind.STOP)
    assert straddled == Exit(1, 98.0, ExitKind.STOP)


def test_short_position_reads_the_same_rule_the_other_way_round():
    found = exit_of(
        """
        min   open   high    low  close
         0   100.0  101.5   98.5  100.0
        10   100.0  101.5   98.5  100.0
        """,
        side=Side.SHORT,
    )

    assert found == Exit(1, 99.0, ExitKind.TARGET)


def test_funding_that_was_received_brings_the_target_nearer():
    table = """
        min   open   high    low  close
        10   100.0  100.9   99.0  100.0
        15   100.0  100.9   99.0  100.0
    """

    assert exit_of(table).kind is ExitKind.END_OF_DATA
    assert exit_of(table, funding=[0.0, 0.002]) == Exit(1, 100.8, ExitKind.TARGET)


def test_minus_one_leaves_at_the_open_when_its_time_comes():
    table = """
        min   open   high    low  close
         0   100.0  100.9   99.0  100.0
         5    99.5  100.9   99.0  100.0
    """

    assert exit_of(table, steps=RoiTable.of({"5": -1})) == Exit(1, 99.5, ExitKind.TARGET)


def test_older_releases_priced_a_step_on_the_price_of_the_entry_without_its_fee():
    table = """
        min   open   high    low  close
        10   100.0  103.0   99.0  100.0
    """

    new, old = exit_of(table, fee=0.001), exit_of(table, fee=0.001, older=True)

    assert new.rate == 101.2  # 100 * 1.001 * 1.01 / 0.999 = 101.2022, on the grid
    assert old.rate == pytest.approx(100.0 * (1.001 + 0.01) / 0.999, rel=1e-15)
