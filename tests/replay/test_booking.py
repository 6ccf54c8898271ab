"""freqtrade's own arithmetic, against freqtrade's own classes."""

from __future__ import annotations

import pytest
from ccxt import ROUND_DOWN, ROUND_UP, TICK_SIZE
from freqtrade.enums import TradingMode
from freqtrade.exchange.exchange_utils import price_to_precision
from freqtrade.persistence import LocalTrade
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.domain.exits import ExitParameters, effective_barriers
from freqfleet.domain.sides import Side
from freqfleet.replay.booking import Booking
from freqfleet.replay.fills import freqtrade_fills, levels, nearest_tick, placed_stop

TICKS = (0.00001, 0.0001, 0.001, 0.01, 0.1, 1.0)


def host_trade(booking: Booking) -> LocalTrade:
    """Return the same position as freqtrade keeps it."""
    amount = 7.0
    trade = LocalTrade(
        pair="BTC/USDT:USDT",
        exchange="binance",
        amount=amount,
        open_rate=booking.open_rate,
        leverage=booking.leverage,
        is_short=booking.side.is_short,
        fee_open=booking.fee_ratio,
        fee_close=booking.fee_ratio,
        stake_amount=amount * booking.open_rate / booking.leverage,
        trading_mode=TradingMode.FUTURES,
    )
    trade.funding_fees = booking.funding_ratio * amount * booking.open_rate
    return trade


bookings = st.builds(
    Booking,
    side=st.sampled_from(Side),
    open_rate=st.integers(1_000, 99_999).map(lambda ticks: ticks / 1000),
    leverage=st.integers(1, 10).map(float),
    fee_ratio=st.sampled_from((0.0, 0.0002, 0.0005)),
    funding_ratio=st.sampled_from((0.0, -0.0001, 0.0003)),
)


@given(bookings, st.floats(0.8, 1.2))
def test_profit_is_freqtrades_profit(booking: Booking, move: float):
    rate = round(booking.open_rate * move, 6)

    ours = booking.profit_ratio(rate)

    assert ours == pytest.approx(host_trade(booking).calc_profit_ratio(rate), abs=1.01e-8)


@given(bookings, st.floats(0.005, 0.5))
def test_rate_of_a_profit_is_freqtrades_rate(booking: Booking, profit: float):
    theirs = host_trade(booking).calc_close_rate_for_roi(profit)

    assert booking.rate_worth(profit) == pytest.approx(theirs, rel=1e-12)


@given(st.floats(0.001, 100_000.0), st.sampled_from(TICKS))
def test_prices_are_put_on_the_grid_as_freqtrade_puts_them(rate: float, tick: float):
    assert nearest_tick(rate, tick) == price_to_precision(rate, tick, TICK_SIZE)
    for side, rounding in ((Side.LONG, ROUND_UP), (Side.SHORT, ROUND_DOWN)):
        theirs = price_to_precision(rate, tick, TICK_SIZE, rounding_mode=rounding)
        assert placed_stop(rate, side, tick) == pytest.approx(theirs, rel=1e-12)


def test_a_target_half_way_between_two_ticks_goes_the_way_the_margin_ratio_went():
    exits = ExitParameters(stop_loss=-0.03, take_profit=0.03)
    barriers = effective_barriers(exits, open_rate=0.385, side=Side.LONG, atr_ratio=None)
    booking = Booking(side=Side.LONG, open_rate=0.385, leverage=1.0, fee_ratio=0.0005)
    fills = freqtrade_fills(0.0001)

    plain = levels(barriers, Side.LONG, fills)
    booked = levels(barriers, Side.LONG, fills, booking=booking)

    assert barriers.target_rate == 0.39655
    # freqtrade 2026.9 booked 0.3965 for a backtested trade like this one.
    assert (plain.target_fill_rate, booked.target_fill_rate) == (0.3966, 0.3965)


@pytest.mark.parametrize("side", Side)
def test_a_target_that_noise_put_short_of_the_grid_stands_on_it(side: Side):
    fills = freqtrade_fills(0.01)
    for ticks in range(1_000, 3_000):
        open_rate = ticks / 100
        booking = Booking(side=side, open_rate=open_rate, leverage=3.0, fee_ratio=0.0005)
        exits = ExitParameters(stop_loss=-0.03, take_profit=0.05)
        barriers = effective_barriers(exits, open_rate=open_rate, side=side, atr_ratio=None)

        target = levels(barriers, side, fills, booking=booking).target_rate

        grid = round(100 * target) / 100
        if abs(target - grid) < 1e-9:
            assert side.sign * (grid - target) <= 0.0  # touching the grid price is not going beyond
