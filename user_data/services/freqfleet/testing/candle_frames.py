"""Frames of candles for tests, as freqtrade hands them to populate_indicators."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from freqfleet.market.arrays import FloatArray
from freqfleet.market.features.context import candle_frame
from freqfleet.market.features.view import CONTEXT_COLUMNS

__all__ = ["candle_frame", "candles_from_closes", "mirrored", "random_walk_candles", "with_made_up_context"]

START = datetime(2025, 1, 1, tzinfo=UTC)
CANDLE_MINUTES = 5


def candles_from_closes(
    closes: Sequence[float], *, spread_ratio: float = 0.0005, volume: float = 1000.0
) -> pd.DataFrame:
    """Return 5m candles with these closes; each opens at the close before it.

    spread_ratio : how far high and low reach beyond the body, as a ratio of price. 0 leaves only bodies.
    """
    close = np.asarray(closes, dtype=np.float64)
    open_ = np.concatenate([close[:1], close[:-1]])
    return _frame(
        open_=open_,
        high=np.maximum(open_, close) * (1.0 + spread_ratio),
        low=np.minimum(open_, close) * (1.0 - spread_ratio),
        close=close,
        volume=np.full(close.shape, volume),
    )


def random_walk_candles(
    rng: np.random.Generator,
    candle_count: int,
    *,
    start_price: float = 100.0,
    sigma_ratio: float = 0.002,
    drift_ratio: float = 0.0,
) -> pd.DataFrame:
    """Return a market without memory whose volatility and activity come in waves.

    sigma_ratio, drift_ratio : standard deviation and mean of a candle's return, as ratios of price.
    """
    waves = np.exp(0.6 * np.sin(np.arange(candle_count) / 40.0) + rng.normal(0.0, 0.2, candle_count))
    returns = drift_ratio + sigma_ratio * waves * rng.standard_normal(candle_count)
    close = start_price * np.exp(np.cumsum(returns))
    open_ = np.concatenate([[start_price], close[:-1]])
    reach = sigma_ratio * waves * rng.exponential(0.5, (2, candle_count))
    return _frame(
        open_=open_,
        high=np.maximum(open_, close) * (1.0 + reach[0]),
        low=np.minimum(open_, close) * (1.0 - reach[1]),
        close=close,
        volume=1000.0 * waves * rng.lognormal(0.0, 0.5, candle_count),
    )


def with_made_up_context(candles: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return `candles` with a leader that moves with them now and then, funding rates and a basis."""
    count = len(candles)
    close = candles["close"].to_numpy(dtype=np.float64)
    returns = np.diff(np.log(close), prepend=np.log(close[:1]))
    leader = 1000.0 * np.exp(np.cumsum(0.5 * returns + 0.001 * rng.standard_normal(count)))
    settled = np.arange(count) // 96
    rates = 1e-4 * rng.standard_normal(settled[-1] + 1 if count else 1)
    made_up = {
        "leader_close": leader,
        "leader_volume": rng.lognormal(5.0, 0.5, count),
        "funding_rate": rates[settled],
        "funding_day": 3.0 * rates[settled],
        "funding_z": rates[settled] / 1e-4,
        "basis_ratio": 1e-4 * np.sin(np.arange(count) / 50.0),
    }
    return candles.assign(**{name: made_up[name] for name in CONTEXT_COLUMNS})


def mirrored(candles: pd.DataFrame) -> pd.DataFrame:
    """Return the same market upside down around its first open: rises become falls of the same size.

    The moves must stay below that price, or the mirror image would be negative.
    """
    twice_start = 2.0 * candles["open"].iloc[0]
    return candles.assign(
        open=twice_start - candles["open"],
        high=twice_start - candles["low"],
        low=twice_start - candles["high"],
        close=twice_start - candles["close"],
    )


def _frame(
    *, open_: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray
) -> pd.DataFrame:
    dates = pd.date_range(START, periods=len(close), freq=f"{CANDLE_MINUTES}min", unit="ms")
    return pd.DataFrame(
        {"date": dates, "open": open_, "high": high, "low": low, "close": close, "volume": volume}
    )
