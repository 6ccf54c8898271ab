"""PastCandles: the candles of a datadir as they were known at any time; each file is read once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from freqfleet.market.candles import CandleFiles
from freqfleet.market.feather import KeptColumns


class PastCandles:
    """Candle sources of one datadir by time.

    detail_timeframe : of finer candles; `none` does without. 61 pairs of 180 days of 5m take 120 MB.
    """

    def __init__(self, datadir: Path, timeframe: str, detail_timeframe: str) -> None:
        self._datadir = datadir
        self._timeframe = timeframe
        self._detail_timeframe = detail_timeframe
        self._read = KeptColumns()

    def candles(self, as_of: datetime) -> CandleFiles:
        """Return the candles that were finished at `as_of`."""
        return CandleFiles(self._datadir, self._timeframe, as_of=as_of, read=self._read)

    def detail(self, as_of: datetime) -> CandleFiles | None:
        """Return the finer candles that were finished at `as_of`; None where there are to be none."""
        if self._detail_timeframe == "none":
            return None
        return CandleFiles(self._datadir, self._detail_timeframe, as_of=as_of, read=self._read)
