"""Candles and funding rates of one pair, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from freqfleet.errors import MarketError
from freqfleet.market.arrays import FloatArray, IntArray

PRICE_COLUMNS = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class Gap:
    """Candles that are not there: `missing` of them, the first one would open at `from_ms`."""

    from_ms: int
    missing: int


# eq=False: arrays do not compare to one truth value, and nobody asks whether two years are equal.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candles:
    """One pair's candles, oldest first; all arrays have shape (n_candles,) and are read-only.

    time_ms : when each candle opens, milliseconds since 1970-01-01 UTC.
    open, high, low, close : prices in quote currency.
    volume : in base currency.

    From `CandleFiles.load` there is no NaN, and times rise on the timeframe's grid; gaps may be there.
    """

    pair: str
    timeframe_ms: int
    time_ms: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray

    def __post_init__(self) -> None:
        for name in ("time_ms", *PRICE_COLUMNS, "volume"):
            column = getattr(self, name)
            if column.shape != self.time_ms.shape:
                raise MarketError(
                    f"{self.pair}: {name} must have as many rows as time_ms, {len(self.time_ms)}, "
                    f"had {len(column)}"
                )
            column.setflags(write=False)

    def __len__(self) -> int:
        return len(self.time_ms)

    def gaps(self) -> list[Gap]:
        """Return the holes between the first and the last candle, oldest first. A gap is no error."""
        steps = np.diff(self.time_ms)
        holes = np.flatnonzero(steps > self.timeframe_ms)
        return [
            Gap(
                from_ms=int(self.time_ms[hole]) + self.timeframe_ms,
                missing=int(-(-steps[hole] // self.timeframe_ms)) - 1,
            )
            for hole in holes
        ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Funding:
    """One pair's funding rates, oldest first; arrays of shape (n_events,), read-only, no NaN.

    time_ms : the full hour at which the rate was settled (files carry some milliseconds more).
    rate : ratio of the position's value; above 0 longs pay shorts.
    timeframe : `1h` or `8h`, the file it came from. freqtrade itself reads only `1h`.
    """

    pair: str
    timeframe: str
    time_ms: IntArray
    rate: FloatArray

    def __post_init__(self) -> None:
        self.time_ms.setflags(write=False)
        self.rate.setflags(write=False)

    def __len__(self) -> int:
        return len(self.time_ms)
