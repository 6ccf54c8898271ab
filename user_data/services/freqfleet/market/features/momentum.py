"""Momentum: how fast is the market within the last two hours, and does it still gain speed?"""

from __future__ import annotations

import math

import numpy as np
import talib

from freqfleet.market.arrays import FloatArray
from freqfleet.market.features.view import MarketView, deviation, lag, over, run_length

MOVES = (1, 3, 6, 12, 24)
NAMES = (
    *(f"momentum_move_{candles}" for candles in MOVES),
    "momentum_acceleration_6",
    "momentum_macd",
    "momentum_macd_change",
    "momentum_cmo_14",
    "momentum_trix_15",
    "momentum_ultosc",
    "momentum_ppo_3_10",
    "momentum_streak",
    "momentum_largest_12",
)
"""Moves over the deviation that a market without memory would have; oscillators within -1..1 or in ATR."""


def compute(view: MarketView) -> dict[str, FloatArray]:
    """Return the family's columns, shape (n_candles,) each."""
    high, low, close, atr = view.high, view.low, view.close, view.atr
    sigma = deviation(view.returns, 96)
    level = np.log(close)
    moves = {candles: over(level - lag(level, candles), sigma * math.sqrt(candles)) for candles in MOVES}
    histogram = over(talib.MACD(close, 12, 26, 9)[2], atr)
    return {
        **{f"momentum_move_{candles}": move for candles, move in moves.items()},
        "momentum_acceleration_6": moves[6] - lag(moves[6], 6),
        "momentum_macd": histogram,
        "momentum_macd_change": histogram - lag(histogram, 3),
        "momentum_cmo_14": talib.CMO(close, 14) / 100.0,
        "momentum_trix_15": over(talib.TRIX(close, 15) / 100.0, sigma),
        "momentum_ultosc": talib.ULTOSC(high, low, close, 7, 14, 28) / 100.0,
        "momentum_ppo_3_10": over(talib.EMA(close, 3) - talib.EMA(close, 10), atr),
        "momentum_streak": np.clip(run_length(view.returns), -12.0, 12.0),
        # Which sign the largest candle of the hour had: one jump, or a steady climb?
        "momentum_largest_12": over(talib.MAX(view.returns, 12) + talib.MIN(view.returns, 12), sigma),
    }
