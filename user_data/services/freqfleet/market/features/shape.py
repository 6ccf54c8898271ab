"""Shape: bodies, wicks, gaps and named candles of the last hour, whatever the price level."""

from __future__ import annotations

import numpy as np
import talib

from freqfleet.market.arrays import FloatArray
from freqfleet.market.features.view import MarketView, lag, mean, over, run_length

RECENT = (0, 1, 2)
PATTERNS = {
    "engulfing": talib.CDLENGULFING,
    "hammer": talib.CDLHAMMER,
    "shooting_star": talib.CDLSHOOTINGSTAR,
    "doji": talib.CDLDOJI,
    "marubozu": talib.CDLMARUBOZU,
}
NAMES = (
    *(f"shape_body_{ago}" for ago in RECENT),
    *(f"shape_upper_wick_{ago}" for ago in RECENT),
    *(f"shape_lower_wick_{ago}" for ago in RECENT),
    *(f"shape_range_{ago}" for ago in RECENT),
    *(f"shape_{pattern}_12" for pattern in PATTERNS),
    "shape_gap",
    "shape_body_12",
    "shape_wicks_12",
    "shape_higher_highs",
    "shape_lower_lows",
    "shape_inside_run",
)
"""Bodies and wicks over the candle's range, ranges in ATR; patterns as their signed count in 12 candles."""


def compute(view: MarketView) -> dict[str, FloatArray]:
    """Return the family's columns, shape (n_candles,) each."""
    open_, high, low, close = view.open, view.high, view.low, view.close
    span = high - low
    body = over(close - open_, span)
    upper = over(high - np.maximum(open_, close), span)
    lower = over(np.minimum(open_, close) - low, span)
    reach = over(span, view.atr)
    previous_close = np.nan_to_num(lag(close, 1), nan=open_[0])
    previous_high, previous_low = (np.nan_to_num(lag(one, 1), nan=one[0]) for one in (high, low))
    inside = (high <= previous_high) & (low >= previous_low)

    def recent(name: str, values: FloatArray) -> dict[str, FloatArray]:
        return {f"shape_{name}_{ago}": lag(values, ago) if ago else values for ago in RECENT}

    return {
        **recent("body", body),
        **recent("upper_wick", upper),
        **recent("lower_wick", lower),
        **recent("range", reach),
        **{
            f"shape_{name}_12": talib.SUM(pattern(open_, high, low, close) / 100.0, 12)
            for name, pattern in PATTERNS.items()
        },
        "shape_gap": over(open_ - previous_close, view.atr),
        "shape_body_12": mean(np.nan_to_num(body), 12),
        "shape_wicks_12": mean(np.nan_to_num(upper - lower), 12),
        "shape_higher_highs": np.clip(run_length(high - previous_high), -12.0, 12.0),
        "shape_lower_lows": np.clip(run_length(low - previous_low), -12.0, 12.0),
        "shape_inside_run": np.clip(run_length(np.where(inside, 1.0, -1.0)), -12.0, 12.0),
    }
