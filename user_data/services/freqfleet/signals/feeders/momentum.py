"""momentum: is the market accelerating within the hour? A fast state, true for a few candles."""

from __future__ import annotations

import math

import pandas as pd
import talib

from freqfleet.domain.sides import Side
from freqfleet.market.arrays import FloatArray
from freqfleet.signals.candles import column
from freqfleet.signals.feeder import Scores
from freqfleet.signals.yardsticks import abstaining_first, atr_yardstick, ramp, weakest

MOVE_CANDLES = 12  # one hour of 5m candles
MACD_PERIODS = (12, 26, 9)


class Momentum:
    """Votes with a burst: an unusual move within the hour that is still gaining speed.

    Two conditions, the weakest counts (a vote at half way):
    - the move of the last 12 candles, over the ATR times the square root of 12 (what a market without
      memory would do), is 0..1;
    - the MACD histogram (12, 26, 9) is 0..0.3 ATR: the move is faster than it was.

    It often agrees with trend and breakout: three views of one move, not three witnesses.
    """

    name = "momentum"
    warmup_candles = 200  # MACD's slowest part, EMA(26), has then forgotten its seed to 1e-5

    def score(self, candles: pd.DataFrame) -> Scores:
        """Return the confidence in both sides; NaN in the warm-up and where nothing moves."""
        close = column(candles, "close")
        atr = atr_yardstick(candles)
        move = talib.MOM(close, MOVE_CANDLES) / (atr * math.sqrt(MOVE_CANDLES))
        speed_atr = talib.MACD(close, *MACD_PERIODS)[2] / atr

        def confidence(side: Side) -> FloatArray:
            conditions = weakest(
                ramp(side.sign * move, nothing=0.0, full=1.0),
                ramp(side.sign * speed_atr, nothing=0.0, full=0.3),
            )
            return abstaining_first(conditions, self.warmup_candles)

        return Scores(long=confidence(Side.LONG), short=confidence(Side.SHORT))


FEEDER = Momentum()
