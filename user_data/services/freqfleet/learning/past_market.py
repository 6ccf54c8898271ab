"""PastMarket: the candles as they were known at any time."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from freqfleet.learning.pair_work import CandleSource, DetailSource


class PastMarket(Protocol):
    """Candle sources by time; `market.past.PastCandles` is one."""

    def candles(self, as_of: datetime) -> CandleSource:
        """Return a source of candles that were finished at `as_of`."""
        ...

    def detail(self, as_of: datetime) -> DetailSource | None:
        """Return a source of finer candles that were finished at `as_of`; None does without."""
        ...
