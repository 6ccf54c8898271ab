"""Labels: the only code that looks ahead. Import contracts keep it out of `signals` and `runtime`.

Every column is called `future_…`: nobody takes one for a feature by mistake.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from freqfleet.domain.sides import Side
from freqfleet.domain.triple_barrier import TripleBarrier
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.market.series import Candles
from freqfleet.market.timeframes import HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarrierLabels:
    """What became of a position opened after each candle; arrays of shape (n_candles,).

    future_known : the label is complete: the whole horizon is there, without a hole, and ATR is known.
        The other columns mean nothing where it is not.
    future_won : the target was touched before the stop.
    future_return_ratio : the position-level return, costs taken off.
    future_candles : how many candles the position was open, 1..horizon.
    """

    future_known: BoolArray
    future_won: BoolArray
    future_return_ratio: FloatArray
    future_candles: IntArray


def barrier_labels(
    candles: Candles, atr: FloatArray, barrier: TripleBarrier, side: Side, *, cost_ratio: float
) -> BarrierLabels:
    """Return the label of every candle: a position is opened at the open of the next one.

    atr : ATR in quote price at each candle, NaN where it is not known; shape (n_candles,).
    cost_ratio : fees and slippage of entry and exit together, of the position's value.

    Pessimistic where a candle does not tell: stop and target in one candle is the stop; a stop that is
    jumped fills at the open, a target at its price. A row whose horizon goes beyond the last candle has
    no label, also where a barrier was touched: those that end soon would be all that is left.
    """
    count, horizon = len(candles), barrier.horizon_candles
    won, ended = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.int64)
    gained = np.full(count, np.nan)
    rows = max(0, count - horizon)
    if rows:
        # A short is a long in a market upside down: signs are flipped once, here.
        opens, closes = side.sign * candles.open, side.sign * candles.close
        highs, lows = (candles.high, candles.low) if side is Side.LONG else (-candles.low, -candles.high)
        entry = opens[1 : rows + 1]
        target = entry + barrier.target_atr * atr[:rows]
        stop = entry - barrier.stop_atr * atr[:rows]
        left = closes[horizon : horizon + rows].copy()
        ended[:rows] = horizon
        is_open = ~np.isnan(atr[:rows])
        for age in range(1, horizon + 1):
            now = slice(age, age + rows)
            stopped = lows[now] <= stop
            touched = np.flatnonzero(is_open & (stopped | (highs[now] >= target)))
            if not len(touched):
                continue
            lost = stopped[touched]
            left[touched] = np.where(lost, np.minimum(stop[touched], opens[now][touched]), target[touched])
            won[touched] = ~lost
            ended[touched] = age
            is_open[touched] = False
        gained[:rows] = (left - entry) / np.abs(entry) - cost_ratio
    return BarrierLabels(
        future_known=_complete(candles, atr, horizon),
        future_won=won,
        future_return_ratio=gained,
        future_candles=ended,
    )


def _complete(candles: Candles, atr: FloatArray, horizon: int) -> BoolArray:
    """Return where the whole horizon lies on the candle grid; an hour may be missing, no more."""
    count = len(candles)
    known: npt.NDArray[np.bool_] = np.zeros(count, dtype=np.bool_)
    rows = max(0, count - horizon)
    if rows:
        span = candles.time_ms[horizon : horizon + rows] - candles.time_ms[:rows]
        known[:rows] = (span <= horizon * candles.timeframe_ms + HOUR_MS) & ~np.isnan(atr[:rows])
    return known
