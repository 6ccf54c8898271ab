"""How a move in prices becomes a confidence: measured in ATR, then ramped to 0..1.

Measuring in ATR makes a rule mean the same on BTC and on a coin that costs a hundredth of a cent, on a
quiet Sunday and in a crash.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from freqfleet.market.arrays import FloatArray
from freqfleet.market.indicators import atr_ratio
from freqfleet.signals.candles import column

# Below a thousandth of a percent of the price a candle holds ticks, not moves: an ATR that small (a market
# that stands still, a filled gap) would blow rounding errors up to strong signals.
MIN_ATR_RATIO = 1e-5


def atr_yardstick(candles: pd.DataFrame) -> FloatArray:
    """Return ATR(14) in quote price, shape (n_candles,); NaN in its warm-up and where nothing moves.

    Dividing by it turns a price difference into multiples of the usual candle. A NaN yardstick makes
    the feeder abstain.
    """
    close = column(candles, "close")
    ratio = atr_ratio(column(candles, "high"), column(candles, "low"), close)
    return np.where(ratio >= MIN_ATR_RATIO, ratio * close, np.nan)


def ramp(values: FloatArray, *, nothing: float, full: float) -> FloatArray:
    """Return 0 up to `nothing`, 1 from `full` on, straight in between; NaN stays NaN.

    The vote threshold of 0.5 is half way: `ramp(adx, nothing=10, full=30)` votes from an ADX of 20.
    """
    return np.clip((values - nothing) / (full - nothing), 0.0, 1.0)


def weakest(*confidences: FloatArray) -> FloatArray:
    """Return the smallest confidence of each candle: a rule is as sure as its weakest condition.

    NaN in one condition is NaN in the result: a rule that lacks one of its measurements abstains.
    """
    smallest: FloatArray = np.minimum.reduce(confidences)
    return smallest


def abstaining_first(confidences: FloatArray, candle_count: int) -> FloatArray:
    """Return `confidences` with NaN in the first `candle_count` rows."""
    held_back = confidences.copy()
    held_back[:candle_count] = np.nan
    return held_back
