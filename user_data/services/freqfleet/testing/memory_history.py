"""A candle history in memory: rows written out in a test instead of feather files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from freqfleet.exchange.bars import Bars
from freqfleet.exchange.history import STEPS_MS
from freqfleet.market.candles import Funding

# time (ms), open, high, low, close, volume
Row: TypeAlias = tuple[float, float, float, float, float, float]


def bars_of(timeframe: str, rows: Sequence[Row]) -> Bars:
    """Return rows `(time_ms, open, high, low, close, volume)`, at least one, as bars."""
    table = np.array(rows, dtype=np.float64)
    return Bars(step_ms=STEPS_MS[timeframe], time_ms=table[:, 0].astype(np.int64), ohlcv=table[:, 1:])


class MemoryHistory:
    """A `CandleHistory` of what it is given.

    last : last-price candles by pair and timeframe; mark : mark-price candles by pair; events : funding by
    pair as (time ms, rate as ratio). Times on the exchange's grids, oldest first, as in files.
    """

    def __init__(
        self,
        last: dict[str, dict[str, Bars]],
        *,
        mark: dict[str, Bars] | None = None,
        events: dict[str, list[tuple[int, float]]] | None = None,
    ) -> None:
        self._last = last
        self._mark = mark or {}
        self._events = events or {}

    def pairs(self) -> Sequence[str]:
        """Return the pairs given."""
        return sorted(self._last)

    def timeframes(self, pair: str) -> Sequence[str]:
        """Return the timeframes given, finest first."""
        return sorted(self._last[pair], key=lambda timeframe: STEPS_MS[timeframe])

    def last_price(self, pair: str, timeframe: str) -> Bars:
        """Return the candles given."""
        return self._last[pair][timeframe]

    def mark_price(self, pair: str) -> Bars | None:
        """Return the mark candles given."""
        return self._mark.get(pair)

    def funding(self, pair: str) -> Funding | None:
        """Return the funding given."""
        events = self._events.get(pair)
        if not events:
            return None
        times = np.array([time_ms for time_ms, _ in events], dtype=np.int64)
        return Funding(pair=pair, timeframe="1h", time_ms=times, rate=np.array([rate for _, rate in events]))
