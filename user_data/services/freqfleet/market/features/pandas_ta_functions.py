"""What we use of pandas_ta, imported once.

Its source has escape sequences that Python warns of when it compiles them, which is once per
installation: whoever treats warnings as errors would fail on the first import and on no later one.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from freqfleet.market.arrays import FloatArray

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pandas_ta


def chaikin_money_flow(
    high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray, length: int
) -> FloatArray:
    """Return Chaikin's money flow, within -1..1; NaN in the first `length` - 1 rows."""
    series = (pd.Series(one) for one in (high, low, close, volume))
    return _plain(pandas_ta.cmf(*series, length=length), len(close))


def elder_force(close: FloatArray, volume: FloatArray, length: int) -> FloatArray:
    """Return Elder's force index: an average of price change times volume."""
    return _plain(pandas_ta.efi(pd.Series(close), pd.Series(volume), length=length), len(close))


def efficiency_ratio(close: FloatArray, length: int) -> FloatArray:
    """Return Kaufman's efficiency: the way from start to end over the way walked, 0..1."""
    return _plain(pandas_ta.er(pd.Series(close), length=length), len(close))


def _plain(values: pd.Series | None, candle_count: int) -> FloatArray:
    """Return an array; pandas_ta answers None where there are too few candles."""
    if values is None:
        return np.full(candle_count, np.nan)
    return np.asarray(values, dtype=np.float64)
