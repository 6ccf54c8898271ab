"""Zones: price levels that were left in haste, swept or not yet revisited.

Events, not averages: gaps between candles that nobody traded through (fair value gaps), sweeps of an
earlier extreme that were taken back, the high and low of the day before.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import talib

from freqfleet.market.arrays import BoolArray, FloatArray
from freqfleet.market.features.view import MarketView, lag, over
from freqfleet.market.timeframes import DAY_MS

MEMORY_CANDLES = 288  # a zone older than a day is forgotten
MIN_GAP_ATR = 0.25
SWEEP_CANDLES = 48

NAMES = (
    "zones_gap_below",
    "zones_gap_below_age",
    "zones_gap_above",
    "zones_gap_above_age",
    "zones_gap_size",
    "zones_gap_balance_48",
    "zones_swept_low_12",
    "zones_swept_high_12",
    "zones_sweep_depth",
    "zones_day_high",
    "zones_day_low",
    "zones_day_position",
    "zones_swing_high",
    "zones_swing_low",
)
"""Distances and sizes in ATR, ages over 288 candles, counts in 12 or 48 candles."""


def compute(view: MarketView) -> dict[str, FloatArray]:
    """Return the family's columns, shape (n_candles,) each."""
    high, low, close, atr = view.high, view.low, view.close, view.atr
    rise = low - lag(high, 2)  # a rise so fast that candle t - 1 alone covers this stretch
    fall = lag(low, 2) - high
    rose, fell = (np.nan_to_num(over(one, atr)) >= MIN_GAP_ATR for one in (rise, fall))
    below, below_age = _latest(rose, lag(high, 2))
    above, above_age = _latest(fell, lag(low, 2))
    prior_low, prior_high = lag(talib.MIN(low, SWEEP_CANDLES), 1), lag(talib.MAX(high, SWEEP_CANDLES), 1)
    swept_low, swept_high = (
        (low < prior_low) & (close > prior_low),
        (high > prior_high) & (close < prior_high),
    )
    depth = np.where(swept_low, prior_low - low, np.where(swept_high, prior_high - high, 0.0))
    day_high, day_low = _day_before(view)
    return {
        "zones_gap_below": over(close - below, atr),
        "zones_gap_below_age": below_age,
        "zones_gap_above": over(above - close, atr),
        "zones_gap_above_age": above_age,
        "zones_gap_size": over(np.where(rose, rise, np.where(fell, -fall, 0.0)), atr),
        "zones_gap_balance_48": talib.SUM(rose.astype(np.float64) - fell, 48),
        "zones_swept_low_12": talib.SUM(swept_low.astype(np.float64), 12),
        "zones_swept_high_12": talib.SUM(swept_high.astype(np.float64), 12),
        "zones_sweep_depth": over(depth, atr),
        "zones_day_high": over(close - day_high, atr),
        "zones_day_low": over(close - day_low, atr),
        "zones_day_position": over(close - day_low, day_high - day_low),
        "zones_swing_high": over(close - _swing(high, 1.0), atr),
        "zones_swing_low": over(close - _swing(low, -1.0), atr),
    }


def _latest(happened: BoolArray, level: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the level of the latest event and its age over the memory; NaN where it is forgotten."""
    rows = np.arange(len(level))
    when = np.maximum.accumulate(np.where(happened, rows, -1))
    age = (rows - when).astype(np.float64)
    alive = (when >= 0) & (age <= MEMORY_CANDLES)
    found = np.where(alive, level[np.maximum(when, 0)], np.nan)
    return found, np.where(alive, age / MEMORY_CANDLES, np.nan)


def _day_before(view: MarketView) -> tuple[FloatArray, FloatArray]:
    """Return the high and low of the UTC day before, which is over; NaN where no candle of it is here."""
    day = view.time_ms // DAY_MS
    days = pd.DataFrame({"high": view.high, "low": view.low}).groupby(day).agg({"high": "max", "low": "min"})
    before = days.reindex(np.asarray(day) - 1)
    return before["high"].to_numpy(dtype=np.float64), before["low"].to_numpy(dtype=np.float64)


def _swing(extreme: FloatArray, sign: float) -> FloatArray:
    """Return the latest swing extreme: higher than the 6 candles on both sides, known 6 candles later."""
    wing, signed = 6, sign * extreme
    middle = lag(signed, wing)
    is_swing = middle >= talib.MAX(signed, 2 * wing + 1)
    level, _age = _latest(np.asarray(is_swing, dtype=np.bool_), sign * middle)
    return level
