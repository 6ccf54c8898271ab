"""Context: what other series knew when a candle closed, written beside the candle.

As of the close, never later: a leader's candle closes together with the pair's, a funding rate counts
from its settlement, a mark candle from its end. What is older than its tolerance is not known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.market.features.view import CONTEXT_COLUMNS
from freqfleet.market.series import Candles, Funding
from freqfleet.market.timeframes import DAY_MS, HOUR_MS

LEADER_PAIR = "BTC/USDT:USDT"
FUNDING_MEMORY = 21  # settlements: a week of eight-hour ones
_LEADER_TOLERANCE_MS = HOUR_MS // 4
_FUNDING_TOLERANCE_MS = DAY_MS
_BASIS_TOLERANCE_MS = 3 * HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Context:
    """Other series beside a pair's candles; None where there is none.

    leader : candles of the market's leader, of the pair's timeframe.
    funding : the pair's settled rates. mark : its mark-price candles, hourly.
    """

    leader: Candles | None = None
    funding: Funding | None = None
    mark: Candles | None = None


def candle_frame(candles: Candles) -> pd.DataFrame:
    """Return candles as freqtrade hands them to a strategy: `date` (aware), open, high, … volume."""
    columns = {name: getattr(candles, name) for name in ("open", "high", "low", "close", "volume")}
    dates = pd.to_datetime(candles.time_ms, unit="ms", utc=True).as_unit("ms")
    return pd.DataFrame({"date": dates, **columns})


def with_context(candles: pd.DataFrame, context: Context, *, candle_ms: int = HOUR_MS // 12) -> pd.DataFrame:
    """Return a copy of `candles` with CONTEXT_COLUMNS; NaN where nothing is known."""
    opened = candles["date"].to_numpy("datetime64[ms]").astype(np.int64)
    columns = {name: np.full(len(opened), np.nan) for name in CONTEXT_COLUMNS}
    if context.leader is not None:
        rows = _as_of(context.leader.time_ms, opened, _LEADER_TOLERANCE_MS)
        columns["leader_close"] = _pick(context.leader.close, rows)
        columns["leader_volume"] = _pick(context.leader.volume, rows)
    if context.funding is not None and len(context.funding):
        columns |= _funding(context.funding, opened + candle_ms)
    if context.mark is not None and len(context.mark):
        close = candles["close"].to_numpy(dtype=np.float64)
        columns["basis_ratio"] = _basis(context.mark, opened + candle_ms, close)
    return candles.assign(**columns)


def _funding(funding: Funding, closed: IntArray) -> dict[str, FloatArray]:
    """Return the last settled rate, the sum of the last day and its z-score over a week of settlements."""
    rate = pd.Series(funding.rate)
    rows = _as_of(funding.time_ms, closed, _FUNDING_TOLERANCE_MS)
    began = np.searchsorted(funding.time_ms, funding.time_ms - DAY_MS, side="right")
    total = np.concatenate([[0.0], np.cumsum(funding.rate)])
    day = total[1:] - total[began]
    usual = rate.rolling(FUNDING_MEMORY)
    spread = usual.std().to_numpy()
    # A rate that has been pinned to one value for a week has no z-score.
    z = np.where(spread > 1e-9, (rate - usual.mean()).to_numpy() / np.maximum(spread, 1e-9), np.nan)
    return {
        "funding_rate": _pick(funding.rate, rows),
        "funding_day": _pick(day, rows),
        "funding_z": _pick(z, rows),
    }


def _basis(mark: Candles, closed: IntArray, close: FloatArray) -> FloatArray:
    """Return last price over mark price, minus 1, at the latest full hour; both known then."""
    ends = mark.time_ms + mark.timeframe_ms
    ours = np.searchsorted(closed, ends)  # our candle that closes with the mark candle
    there = (ours < len(closed)) & (closed[np.minimum(ours, len(closed) - 1)] == ends)
    ratio = np.full(len(ends), np.nan)
    ratio[there] = close[ours[there]] / mark.close[there] - 1.0
    return _pick(ratio, _as_of(ends, closed, _BASIS_TOLERANCE_MS))


def _as_of(known_ms: IntArray, wanted_ms: IntArray, tolerance_ms: int) -> IntArray:
    """Return, for each wanted time, the row of the latest known one at or before it; -1 where too old."""
    rows = np.searchsorted(known_ms, wanted_ms, side="right") - 1
    if not len(known_ms):
        return np.full(len(wanted_ms), -1)
    old = wanted_ms - known_ms[np.maximum(rows, 0)] > tolerance_ms
    return np.where((rows < 0) | old, -1, rows)


def _pick(values: FloatArray, rows: IntArray) -> FloatArray:
    return np.where(rows >= 0, values[np.maximum(rows, 0)], np.nan)
