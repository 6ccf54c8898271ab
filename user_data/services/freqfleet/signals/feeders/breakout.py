"""breakout: has a candle left the range of the last four hours, with range and volume? An event."""

from __future__ import annotations

import pandas as pd
import talib

from freqfleet.domain.sides import Side
from freqfleet.market.arrays import FloatArray
from freqfleet.signals.candles import column
from freqfleet.signals.feeder import Scores
from freqfleet.signals.yardsticks import abstaining_first, atr_yardstick, ramp, weakest

CHANNEL_CANDLES = 48  # four hours of 5m candles


class Breakout:
    """Votes with a candle that closes outside the Donchian channel of the 48 candles before it.

    Three conditions, the weakest counts (a vote at half way):
    - the close lies -0.5..0.5 ATR beyond the channel's edge (a vote from the edge on);
    - its true range is 0.5..1.5 times the ATR of the candle before;
    - its volume is 0.2..1.8 times the mean of the 48 candles before.

    It abstains where the volume of the candle, or of half the candles before it, is not known.
    """

    name = "breakout"
    warmup_candles = 120  # the channel, and ATR(14) without its seed

    def score(self, candles: pd.DataFrame) -> Scores:
        """Return the confidence in both sides; NaN in the warm-up, without volume, without movement."""
        high, low, close = (column(candles, name) for name in ("high", "low", "close"))
        atr = atr_yardstick(candles)
        before = pd.DataFrame({"high": high, "low": low, "atr": atr}).shift(1)
        upper = before["high"].rolling(CHANNEL_CANDLES).max().to_numpy()
        lower = before["low"].rolling(CHANNEL_CANDLES).min().to_numpy()
        beyond_atr = {Side.LONG: (close - upper) / atr, Side.SHORT: (lower - close) / atr}
        expansion = talib.TRANGE(high, low, close) / before["atr"].to_numpy()
        activity = _relative_volume(column(candles, "volume"))

        def confidence(side: Side) -> FloatArray:
            conditions = weakest(
                ramp(beyond_atr[side], nothing=-0.5, full=0.5),
                ramp(expansion, nothing=0.5, full=1.5),
                ramp(activity, nothing=0.2, full=1.8),
            )
            return abstaining_first(conditions, self.warmup_candles)

        return Scores(long=confidence(Side.LONG), short=confidence(Side.SHORT))


def _relative_volume(volume: FloatArray) -> FloatArray:
    """Return each volume over the mean of those before it; NaN where either is not known or nothing traded.

    pandas, because TA-Lib would carry one NaN on to the end of the series.
    """
    before = pd.Series(volume).shift(1).rolling(CHANNEL_CANDLES, min_periods=CHANNEL_CANDLES // 2)
    # The maximum tells "nothing traded" exactly; a running mean keeps a rest of what left its window.
    usual = before.mean().where(before.max() > 0.0).to_numpy()
    relative: FloatArray = volume / usual
    return relative


FEEDER = Breakout()
