"""MarketContext: what learned feeders read beside a pair's own candles, as freqtrade's data provider has it.

Asked for only where a feeder of the ensemble wants it: a fleet on rules requests nothing more than before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from freqfleet.market.arrays import IntArray
from freqfleet.market.features.context import LEADER_PAIR, Context, with_context
from freqfleet.market.series import PRICE_COLUMNS, Candles, Funding
from freqfleet.market.timeframes import HOUR_MS, timeframe_ms

CONTEXT_TIMEFRAME = "1h"
FUNDING = "funding_rate"
MARK = "mark"


class DataProvider(Protocol):
    """What this file uses of freqtrade's data provider."""

    def get_pair_dataframe(self, pair: str, timeframe: str, candle_type: str = "") -> pd.DataFrame: ...  # noqa: D102


class MarketContext:
    """Writes context columns beside candles. timeframe : of the strategy, for example `5m`."""

    def __init__(self, data: DataProvider, timeframe: str) -> None:
        self._data = data
        self._timeframe = timeframe

    def informative_pairs(self, whitelist: Sequence[str]) -> list[tuple[str, str, str]]:
        """Return what freqtrade must keep up to date for `beside`."""
        leader = (LEADER_PAIR, self._timeframe, "futures")
        hourly = [(pair, CONTEXT_TIMEFRAME, kind) for pair in whitelist for kind in (FUNDING, MARK)]
        return [leader, *hourly]

    def beside(self, pair: str, candles: pd.DataFrame) -> pd.DataFrame:
        """Return `candles` with the context columns; what freqtrade does not have is NaN."""
        candle_ms = timeframe_ms(self._timeframe)
        context = Context(
            leader=_candles(LEADER_PAIR, self._frame(LEADER_PAIR, self._timeframe), candle_ms),
            funding=_funding(pair, self._frame(pair, CONTEXT_TIMEFRAME, FUNDING)),
            mark=_candles(pair, self._frame(pair, CONTEXT_TIMEFRAME, MARK), HOUR_MS),
        )
        return with_context(candles, context, candle_ms=candle_ms)

    def _frame(self, pair: str, timeframe: str, candle_type: str = "") -> pd.DataFrame:
        return self._data.get_pair_dataframe(pair, timeframe, candle_type)


def _candles(pair: str, frame: pd.DataFrame, candle_ms: int) -> Candles | None:
    if frame.empty:
        return None
    names = (*PRICE_COLUMNS, "volume")
    columns = {name: frame[name].to_numpy(dtype=np.float64, copy=True) for name in names}
    return Candles(pair=pair, timeframe_ms=candle_ms, time_ms=_opened_ms(frame), **columns)


def _funding(pair: str, frame: pd.DataFrame) -> Funding | None:
    """Return settled rates; freqtrade of before 2026.9 keeps them in `open`."""
    name = "funding_rate" if "funding_rate" in frame.columns else "open"
    if frame.empty or name not in frame.columns:
        return None
    known = frame[frame[name].notna()]
    return Funding(
        pair=pair,
        timeframe=CONTEXT_TIMEFRAME,
        time_ms=_opened_ms(known) // HOUR_MS * HOUR_MS,
        rate=known[name].to_numpy(dtype=np.float64, copy=True),
    )


def _opened_ms(frame: pd.DataFrame) -> IntArray:
    opened: IntArray = frame["date"].to_numpy("datetime64[ms]").astype(np.int64)
    return opened
