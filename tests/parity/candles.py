"""The candles that freqtrade read for a backtest, and the price ticks it derived from them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np

from freqfleet.clock import from_ms, to_ms
from freqfleet.exchange.markets import market_of
from freqfleet.market.candles import CandleFiles
from freqfleet.market.indicators import atr_ratio
from freqfleet.market.series import Candles

STARTUP_CANDLES = 600  # FleetStrategy.startup_candle_count


class PairCandles:
    """One pair: candles of the main timeframe, ATR at entry, ticks."""

    def __init__(self, datadir: Path, pair: str, starts_at: datetime, ends_at: datetime) -> None:
        self.main = CandleFiles(datadir).load(pair)
        self._atr = atr_ratio(self.main.high, self.main.low, self.main.close)
        from_row = np.searchsorted(self.main.time_ms, to_ms(starts_at)) - STARTUP_CANDLES
        to_row = np.searchsorted(self.main.time_ms, to_ms(ends_at), side="right")
        self._ticks = _monthly_ticks(self.main, max(int(from_row), 0), int(to_row))

    def atr_at(self, opened_at: datetime) -> float:
        """Return ATR(14) / close of the last candle closed before an entry."""
        entry = int(np.searchsorted(self.main.time_ms, to_ms(opened_at), side="right")) - 1
        return float(self._atr[entry - 1])

    def tick_at(self, opened_at: datetime) -> float:
        """Return the tick of freqtrade's backtest: the finest step seen in the month of the entry.

        freqtrade takes the exchange's tick only where the candles show none; in a backtest of older months
        the exchange's tick of today would be wrong.
        """
        return self._ticks[f"{opened_at:%Y-%m}"]


def _monthly_ticks(candles: Candles, from_row: int, to_row: int) -> dict[str, float]:
    rows = slice(from_row, to_row)
    prices = np.stack([candles.open, candles.high, candles.low, candles.close, candles.close], axis=1)[rows]
    months = np.array([f"{from_ms(int(at)):%Y-%m}" for at in candles.time_ms[rows]])
    return {month: market_of(candles.pair, prices[months == month], 0).tick for month in sorted(set(months))}
