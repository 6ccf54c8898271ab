"""Candle history for the tape: the same feather files that freqtrade backtests on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from freqfleet.errors import MarketError
from freqfleet.exchange.bars import Bars
from freqfleet.exchange.once import OnceEach
from freqfleet.market.candles import CandleFiles, Funding
from freqfleet.market.feather import read_columns
from freqfleet.market.timeframes import DAY_MS, HOUR_MS, MINUTE_MS

# Longer steps (3d, 1w, 1M) have grids that a move by whole days would break.
STEPS_MS = {
    **{f"{count}m": count * MINUTE_MS for count in (1, 3, 5, 15, 30)},
    **{f"{count}h": count * HOUR_MS for count in (1, 2, 4, 6, 8, 12)},
    "1d": DAY_MS,
}
MARK_TIMEFRAME = "1h"

_OHLCV = ("open", "high", "low", "close", "volume")


class CandleHistory(Protocol):
    """Candles as they are kept; times are those of the files. Raises MarketError for what cannot be used."""

    def pairs(self) -> Sequence[str]:
        """Return the pairs that have last-price candles, sorted."""
        ...

    def timeframes(self, pair: str) -> Sequence[str]:
        """Return the timeframes of the pair's last-price candles, keys of STEPS_MS, finest first."""
        ...

    def last_price(self, pair: str, timeframe: str) -> Bars:
        """Return the candles of one of `timeframes(pair)`, at least one."""
        ...

    def mark_price(self, pair: str) -> Bars | None:
        """Return the mark-price candles, None where there are none."""
        ...

    def funding(self, pair: str) -> Funding | None:
        """Return the funding rates, None where there are none."""
        ...


class FeatherHistory:
    """The futures candles of a freqtrade datadir."""

    def __init__(self, datadir: Path) -> None:
        self._files = {timeframe: CandleFiles(datadir, timeframe) for timeframe in STEPS_MS}
        self._datadir = datadir

    def pairs(self) -> list[str]:
        """Return the pairs with candles of any timeframe up to 1h; raises MarketError without any."""
        found: set[str] = set()
        for timeframe, step_ms in STEPS_MS.items():
            # A path through daily candles would be fiction, not a market.
            if step_ms <= HOUR_MS and any(self._datadir.glob(f"futures/*-{timeframe}-futures.feather")):
                found.update(self._files[timeframe].pairs())
        return sorted(found) if found else self._files["5m"].pairs()

    def timeframes(self, pair: str) -> list[str]:
        """Return the timeframes of the pair's files, finest first."""
        return [timeframe for timeframe, files in self._files.items() if files.path(pair).is_file()]

    def last_price(self, pair: str, timeframe: str) -> Bars:
        """Read and check one file."""
        candles = self._files[timeframe].load(pair)
        columns = (candles.open, candles.high, candles.low, candles.close, candles.volume)
        return Bars(step_ms=candles.timeframe_ms, time_ms=candles.time_ms, ohlcv=np.column_stack(columns))

    def mark_price(self, pair: str) -> Bars | None:
        """Read the 1h mark candles, the only ones freqtrade looks for."""
        files = self._files[MARK_TIMEFRAME]
        path = files.path(pair, "mark")
        if not path.is_file():
            return None
        columns = read_columns(path, ("date", *_OHLCV), label=f"{pair} mark")
        time_ms, ohlcv = columns["date"], np.column_stack([columns[name] for name in _OHLCV])
        if np.isnan(ohlcv).any() or np.any(np.diff(time_ms) <= 0):
            raise MarketError(
                f"{pair}: mark candles in {path} hold NaN or do not rise in time; download them again"
            )
        return Bars(step_ms=files.timeframe_ms, time_ms=time_ms, ohlcv=ohlcv)

    def funding(self, pair: str) -> Funding | None:
        """Read the funding rates; their times are full hours, as freqtrade joins them with mark candles."""
        return self._files[MARK_TIMEFRAME].load_funding(pair)


class KeptHistory:
    """A history that reads each file once, from whichever thread asks first."""

    def __init__(self, history: CandleHistory) -> None:
        self._history = history
        self._kept = OnceEach()

    def pairs(self) -> Sequence[str]:
        """Return the pairs, sorted."""
        return self._kept.once("pairs", self._history.pairs)

    def timeframes(self, pair: str) -> Sequence[str]:
        """Return the timeframes of a pair's files, finest first."""
        return self._kept.once(("timeframes", pair), lambda: self._history.timeframes(pair))

    def last_price(self, pair: str, timeframe: str) -> Bars:
        """Return the candles of one file."""
        key = ("last price", pair, timeframe)
        return self._kept.once(key, lambda: self._history.last_price(pair, timeframe))

    def mark_price(self, pair: str) -> Bars | None:
        """Return the mark-price candles."""
        return self._kept.once(("mark", pair), lambda: self._history.mark_price(pair))

    def funding(self, pair: str) -> Funding | None:
        """Return the funding rates."""
        return self._kept.once(("funding", pair), lambda: self._history.funding(pair))
