"""Reversion: how far has the market run from where it usually is, and does it give way?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import talib

from freqfleet.market.arrays import FloatArray
from freqfleet.market.features.view import MarketView, over, position, z_score
from freqfleet.market.timeframes import DAY_MS

NAMES = (
    "reversion_rsi_2",
    "reversion_rsi_7",
    "reversion_rsi_14",
    "reversion_rsi_low_12",
    "reversion_rsi_high_12",
    "reversion_stoch_rsi",
    "reversion_stoch_14",
    "reversion_cci_20",
    "reversion_z_20",
    "reversion_z_100",
    "reversion_z_288",
    "reversion_day_vwap",
    "reversion_from_low_12",
    "reversion_from_high_12",
    "reversion_from_low_48",
    "reversion_from_high_48",
)
"""Oscillators within 0..1 (CCI in hundreds), distances in ATR or standard deviations."""


def compute(view: MarketView) -> dict[str, FloatArray]:
    """Return the family's columns, shape (n_candles,) each."""
    high, low, close, atr = view.high, view.low, view.close, view.atr
    rsi = talib.RSI(close, 14) / 100.0
    fast = talib.RSI(close, 7) / 100.0
    return {
        "reversion_rsi_2": talib.RSI(close, 2) / 100.0,
        "reversion_rsi_7": fast,
        "reversion_rsi_14": rsi,
        "reversion_rsi_low_12": talib.MIN(fast, 12),
        "reversion_rsi_high_12": talib.MAX(fast, 12),
        "reversion_stoch_rsi": position(rsi, 14),
        "reversion_stoch_14": over(close - talib.MIN(low, 14), talib.MAX(high, 14) - talib.MIN(low, 14)),
        "reversion_cci_20": talib.CCI(high, low, close, 20) / 100.0,
        "reversion_z_20": z_score(close, 20),
        "reversion_z_100": z_score(close, 100),
        "reversion_z_288": z_score(close, 288),
        "reversion_day_vwap": over(close - day_vwap(view), atr),
        "reversion_from_low_12": over(close - talib.MIN(low, 12), atr),
        "reversion_from_high_12": over(close - talib.MAX(high, 12), atr),
        "reversion_from_low_48": over(close - talib.MIN(low, 48), atr),
        "reversion_from_high_48": over(close - talib.MAX(high, 48), atr),
    }


def day_vwap(view: MarketView) -> FloatArray:
    """Return the volume-weighted price since midnight UTC; NaN until something was traded that day."""
    typical = (view.high + view.low + view.close) / 3.0
    day = view.time_ms // DAY_MS
    sums = pd.DataFrame({"paid": typical * view.traded, "traded": view.traded}).groupby(day).cumsum()
    return over(np.asarray(sums["paid"]), np.asarray(sums["traded"]))
