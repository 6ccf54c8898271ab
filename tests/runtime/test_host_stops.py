"""move_stop, on trades of freqtrade's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from freqtrade.persistence import LocalTrade
from freqtrade.persistence.usedb_context import FtNoDBContext
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.runtime.host_stops import move_stop
from freqfleet.testing.host import OPENED

TICK_SIZE_MODE = 4  # ccxt's TICK_SIZE


def trade_with(*, is_short: bool, tick: float, stop_rate: float, leverage: float = 3.0) -> LocalTrade:
    one = LocalTrade(
        id=1, pair="BTC/USDT:USDT", is_short=is_short, leverage=leverage, open_date=OPENED, open_rate=100.0,
        stake_amount=100.0, amount=3.0, fee_open=0.0005, fee_close=0.0005, exchange="binance",
        price_precision=tick, precision_mode_price=TICK_SIZE_MODE,
    )  # fmt: skip
    one.adjust_stop_loss(stop_rate, 0.0, initial=True)
    return one


@pytest.fixture(autouse=True, scope="module")
def no_database() -> Iterator[None]:
    with FtNoDBContext("5m"):
        yield


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
