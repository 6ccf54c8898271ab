"""Markets: what exchangeInfo says of a pair, derived from its candles.

A datadir holds prices, not rules. The tick is the coarsest power of ten that all prices are multiples of;
the quantity step and the smallest order follow from the price level. Margins and fees need nothing here:
freqtrade reads its own leverage tiers when it does not trade for real, and ccxt knows the fees.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from freqfleet.market.arrays import FloatArray

# "Never delivered", as Binance writes it. freqtrade compares it with BTC's: another date = being delisted.
PERPETUAL_DELIVERY_MS = 4_133_404_800_000
SMALLEST_ORDER_QUOTE = 5
LARGEST_ORDER_QUANTITY = 10**9

_FINEST_TICK_DECIMALS = 10
_DIGITS_WITHOUT_TICK = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """The rules of one pair.

    price_decimals : the tick is 10**-price_decimals (0 = whole numbers).
    quantity_decimals : the same for amounts; one step is worth at most about 1 quote unit.
    tick_observed : False where the prices show no tick (synthetic data) and five digits were assumed.
    listed_ms : open time of the first candle, on the clock of the candles.
    """

    pair: str
    price_decimals: int
    quantity_decimals: int
    tick_observed: bool
    listed_ms: int

    @property
    def symbol(self) -> str:
        """The exchange's own name, `BTCUSDT`."""
        return symbol_of(self.pair)

    @property
    def tick(self) -> float:
        """The smallest step of the price."""
        return 10.0**-self.price_decimals

    def price_text(self, price: float) -> str:
        """Return `price` on the tick, as exchanges write numbers."""
        return f"{price:.{self.price_decimals}f}"

    def quantity_text(self, quantity: float) -> str:
        """Return `quantity` on its step."""
        return f"{quantity:.{self.quantity_decimals}f}"


def symbol_of(pair: str) -> str:
    """Return the exchange's name of a pair: `BTC/USDT:USDT` is `BTCUSDT`."""
    return pair.partition(":")[0].replace("/", "")


def market_of(pair: str, ohlcv: FloatArray, listed_ms: int) -> Market:
    """Derive the rules of a pair from its candles, shape (n >= 1, 5)."""
    prices = np.unique(ohlcv[:, :4])
    decimals = observed_decimals(prices)
    middle = float(np.median(prices))
    assumed = max(0, _DIGITS_WITHOUT_TICK - 1 - math.floor(math.log10(middle)))
    return Market(
        pair=pair,
        price_decimals=assumed if decimals is None else decimals,
        quantity_decimals=max(0, math.ceil(math.log10(middle))),
        tick_observed=decimals is not None,
        listed_ms=listed_ms,
    )


def observed_decimals(prices: FloatArray) -> int | None:
    """Return how many decimals these prices use, None where they are not on any tick of up to 10."""
    for decimals in range(_FINEST_TICK_DECIMALS + 1):
        steps = prices * 10.0**decimals
        # Half a thousandth of a tick is far above the rounding of float64 and far below a real price.
        if np.all(np.abs(steps - np.round(steps)) < 5e-4):
            return decimals
    return None


def exchange_info_row(market: Market) -> dict[str, Any]:
    """Return the entry of exchangeInfo for one market, with the keys that ccxt and freqtrade read."""
    base, _, rest = market.pair.partition("/")
    quote, _, margin = rest.partition(":")
    tick = market.price_text(market.tick)
    step = market.quantity_text(10.0**-market.quantity_decimals)
    lot = {"stepSize": step, "minQty": step, "maxQty": str(LARGEST_ORDER_QUANTITY)}
    return {
        "symbol": market.symbol,
        "pair": market.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": PERPETUAL_DELIVERY_MS,
        "onboardDate": market.listed_ms,
        "status": "TRADING",
        "baseAsset": base,
        "quoteAsset": quote,
        "marginAsset": margin or quote,
        "pricePrecision": market.price_decimals,
        "quantityPrecision": market.quantity_decimals,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": tick, "minPrice": tick, "maxPrice": "1000000000"},
            {"filterType": "LOT_SIZE", **lot},
            {"filterType": "MARKET_LOT_SIZE", **lot},
            {"filterType": "MIN_NOTIONAL", "notional": str(SMALLEST_ORDER_QUOTE)},
        ],
        "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }
