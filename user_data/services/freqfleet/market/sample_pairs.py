"""The real futures pairs whose names the sample market borrows, so that freqtrade knows their leverage."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ListedPair:
    """A real futures pair whose name a made-up series borrows.

    start_price : in quote currency; price_decimals : the tick is 10**-price_decimals.
    daily_turnover : in quote currency.
    """

    pair: str
    start_price: float
    price_decimals: int
    daily_turnover: float


SAMPLE_PAIRS = (
    ListedPair("BTC/USDT:USDT", 110_000.0, 1, 15e9),
    ListedPair("ETH/USDT:USDT", 3_900.0, 2, 12e9),
    ListedPair("SOL/USDT:USDT", 190.0, 3, 4e9),
    ListedPair("XRP/USDT:USDT", 2.5, 4, 2e9),
    ListedPair("DOGE/USDT:USDT", 0.19, 5, 1.5e9),
    ListedPair("ADA/USDT:USDT", 0.62, 5, 6e8),
    ListedPair("AVAX/USDT:USDT", 19.0, 3, 4e8),
    ListedPair("LINK/USDT:USDT", 17.5, 3, 5e8),
    ListedPair("TRX/USDT:USDT", 0.3, 5, 2e8),
    ListedPair("SUI/USDT:USDT", 2.4, 4, 9e8),
    ListedPair("WLD/USDT:USDT", 0.85, 5, 3e8),
    ListedPair("ARB/USDT:USDT", 0.31, 5, 2e8),
    ListedPair("NEAR/USDT:USDT", 2.2, 4, 3e8),
    ListedPair("LTC/USDT:USDT", 97.0, 3, 4e8),
    ListedPair("BCH/USDT:USDT", 540.0, 2, 3e8),
    ListedPair("BNB/USDT:USDT", 1_090.0, 2, 2e9),
    ListedPair("DOT/USDT:USDT", 3.0, 4, 2e8),
    ListedPair("UNI/USDT:USDT", 6.1, 4, 3e8),
    ListedPair("AAVE/USDT:USDT", 225.0, 3, 3e8),
    ListedPair("APT/USDT:USDT", 3.3, 4, 2e8),
    ListedPair("FIL/USDT:USDT", 1.6, 4, 2e8),
    ListedPair("OP/USDT:USDT", 0.44, 5, 2e8),
    ListedPair("ATOM/USDT:USDT", 3.1, 4, 1e8),
    ListedPair("XLM/USDT:USDT", 0.3, 5, 2e8),
)
