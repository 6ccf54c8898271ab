"""Breakout: where does the close lie in the range of the last hours and days, and did it leave it?"""

from __future__ import annotations

import numpy as np
import talib

from freqfleet.market.arrays import FloatArray
from freqfleet.market.features.view import MarketView, lag, mean, over

NAMES = (
    "breakout_position_48",
    "breakout_position_288",
    "breakout_position_576",
    "breakout_above_24",
    "breakout_below_24",
    "breakout_above_96",
    "breakout_below_96",
    "breakout_expansion",
    "breakout_activity",
    "breakout_since_high_96",
    "breakout_since_low_96",
    "breakout_channel_48_288",
)
"""Positions 0..1, distances beyond the range of the candles before in ATR, ages in candles over 96."""


def compute(view: MarketView) -> dict[str, FloatArray]:
    """Return the family's columns, shape (n_candles,) each."""
    high, low, close, atr = view.high, view.low, view.close, view.atr
    highest = {window: talib.MAX(high, window) for window in (24, 48, 96, 288, 576)}
    lowest = {window: talib.MIN(low, window) for window in (24, 48, 96, 288, 576)}
    width = {window: highest[window] - lowest[window] for window in (48, 288, 576)}
    rows = np.arange(len(close), dtype=np.float64)
    expansion = over(talib.TRANGE(high, low, close), lag(atr, 1))
    return {
        **{
            f"breakout_position_{window}": over(close - lowest[window], width[window])
            for window in (48, 288, 576)
        },
        "breakout_above_24": over(close - lag(highest[24], 1), atr),
        "breakout_below_24": over(lag(lowest[24], 1) - close, atr),
        "breakout_above_96": over(close - lag(highest[96], 1), atr),
        "breakout_below_96": over(lag(lowest[96], 1) - close, atr),
        "breakout_expansion": expansion,
        "breakout_activity": over(view.volume, lag(mean(view.volume, 48), 1)),
        "breakout_since_high_96": (rows - talib.MAXINDEX(high, 96)) / 96.0,
        "breakout_since_low_96": (rows - talib.MININDEX(low, 96)) / 96.0,
        "breakout_channel_48_288": over(width[48], width[288]),
    }
