"""A seeded market in freqtrade's layout."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

FIRST = datetime(2025, 3, 1, tzinfo=UTC)
LEVELS = {"BTC/USDT:USDT": (60_000.0, 1), "ETH/USDT:USDT": (3_000.0, 2)}  # price level, decimals


def write_market(datadir: Path, *, days: int, seed: int = 11, first: datetime = FIRST) -> Path:
    """Write 5m candles, 1h marks and 8h funding of BTC and ETH with freqtrade's own data handler.

    Returns `datadir`.
    """
    from freqtrade.data.history.datahandlers import get_datahandler
    from freqtrade.enums import CandleType

    (datadir / "futures").mkdir(parents=True)
    handler = get_datahandler(datadir, "feather")
    rng = np.random.default_rng(seed)
    for pair, (level, decimals) in LEVELS.items():
        candles = _walk(rng, first, days * 288, level, decimals)
        handler.ohlcv_store(pair, "5m", candles, CandleType.FUTURES)
        hourly = candles.iloc[::12].assign(volume=0.0).reset_index(drop=True)
        handler.ohlcv_store(pair, "1h", hourly, CandleType.MARK)
        events = pd.DataFrame({"date": hourly["date"].iloc[::8], "funding_rate": 0.0001}).reset_index(
            drop=True
        )
        handler.ohlcv_store(pair, "1h", events, CandleType.FUNDING_RATE)
    return datadir


def write_plain_market(datadir: Path, *, days: int, seed: int = 11, first: datetime = FIRST) -> Path:
    """Write 5m candles only, without freqtrade, which takes seconds to import; return `datadir`."""
    (datadir / "futures").mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for pair, (level, decimals) in LEVELS.items():
        name = pair.replace("/", "_").replace(":", "_")
        candles = _walk(rng, first, days * 288, level, decimals)
        candles.to_feather(datadir / "futures" / f"{name}-5m-futures.feather")
    return datadir


def _walk(rng: np.random.Generator, first: datetime, rows: int, level: float, decimals: int) -> pd.DataFrame:
    close = level * np.exp(np.cumsum(rng.normal(0.0, 0.002, rows)))
    opened = np.append(level, close[:-1])
    reach = level * np.abs(rng.normal(0.0, 0.001, (2, rows)))
    return pd.DataFrame(
        {
            "date": pd.date_range(first, periods=rows, freq="5min").as_unit("ms"),
            "open": opened.round(decimals),
            "high": (np.maximum(opened, close) + reach[0]).round(decimals),
            "low": (np.minimum(opened, close) - reach[1]).round(decimals),
            "close": close.round(decimals),
            "volume": rng.uniform(10.0, 100.0, rows).round(3),
        }
    )
