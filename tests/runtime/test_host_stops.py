"""move_stop, on trades of freqtrade's own."""

from __future__ import annotations

import pytest
from freqtrade.persistence import LocalTrade
from hypothesis import given
from hypothesis import strategies as st

from botcases import position
from freqfleet.runtime.host_stops import move_stop

pytestmark = pytest.mark.usefixtures("no_database")


def trade_with(*, is_short: bool, tick: float, stop_rate: float, leverage: float = 3.0) -> LocalTrade:
    one = position(is_short=is_short, leverage=leverage, price_precision=tick)
    one.adjust_stop_loss(stop_rate, 0.0, initial=True)
    return one


@pytest.mark.parametrize(
    ("is_short", "stop_rate", "rate", "placed"),
    [
        (False, 100.98, 102.0, 101.0),
        (False, 101.0, 102.0, 101.0),  # on its tick: it stays there
        (True, 99.02, 98.0, 99.0),
        (True, 99.0, 98.0, 99.0),
    ],
)
def test_a_stop_comes_nearer_on_the_tick_towards_the_price(
    is_short: bool, stop_rate: float, rate: float, placed: float
) -> None:
    trade = trade_with(is_short=is_short, tick=0.1, stop_rate=103.0 if is_short else 97.0)

    move_stop(trade, stop_rate, rate)

    assert trade.stop_loss == placed
    assert trade.is_stop_loss_trailing
    away = stop_rate / rate - 1.0
    assert trade.stop_loss_pct == pytest.approx(-3.0 * abs(away))


@pytest.mark.parametrize(
    ("is_short", "further"), [(False, 96.0), (False, 97.0), (True, 103.0), (True, 104.0)]
)
def test_a_stop_never_moves_away(is_short: bool, further: float) -> None:
    trade = trade_with(is_short=is_short, tick=0.1, stop_rate=103.0 if is_short else 97.0)
    before = trade.stop_loss, trade.stop_loss_pct

    move_stop(trade, further, 100.0)

    assert (trade.stop_loss, trade.stop_loss_pct) == before
    assert not trade.is_stop_loss_trailing


@given(ticks=st.integers(9_701, 10_400), leverage=st.sampled_from([1.0, 2.0, 3.0, 7.0]))
def test_a_stop_on_a_tick_is_placed_on_that_tick_whatever_the_leverage(ticks: int, leverage: float) -> None:
    trade = trade_with(is_short=False, tick=0.01, stop_rate=97.0, leverage=leverage)

    move_stop(trade, ticks / 100, 105.0)

    assert trade.stop_loss == ticks / 100
