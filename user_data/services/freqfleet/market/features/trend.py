"""Trend: does the market go one way, and for how long already? Five minutes to two days."""

from __future__ import annotations

import numpy as np
import talib

from freqfleet.market.arrays import FloatArray
from freqfleet.market.features.view import MarketView, lag, over, run_length

NAMES = (
    "trend_ema_12_26",
    "trend_ema_24_96",
    "trend_sma_144_576",
    "trend_close_ema_48",
    "trend_close_sma_288",
    "trend_slope_48",
    "trend_slope_288",
    "trend_straightness_96",
    "trend_adx_14",
    "trend_di_14",
    "trend_di_48",
    "trend_adx_change_14",
    "trend_aroon_25",
    "trend_aroon_100",
    "trend_above_ema_run",
)
"""Distances between averages, and slopes per candle, in ATR; the rest as TA-Lib scales it, over 100."""


def compute(view: MarketView) -> dict[str, FloatArray]:
    """Return the family's columns, shape (n_candles,) each."""
    high, low, close, atr = view.high, view.low, view.close, view.atr
    ema_48 = talib.EMA(close, 48)
    adx = talib.ADX(high, low, close, 14)
    rows = np.arange(len(close), dtype=np.float64)
    return {
        "trend_ema_12_26": over(talib.EMA(close, 12) - talib.EMA(close, 26), atr),
        "trend_ema_24_96": over(talib.EMA(close, 24) - talib.EMA(close, 96), atr),
        "trend_sma_144_576": over(talib.SMA(close, 144) - talib.SMA(close, 576), atr),
        "trend_close_ema_48": over(close - ema_48, atr),
        "trend_close_sma_288": over(close - talib.SMA(close, 288), atr),
        "trend_slope_48": over(talib.LINEARREG_SLOPE(close, 48), atr),
        "trend_slope_288": over(talib.LINEARREG_SLOPE(close, 288), atr),
        "trend_straightness_96": talib.CORREL(np.log(close), rows, 96),
        "trend_adx_14": adx / 100.0,
        "trend_di_14": (talib.PLUS_DI(high, low, close, 14) - talib.MINUS_DI(high, low, close, 14)) / 100.0,
        "trend_di_48": (talib.PLUS_DI(high, low, close, 48) - talib.MINUS_DI(high, low, close, 48)) / 100.0,
        "trend_adx_change_14": (adx - lag(adx, 12)) / 100.0,
        "trend_aroon_25": talib.AROONOSC(high, low, 25) / 100.0,
        "trend_aroon_100": talib.AROONOSC(high, low, 100) / 100.0,
        "trend_above_ema_run": np.clip(run_length(np.nan_to_num(close - ema_48)), -288.0, 288.0),
    }
