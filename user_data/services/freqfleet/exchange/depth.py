"""The order book: a deterministic ladder around the last price."""

from __future__ import annotations

import math

from freqfleet.exchange.markets import Market

# One basis point between levels, each a quarter deeper than the one before it: a book of a liquid pair.
LEVEL_STEP_RATIO = 0.0001
FIRST_LEVEL_QUOTE = 50_000.0
LEVEL_GROWTH = 1.25
_DEEPEST_GROWTH = 20  # levels; beyond it the size stays

Levels = list[list[str]]


def ladder(price: float, market: Market, *, levels: int) -> tuple[Levels, Levels]:
    """Return bids and asks, best first, as [price, quantity] texts; `levels` of each at most.

    price : the last price; it is the best bid, or lies less than one tick above it. The best ask is one
        tick higher. Levels that would cost nothing or less are left out.
    """
    tick = market.tick
    best_bid = math.floor(price / tick + 1e-6)
    step = max(1, round(price * LEVEL_STEP_RATIO / tick))
    bids = [best_bid - step * level for level in range(levels)]
    asks = [best_bid + 1 + step * level for level in range(levels)]
    return _side(bids, market), _side(asks, market)


def _side(ticks: list[int], market: Market) -> Levels:
    return [
        [market.price_text(count * market.tick), _quantity(count * market.tick, level, market)]
        for level, count in enumerate(ticks)
        if count > 0
    ]


def _quantity(price: float, level: int, market: Market) -> str:
    quote = FIRST_LEVEL_QUOTE * LEVEL_GROWTH ** min(level, _DEEPEST_GROWTH)
    return market.quantity_text(max(quote / price, 10.0**-market.quantity_decimals))
