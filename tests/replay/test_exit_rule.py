from datetime import timedelta

import pytest

from freqfleet.clock import to_ms
from freqfleet.domain.exits import ExitParameters, effective_barriers
from freqfleet.domain.sides import Side
from freqfleet.replay.exit_rule import Candle, Exit, ExitKind, first_exit
from freqfleet.replay.fills import HONEST, Fills, freqtrade_fills, levels
from replaycases import START

PARAMETERS = ExitParameters(stop_loss=-0.02, take_profit=0.04, time_limit_minutes=15)
STOP = {Side.LONG: 98.0, Side.SHORT: 102.0}
TARGET = {Side.LONG: 104.0, Side.SHORT: 96.0}


def exit_of(
    table: str,
    *,
    side: Side = Side.LONG,
    entered_seconds: int = 0,
    fills: Fills = HONEST,
    liquidation_rate: float | None = None,
) -> Exit:
    """Replay the 2 % stop, 4 % target, 15 minutes rule on a position opened at 100."""
    rows = [[float(value) for value in line.split()] for line in table.strip().splitlines()[1:]]
    candles = [Candle(to_ms(START) + int(minute) * 60_000, *prices) for minute, *prices in rows]
    barriers = effective_barriers(PARAMETERS, open_rate=100.0, side=side, atr_ratio=None)
    return first_exit(
        candles,
        entered_ms=to_ms(START + timedelta(seconds=entered_seconds)),
        levels=levels(barriers, side, fills, liquidation_rate=liquidation_rate),
        side=side,
        time_limit_minutes=PARAMETERS.time_limit_minutes,
        fills=fills,
    )


def test_stop_inside_a_candle_fills_at_the_stop():
    found = exit_of("""
        min   open   high    low  close
         0   100.0  101.0   99.0  100.0
         5   100.0  100.5   97.0   99.0
    """)

    assert found == Exit(1, STOP[Side.LONG], ExitKind.STOP)


def test_target_inside_a_candle_fills_at_the_target():
    found = exit_of("""
        min   open   high    low  close
         0   100.0  101.0   99.0  100.0
         5   100.0  105.0   99.0  104.5
    """)

    assert found == Exit(1, TARGET[Side.LONG], ExitKind.TARGET)


def test_short_position_reads_the_same_market_the_other_way_round():
    table = """
        min   open   high    low  close
         0   100.0  101.0   99.0  100.0
         5   100.0  103.0   99.0  102.5
    """

    assert exit_of(table, side=Side.SHORT) == Exit(1, STOP[Side.SHORT], ExitKind.STOP)
    assert exit_of(table, side=Side.LONG).kind is ExitKind.END_OF_DATA


def test_short_target_lies_below_the_entry():
    found = exit_of(
        """
        min   open   high    low  close
         0   100.0  101.0   95.0   97.0
        """,
        side=Side.SHORT,
    )

    assert found == Exit(0, TARGET[Side.SHORT], ExitKind.TARGET)


def test_stop_comes_first_when_both_lie_in_one_candle_and_the_exit_says_so():
    found = exit_of("""
        min   open   high    low  close
         0   100.0  105.0   97.0  100.0
    """)

    assert found == Exit(0, STOP[Side.LONG], ExitKind.STOP, ambiguous=True)


def test_stop_that_the_open_jumped_fills_at_the_open():
    found = exit_of("""
        min   open   high    low  close
         0   100.0  101.0   99.0  100.0
         5    95.0  105.0   94.0  100.0
    """)

    assert found == Exit(1, 95.0, ExitKind.STOP)


def test_open_exactly_on_the_stop_leaves_nothing_ambiguous():
    found = exit_of("""
        min   open   high    low  close
         0   100.0  101.0   99.0  100.0
         5    98.0  105.0   97.0  100.0
    """)

    assert found == Exit(1, 98.0, ExitKind.STOP)


def test_target_that_the_open_jumped_fills_at_the_open_before_a_stop_inside():
    found = exit_of("""
        min   open   high    low  close
         0   100.0  101.0   99.0  100.0
         5   106.0  107.0   97.0  100.0
    """)

    assert found == Exit(1, 106.0, ExitKind.TARGET)


@pytest.mark.parametrize(("low", "kind"), [(98.0, ExitKind.STOP), (98.01, ExitKind.END_OF_DATA)])
def test_touching_the_stop_exactly_counts(low, kind):
    found = exit_of(f"""
        min   open   high    low  close
         0   100.0  101.0  {low}  100.0
    """)

    assert found.kind is kind


@pytest.mark.parametrize(("high", "kind"), [(104.0, ExitKind.TARGET), (103.99, ExitKind.END_OF_DATA)])
def test_touching_the_target_exactly_counts(high, kind):
    found = exit_of(f"""
        min   open   high    low  close
         0   100.0  {high}  99.0  100.0
    """)

    assert found.kind is kind


def test_time_limit_closes_at_the_open_before_the_barriers_of_that_candle():
    found = exit_of("""
        min   open   high    low  close
         0   100.0  101.0   99.0  100.0
         5   100.0  101.0   99.0  100.0
        10   100.0  101.0   99.0  100.0
        15    97.0  105.0   96.0  100.0
    """)

    assert found == Exit(3, 97.0, ExitKind.TIME_LIMIT)


def test_time_limit_of_an_entry_inside_a_candle_waits_for_the_next_open():
    found = exit_of(
        """
        min   open   high    low  close
         0   100.0  101.0   99.0  100.0
         5   100.0  101.0   99.0  100.0
        10   100.0  101.0   99.0  100.0
        15   100.0  101.0   99.0  100.0
        20   100.5  101.0   99.0  100.0
        """,
        entered_seconds=4,
    )

    assert found == Exit(4, 100.5, ExitKind.TIME_LIMIT)


def test_position_without_an_exit_is_valued_at_the_last_close():
    found = exit_of("""
        min   open   high    low  close
         0   100.0  101.0   99.0  100.0
         5   100.0  101.0   99.0  100.7
    """)

    assert found == Exit(1, 100.7, ExitKind.END_OF_DATA)


def test_liquidation_that_is_nearer_than_the_stop_takes_its_place():
    table = """
        min   open   high    low  close
         0   100.0  101.0   98.5  100.0
    """

    assert exit_of(table, liquidation_rate=98.6) == Exit(0, 98.6, ExitKind.LIQUIDATION)
    assert exit_of(table, liquidation_rate=97.0).kind is ExitKind.END_OF_DATA


def test_short_is_liquidated_above_its_entry():
    found = exit_of(
        """
        min   open   high    low  close
         0   100.0  101.6   99.0  100.0
        """,
        side=Side.SHORT,
        liquidation_rate=101.5,
    )

    assert found == Exit(0, 101.5, ExitKind.LIQUIDATION)


@pytest.mark.parametrize(("high", "kind"), [(104.0, ExitKind.END_OF_DATA), (104.01, ExitKind.TARGET)])
def test_freqtrade_wants_a_target_passed_not_touched(high, kind):
    found = exit_of(
        f"""
        min   open   high    low  close
         0   100.0  {high}  99.0  100.0
        """,
        fills=freqtrade_fills(None),
    )

    assert found.kind is kind


def test_freqtrade_leaves_at_an_open_on_the_target_when_the_bot_looks():
    table = """
        min   open   high    low  close
         0   100.0  101.0   99.0  100.0
         5   104.0  104.0   99.0  100.0
    """

    assert exit_of(table, fills=freqtrade_fills(None)) == Exit(1, 104.0, ExitKind.TARGET)
    plain = exit_of(table, fills=freqtrade_fills(None, looks_at_open=False))
    assert plain.kind is ExitKind.END_OF_DATA


def test_freqtrade_fills_a_straddled_stop_at_the_stop_although_the_open_jumped_it():
    table = """
        min   open   high    low  close
         0   100.0  101.0   99.0  100.0
         5    95.0   99.0   94.0   96.0
    """

    assert exit_of(table, fills=freqtrade_fills(None, looks_at_open=False)) == Exit(1, 98.0, ExitKind.STOP)
    assert exit_of(table, fills=freqtrade_fills(None)) == Exit(1, 95.0, ExitKind.STOP)


def test_freqtrade_fills_barriers_that_a_whole_candle_passed_at_that_candle():
    fills = freqtrade_fills(None, looks_at_open=False)

    below = exit_of(
        """
        min   open   high    low  close
         0   100.0  101.0   99.0  100.0
         5    96.0   97.0   94.0   95.0
        """,
        fills=fills,
    )
    above = exit_of(
        """
        min   open   high    low  close
         0   100.0  101.0   99.0  100.0
         5   106.0  107.0  105.0  106.0
        """,
        fills=fills,
    )

    assert below == Exit(1, 96.0, ExitKind.STOP)
    assert above == Exit(1, 105.0, ExitKind.TARGET)
