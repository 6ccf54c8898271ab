"""Volatility: how much does the market move, against how much it usually does? Knows no direction."""

from __future__ import annotations

import math

import numpy as np
import talib

from freqfleet.market.arrays import FloatArray
from freqfleet.market.features.view import MarketView, deviation, lag, mean, over, position

NAMES = (
    "atr_ratio",
    "volatility_natr_14_96",
    "volatility_sigma_12_96",
    "volatility_sigma_24_288",
    "volatility_sigma_288_576",
    "volatility_band_width_20",
    "volatility_band_position_288",
    "volatility_squeeze_20",
    "volatility_range_rank_48",
    "volatility_narrowest_7",
    "volatility_parkinson_24",
    "volatility_garman_klass_24",
    "volatility_of_volatility_96",
    "volatility_asymmetry_96",
)
"""Ratios; `atr_ratio` is ATR(14) over the close, NaN where nothing moves: no feeder speaks there."""


def compute(view: MarketView) -> dict[str, FloatArray]:
    """Return the family's columns, shape (n_candles,) each."""
    open_, high, low, close, atr = view.open, view.high, view.low, view.close, view.atr
    true_range = _true_range(view)
    sigma = {window: deviation(view.returns, window) for window in (12, 24, 96, 288, 576)}
    # Not TA-Lib's: it takes a variance below 1e-14 for none, and some coins cost that little.
    width = over(deviation(close, 20), close)
    log_range = np.log(high / low)
    body = np.log(close / open_)
    garman_klass = np.maximum(0.5 * log_range**2 - (2.0 * math.log(2.0) - 1.0) * body**2, 0.0)
    rises = np.where(view.returns > 0.0, view.returns**2, 0.0)
    return {
        "atr_ratio": atr / close,
        "volatility_natr_14_96": over(atr, mean(true_range, 96)),
        "volatility_sigma_12_96": over(sigma[12], sigma[96]),
        "volatility_sigma_24_288": over(sigma[24], sigma[288]),
        "volatility_sigma_288_576": over(sigma[288], sigma[576]),
        "volatility_band_width_20": over(width * close, atr),
        "volatility_band_position_288": position(np.nan_to_num(width), 288),
        "volatility_squeeze_20": over(2.0 * width * close, 1.5 * mean(true_range, 20)),
        "volatility_range_rank_48": position(true_range, 48),
        "volatility_narrowest_7": over(true_range, talib.MAX(true_range, 7)),
        "volatility_parkinson_24": over(np.sqrt(mean(log_range**2, 24) / (4.0 * math.log(2.0))), sigma[24]),
        "volatility_garman_klass_24": over(np.sqrt(mean(garman_klass, 24)), sigma[288]),
        "volatility_of_volatility_96": over(deviation(true_range, 96), mean(true_range, 96)),
        "volatility_asymmetry_96": over(mean(rises, 96), mean(view.returns**2, 96)),
    }


def _true_range(view: MarketView) -> FloatArray:
    """Return the true range in quote price; the first candle's is its own range."""
    before = np.nan_to_num(lag(view.close, 1), nan=view.close[0])
    reach: FloatArray = np.maximum(view.high, before) - np.minimum(view.low, before)
    return reach
