"""Candles and trades of a world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from freqfleet.errors import InputError
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.testing.worlds.grid import CANDLES_A_DAY, CELLS, HOLD_CANDLES, STOPS, TARGETS

SIGMAS = (0.0018, 0.0025, 0.0034)  # of a 5m candle
COMMON_SHARE = 0.4
BURST_SHARE = 0.3
BURST_CANDLES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldMarket:
    """Prices (pairs, candles); the first candle opens at 1. sigmas : (pairs,)."""

    sigmas: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray

    @classmethod
    def grown(cls, rng: np.random.Generator, sigmas: FloatArray, *, days: int) -> WorldMarket:
        """Return a market of so many days, one pair per sigma."""
        from freqfleet.testing.worlds.kernels import grow  # noqa: PLC0415 - Numba is loaded when used

        shape = (len(sigmas), days * CANDLES_A_DAY)
        high, low, close = (np.empty(shape) for _ in range(3))
        grow(rng, sigmas, COMMON_SHARE, high, low, close)
        return cls(sigmas=sigmas, high=high, low=low, close=close)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trades:
    """Columns (pairs x per_pair,), grouped by pair, each pair's by entry.

    pair : row of the market. entry : the candle at whose close it was entered. side : +1 long, -1 short.
    latent : +1 or -1, which way a momentum edge carries it.
    """

    pair: IntArray
    entry: IntArray
    side: FloatArray
    latent: FloatArray


def draw_trades(
    rng: np.random.Generator, *, pairs: int, per_pair: int, days: int, burst_share: float = BURST_SHARE
) -> Trades:
    """Return random entries, a share of them in bursts that hit all pairs at once in one direction.

    Raises InputError where the days cannot hold one trade and its window.
    """
    last = days * CANDLES_A_DAY - 1 - HOLD_CANDLES
    if last < 1:
        raise InputError(f"{days} days cannot hold a trade of {HOLD_CANDLES} candles; take at least 2")
    shape = (pairs, per_pair)
    entry = rng.integers(0, last + 1, shape)
    side = np.where(rng.random(shape) < 0.5, 1.0, -1.0)
    latent = np.where(rng.random(shape) < 0.5, 1.0, -1.0)
    burst_at = rng.integers(0, last + 1, days)
    burst_side = np.where(rng.random(days) < 0.5, 1.0, -1.0)
    which = rng.integers(0, days, shape)
    delay = rng.integers(0, BURST_CANDLES + 1, shape)
    in_burst = rng.random(shape) < burst_share
    entry = np.where(in_burst, np.minimum(burst_at[which] + delay, last), entry)
    side = np.where(in_burst, burst_side[which], side)
    order = np.argsort(entry, axis=1, kind="stable")
    return Trades(
        pair=np.repeat(np.arange(pairs), per_pair),
        entry=np.take_along_axis(entry, order, axis=1).ravel(),
        side=np.take_along_axis(side, order, axis=1).ravel(),
        latent=np.take_along_axis(latent, order, axis=1).ravel(),
    )


def replayed(
    market: WorldMarket, trades: Trades, *, kind: IntArray, level: FloatArray, drift: FloatArray
) -> FloatArray:
    """Return (n, CELLS): what every trade earned in every cell, gross. kind, level, drift : (n,)."""
    from freqfleet.testing.worlds.kernels import walk  # noqa: PLC0415 - Numba is loaded when used

    profits = np.empty((len(trades.entry), CELLS))
    walk(
        market.high,
        market.low,
        market.close,
        trades.pair,
        trades.entry,
        trades.side,
        trades.latent,
        kind,
        level,
        drift,
        STOPS,
        TARGETS,
        HOLD_CANDLES,
        profits,
    )
    return profits
