"""reversion: has the market run too far, and begun to come back? Fades short exaggerations."""

from __future__ import annotations

import pandas as pd
import talib

from freqfleet.domain.sides import Side
from freqfleet.market.arrays import FloatArray
from freqfleet.signals.candles import column
from freqfleet.signals.feeder import Scores
from freqfleet.signals.yardsticks import abstaining_first, atr_yardstick, ramp, weakest

RSI_PERIOD = 4
MEAN_CANDLES = 12  # one hour of 5m candles
RECENT_CANDLES = 4


class Reversion:
    """Votes against an exaggeration of the last four candles, once it gives way.

    Three conditions, the weakest counts (a vote at half way); for a long, and mirrored for a short:
    - the lowest RSI(4) of the last four candles was 35..15;
    - the lowest close, against the mean of 12 candles at that time, was 0.25..1.75 ATR below it;
    - the close is back above the lowest of the last four by 0..0.8 ATR.

    Momentum and breakout say the opposite by nature; because it waits for the turn, it rarely votes
    against them in the same candle. With trend it means a pullback that ends inside the trend: the
    agreement in which it takes part most.
    """

    name = "reversion"
    warmup_candles = 120  # ATR(14) has then forgotten its seed to 4e-4

    def score(self, candles: pd.DataFrame) -> Scores:
        """Return the confidence in both sides; NaN in the warm-up and where nothing moves."""
        close = column(candles, "close")
        atr = atr_yardstick(candles)
        stretch_atr = (close - talib.SMA(close, MEAN_CANDLES)) / atr
        heat = talib.RSI(close, RSI_PERIOD) - 50.0

        def confidence(side: Side) -> FloatArray:
            # The sign mirrors a short into a long, so that "lowest" is the extreme on both sides.
            conditions = weakest(
                ramp(-_recent_low(side.sign * heat), nothing=15.0, full=35.0),
                ramp(-_recent_low(side.sign * stretch_atr), nothing=0.25, full=1.75),
                ramp((side.sign * close - _recent_low(side.sign * close)) / atr, nothing=0.0, full=0.8),
            )
            return abstaining_first(conditions, self.warmup_candles)

        return Scores(long=confidence(Side.LONG), short=confidence(Side.SHORT))


def _recent_low(values: FloatArray) -> FloatArray:
    return pd.Series(values).rolling(RECENT_CANDLES).min().to_numpy()


FEEDER = Reversion()
