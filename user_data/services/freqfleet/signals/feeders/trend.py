"""trend: has the market gone one way for hours? A slow state, true for many candles in a row."""

from __future__ import annotations

import pandas as pd
import talib

from freqfleet.domain.sides import Side
from freqfleet.market.arrays import FloatArray
from freqfleet.signals.candles import column
from freqfleet.signals.feeder import Scores
from freqfleet.signals.yardsticks import abstaining_first, atr_yardstick, ramp, weakest

FAST_PERIOD = 36  # 3 hours of 5m candles
SLOW_PERIOD = 108  # 9 hours
DIRECTION_PERIOD = 48


class Trend:
    """Votes with an established trend: moving averages apart, and movement that has a direction.

    Three conditions, the weakest counts (a vote at half way):
    - EMA(36) lies 0.5..2.5 ATR beyond EMA(108);
    - ADX(48) is 4..16; so long an ADX rarely passes 25;
    - the directional index of the side leads the other one by 0..4 points.

    It says nothing about the moment. Its part is to give a faster feeder the second vote on one side
    and none on the other: a breakout or a burst with the trend, or a pullback against it.
    """

    name = "trend"
    warmup_candles = 4 * SLOW_PERIOD  # by then 0.25 % of where the slow average was seeded is left

    def score(self, candles: pd.DataFrame) -> Scores:
        """Return the confidence in both sides; NaN in the warm-up and where nothing moves."""
        high, low, close = (column(candles, name) for name in ("high", "low", "close"))
        spread_atr = (talib.EMA(close, FAST_PERIOD) - talib.EMA(close, SLOW_PERIOD)) / atr_yardstick(candles)
        strength = talib.ADX(high, low, close, DIRECTION_PERIOD)
        upward = talib.PLUS_DI(high, low, close, DIRECTION_PERIOD)
        downward = talib.MINUS_DI(high, low, close, DIRECTION_PERIOD)

        def confidence(side: Side) -> FloatArray:
            conditions = weakest(
                ramp(side.sign * spread_atr, nothing=0.5, full=2.5),
                ramp(strength, nothing=4.0, full=16.0),
                ramp(side.sign * (upward - downward), nothing=0.0, full=4.0),
            )
            return abstaining_first(conditions, self.warmup_candles)

        return Scores(long=confidence(Side.LONG), short=confidence(Side.SHORT))


FEEDER = Trend()
