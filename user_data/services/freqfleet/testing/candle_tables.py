"""Candles written as an aligned table, so that a test can be read like a chart."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import feather

from freqfleet.clock import to_ms
from freqfleet.market.series import PRICE_COLUMNS, Candles
from freqfleet.market.timeframes import MINUTE_MS

TABLE_START = datetime(2025, 11, 1, tzinfo=UTC)
TABLE_COLUMNS = ("minute", *PRICE_COLUMNS, "volume")


def candle_table(
    text: str, *, pair: str = "BTC/USDT:USDT", start: datetime = TABLE_START, candle_minutes: int = 5
) -> Candles:
    """Read candles from a table with the header `minute open high low close volume`.

    minute : when the candle opens, counted from `start`. Nothing is checked: broken tables are wanted too.
    """
    header, *lines = [line.split() for line in text.strip().splitlines()]
    assert tuple(header) == TABLE_COLUMNS, f"the header must be {TABLE_COLUMNS}, was {header}"
    columns = np.array([[float(cell) for cell in line] for line in lines]).reshape(-1, len(header)).T.copy()
    return Candles(
        pair=pair,
        timeframe_ms=candle_minutes * MINUTE_MS,
        time_ms=to_ms(start) + np.round(columns[0] * MINUTE_MS).astype(np.int64),
        **dict(zip(TABLE_COLUMNS[1:], columns[1:], strict=True)),
    )


def write_candles(path: Path, candles: Candles, *, compression: str = "lz4") -> None:
    """Write candles as a feather file exactly as they are, with every flaw they have."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            "date": pa.array(candles.time_ms).cast(pa.timestamp("ms", tz="UTC")),
            **{name: getattr(candles, name) for name in (*PRICE_COLUMNS, "volume")},
        }
    )
    feather.write_feather(table, str(path), compression=compression)


def write_funding(path: Path, time_ms: list[int], rate: list[float], *, old_layout: bool = False) -> None:
    """Write funding rates as freqtrade 2026.9 does, or as candles with the rate in `open` (before)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    date = pa.array(time_ms, pa.int64()).cast(pa.timestamp("ms", tz="UTC"))
    zeros = [0.0] * len(rate)
    names = ("open", "high", "low", "close", "volume") if old_layout else ("funding_rate",)
    values = {name: pa.array(rate if index == 0 else zeros, pa.float64()) for index, name in enumerate(names)}
    feather.write_feather(pa.table({"date": date, **values}), str(path), compression="lz4")
