"""Rhythm: what time it is, and whether the market trends, swings or does neither. Knows no direction."""

from __future__ import annotations

import numpy as np
import talib

from freqfleet.market.arrays import FloatArray
from freqfleet.market.features.pandas_ta_functions import efficiency_ratio
from freqfleet.market.features.view import MarketView, correlation, deviation, lag, mean, over
from freqfleet.market.timeframes import DAY_MS

VARIANCE_STEPS = (4, 16, 48)
NAMES = (
    "rhythm_hour_sine",
    "rhythm_hour_cosine",
    "rhythm_week_sine",
    "rhythm_week_cosine",
    "rhythm_weekend",
    *(f"rhythm_variance_{step}" for step in VARIANCE_STEPS),
    "rhythm_memory_1",
    "rhythm_memory_6",
    "rhythm_efficiency_48",
    "rhythm_efficiency_288",
    "rhythm_choppiness_96",
    "rhythm_tails_288",
    "rhythm_skew_288",
)
"""Variance ratios are 1, autocorrelations 0, for a market without memory; efficiencies lie in 0..1."""


def compute(view: MarketView) -> dict[str, FloatArray]:
    """Return the family's columns, shape (n_candles,) each."""
    close, returns = view.close, view.returns
    day = 2.0 * np.pi * (view.time_ms % DAY_MS) / DAY_MS
    # 1970-01-01 was a Thursday: shifted by three days, a week begins on Monday at midnight.
    weekday = (view.time_ms / DAY_MS + 3.0) % 7.0
    week = 2.0 * np.pi * weekday / 7.0
    level = np.log(close)
    variance = deviation(returns, 288) ** 2
    reach = talib.MAX(view.high, 96) - talib.MIN(view.low, 96)
    standardised = over(returns - mean(returns, 288), deviation(returns, 288))
    return {
        "rhythm_hour_sine": np.sin(day),
        "rhythm_hour_cosine": np.cos(day),
        "rhythm_week_sine": np.sin(week),
        "rhythm_week_cosine": np.cos(week),
        "rhythm_weekend": (weekday >= 5.0).astype(np.float64),
        **{
            f"rhythm_variance_{step}": over(deviation(level - lag(level, step), 288) ** 2, step * variance)
            for step in VARIANCE_STEPS
        },
        "rhythm_memory_1": correlation(returns, np.nan_to_num(lag(returns, 1)), 144),
        "rhythm_memory_6": correlation(returns, np.nan_to_num(lag(returns, 6)), 288),
        "rhythm_efficiency_48": efficiency_ratio(close, 48),
        "rhythm_efficiency_288": efficiency_ratio(close, 288),
        "rhythm_choppiness_96": np.log10(over(96.0 * mean(view.high - view.low, 96), reach)) / np.log10(96.0),
        "rhythm_tails_288": mean(np.clip(standardised, -10.0, 10.0) ** 4, 288),
        "rhythm_skew_288": mean(np.clip(standardised, -10.0, 10.0) ** 3, 288),
    }
