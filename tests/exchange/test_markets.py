"""What a pair's prices say about its rules."""

from __future__ import annotations

import numpy as np
import pytest

from freqfleet.exchange.history import FeatherHistory
from freqfleet.exchange.markets import (
    PERPETUAL_DELIVERY_MS,
    exchange_info_row,
    market_of,
    observed_decimals,
    symbol_of,
)
from realdata import market_dir


@pytest.mark.parametrize(
    ("prices", "decimals"),
    [
        ([60_000.0, 60_010.0], 0),
        ([111_500.1, 94_544.9], 1),
        ([0.1 + 0.2, 0.25], 2),  # 0.30000000000000004 is 0.3
        ([0.010411, 0.0105], 6),
        ([1 / 3, 2 / 7], None),
    ],
)
def test_the_tick_is_seen_in_the_prices(prices: list[float], decimals: int | None) -> None:
    assert observed_decimals(np.array(prices)) == decimals


@pytest.mark.parametrize(
    ("level", "price_decimals", "quantity_decimals"),
    [(61_234.567891234, 0, 5), (3.123456789123, 4, 1), (0.0123456789123, 6, 0)],
)
def test_prices_without_a_tick_get_five_digits(
    level: float, price_decimals: int, quantity_decimals: int
) -> None:
    rng = np.random.default_rng(3)
    ohlcv = level * (1 + rng.uniform(0.0, 0.01, (50, 5)))

    market = market_of("ETH/USDT:USDT", ohlcv, listed_ms=0)

    assert not market.tick_observed
    assert (market.price_decimals, market.quantity_decimals) == (price_decimals, quantity_decimals)


def test_an_exchange_info_row_has_what_ccxt_and_freqtrade_read() -> None:
    ohlcv = np.array([[60_000.1, 60_000.5, 59_999.9, 60_000.0, 12.0]])

    row = exchange_info_row(market_of("BTC/USDT:USDT", ohlcv, listed_ms=1_700_000_000_000))

    filters = {entry["filterType"]: entry for entry in row["filters"]}
    assert (row["symbol"], row["baseAsset"], row["quoteAsset"]) == ("BTCUSDT", "BTC", "USDT")
    assert (row["marginAsset"], row["status"], row["contractType"]) == ("USDT", "TRADING", "PERPETUAL")
    assert (row["deliveryDate"], row["onboardDate"]) == (PERPETUAL_DELIVERY_MS, 1_700_000_000_000)
    assert filters["PRICE_FILTER"]["tickSize"] == "0.1"
    assert filters["LOT_SIZE"]["stepSize"] == "0.00001"
    assert filters["MIN_NOTIONAL"]["notional"] == "5"


def test_symbols_are_what_the_exchange_calls_pairs() -> None:
    assert symbol_of("1000SHIB/USDT:USDT") == "1000SHIBUSDT"


@pytest.mark.parametrize(
    ("pair", "decimals"), [("BTC/USDT:USDT", 1), ("TRX/USDT:USDT", 5), ("1000SHIB/USDT:USDT", 6)]
)
def test_real_candles_show_their_tick(pair: str, decimals: int) -> None:
    bars = FeatherHistory(market_dir("ci")).last_price(pair, "5m")

    market = market_of(pair, bars.ohlcv, listed_ms=0)

    assert (market.price_decimals, market.tick_observed) == (decimals, True)
