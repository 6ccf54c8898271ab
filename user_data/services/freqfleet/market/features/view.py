"""MarketView: one pair's candles as the arrays that feature families read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import talib

from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.market.indicators import atr_ratio

MIN_ATR_RATIO = 1e-5
"""Below a thousandth of a percent of the price a candle holds ticks, not moves."""

CONTEXT_COLUMNS = ("leader_close", "leader_volume", "funding_rate", "funding_day", "funding_z", "basis_ratio")
"""What other series say of a candle; `market.features.context` writes them, NaN where nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarketView:
    """The candles of one pair; all arrays have shape (n_candles,), oldest first.

    time_ms : when each candle opens, milliseconds since 1970-01-01 UTC.
    open, high, low, close : quote prices, finite and above 0. volume : NaN where it is not known.
    atr : ATR(14) in quote price; NaN in its warm-up and where nothing moves: what is measured in it is
        NaN there too.
    traded : the volume, 0 where it is not known, for indicators that would carry a NaN on for ever.
    returns : log return of each candle's close; 0 for the first.
    context : one array for each of CONTEXT_COLUMNS.
    """

    time_ms: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    context: dict[str, FloatArray]
    atr: FloatArray = field(init=False)
    traded: FloatArray = field(init=False)
    returns: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        ratio = atr_ratio(self.high, self.low, self.close)
        atr = np.where(ratio >= MIN_ATR_RATIO, ratio * self.close, np.nan)
        returns = np.diff(np.log(self.close), prepend=np.log(self.close[:1]))
        for name, values in (
            ("atr", atr),
            ("traded", np.nan_to_num(self.volume, nan=0.0)),
            ("returns", returns),
        ):
            object.__setattr__(self, name, values)

    def __len__(self) -> int:
        return len(self.close)


def view_of(candles: pd.DataFrame) -> MarketView:
    """Return a view of a candle frame: `date` (aware, the candle's open), open … volume, and any context.

    A context column that the frame does not have is NaN throughout.
    """
    missing = np.full(len(candles), np.nan)

    def column(name: str) -> FloatArray:
        if name not in candles.columns:
            return missing
        return np.ascontiguousarray(candles[name].to_numpy(dtype=np.float64, na_value=np.nan))

    return MarketView(
        time_ms=candles["date"].to_numpy("datetime64[ms]").astype(np.int64),
        **{name: column(name) for name in ("open", "high", "low", "close", "volume")},
        context={name: column(name) for name in CONTEXT_COLUMNS},
    )


# -- windows over a series; value t uses candles up to and including t ------------------------------


def lag(values: FloatArray, candles: int) -> FloatArray:
    """Return the value `candles` ago, NaN before there is one."""
    shifted = np.full(values.shape, np.nan)
    shifted[candles:] = values[:-candles]
    return shifted


def mean(values: FloatArray, window: int) -> FloatArray:
    """Return the mean of the last `window` values; a NaN counts for nothing, half of them must be known."""
    return np.asarray(_rolling(values, window).mean(), dtype=np.float64)


def deviation(values: FloatArray, window: int) -> FloatArray:
    """Return the standard deviation of the last `window` values; NaN as in `mean`."""
    return np.asarray(_rolling(values, window).std(), dtype=np.float64)


def z_score(values: FloatArray, window: int) -> FloatArray:
    """Return how many standard deviations the last value lies above the window's mean."""
    return over(values - mean(values, window), deviation(values, window))


def position(values: FloatArray, window: int) -> FloatArray:
    """Return where the last value lies between the window's lowest, 0, and highest, 1. No NaN inside."""
    lowest, highest = talib.MIN(values, window), talib.MAX(values, window)
    return over(values - lowest, highest - lowest)


def correlation(one: FloatArray, other: FloatArray, window: int) -> FloatArray:
    """Return Pearson's correlation over the last `window` values, NaN where one of them stands still."""
    product = mean(one * other, window) - mean(one, window) * mean(other, window)
    return np.clip(over(product, deviation(one, window) * deviation(other, window)), -1.0, 1.0)


def over(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Return the quotient; NaN where the denominator is 0, or too small to be more than rounding."""
    usable = np.abs(denominator) > 1e-12
    divided: FloatArray = np.divide(
        numerator, denominator, out=np.full(numerator.shape, np.nan), where=usable
    )
    return divided


def run_length(condition: FloatArray) -> FloatArray:
    """Return how many candles in a row, up to this one, the sign of `condition` has been what it is.

    Positive for runs above 0, negative for runs below; 0 where the value is 0.
    """
    sign = np.sign(condition)
    rows = np.arange(len(sign))
    starts = np.concatenate([[True], sign[1:] != sign[:-1]])
    began = np.maximum.accumulate(np.where(starts, rows, 0))
    runs: FloatArray = sign * (rows - began + 1.0)
    return runs


def _rolling(values: FloatArray, window: int) -> Any:
    return pd.Series(values).rolling(window, min_periods=max(2, window // 2))
