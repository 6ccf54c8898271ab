"""The order book is a ladder around the last price."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.exchange.depth import FIRST_LEVEL_QUOTE, ladder
from freqfleet.exchange.markets import Market


def market(price_decimals: int, quantity_decimals: int = 3) -> Market:
    return Market(
        pair="BTC/USDT:USDT",
        price_decimals=price_decimals,
        quantity_decimals=quantity_decimals,
        tick_observed=True,
        listed_ms=0,
    )


def test_the_last_price_is_the_best_bid_and_the_ask_is_a_tick_higher() -> None:
    bids, asks = ladder(60_000.1, market(1), levels=3)

    assert [price for price, _ in bids] == ["60000.1", "59994.1", "59988.1"]
    assert [price for price, _ in asks] == ["60000.2", "60006.2", "60012.2"]


@given(ticks=st.integers(1, 10**7), decimals=st.integers(0, 6), levels=st.integers(1, 50))
def test_books_are_never_crossed_and_always_priced(ticks: int, decimals: int, levels: int) -> None:
    price = ticks * 10.0**-decimals

    bids, asks = ladder(price, market(decimals), levels=levels)

    bid_prices, ask_prices = ([float(row[0]) for row in side] for side in (bids, asks))
    assert bid_prices[0] == pytest.approx(price)
    assert bid_prices == sorted(set(bid_prices), reverse=True)
    assert ask_prices == sorted(set(ask_prices))
    assert bid_prices[-1] > 0 < ask_prices[0] - bid_prices[0]
    assert all(float(quantity) > 0 for _, quantity in bids + asks)


def test_the_first_level_takes_a_usual_order() -> None:
    (_, quantity), *_ = ladder(50_000.0, market(1), levels=1)[0]

    assert float(quantity) * 50_000.0 == pytest.approx(FIRST_LEVEL_QUOTE)
