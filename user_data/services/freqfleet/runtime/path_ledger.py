"""What the closed candles have shown since each position was opened: the memory behind giveback and regime.

Fed from the analysed candles, one at a time and once each. Live it is kept in the trade's custom data too, so
that a restart remembers a best price that the candles at hand no longer hold. `trade.max_rate` would be no
substitute: in a backtest it already contains the candle that is still open.
"""

from __future__ import annotations

import logging
import math
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from freqfleet.clock import from_ms, to_ms
from freqfleet.domain.managed_exits import ClosedCandles
from freqfleet.domain.sides import Side
from freqfleet.runtime.plans import HostTrade, TradeKey, trade_key

logger = logging.getLogger(__name__)

PATH_KEY = "freqfleet_path"
TREND_COLUMN = "trend_z"


@dataclass(frozen=True, slots=True)
class _Path:
    last_opened: datetime  # open time of the newest candle that counts, or of the one before the entry's
    closed: ClosedCandles


class PathLedger:
    """Paths by trade.

    timeframe : of the candles. persistent : keep them in the host's custom data, as live.
    """

    def __init__(self, *, timeframe: timedelta, persistent: bool) -> None:
        self._timeframe = timeframe
        self._persistent = persistent
        self._paths: dict[TradeKey, _Path] = {}

    def closed(self, trade: HostTrade, analysed: pd.DataFrame) -> ClosedCandles:
        """Return what is known at the newest row of `analysed`: closed candles only, oldest first.

        Gaps in the candles are skipped; candles that were missed and are gone are logged. Without any candle,
        as before a bot's first look at the market, nothing is known, and a path begins with the next.
        """
        key = trade_key(trade)
        path = self._paths.get(key) or self._recall(trade)
        if path is None:
            if not len(analysed):
                return ClosedCandles()
            path = self._begin(trade, analysed)
        followed = self._follow(trade, path, analysed)
        if followed is not path and self._persistent:
            trade.set_custom_data(PATH_KEY, _to_dict(followed))
        self._paths[key] = followed
        return followed.closed

    def forget(self, trade: HostTrade) -> None:
        """Drop the path of a position that was closed."""
        self._paths.pop(trade_key(trade), None)

    def _begin(self, trade: HostTrade, analysed: pd.DataFrame) -> _Path:
        step = self._timeframe
        before_entry = from_ms(to_ms(trade.open_date_utc) // _ms(step) * _ms(step)) - step
        rows = analysed.loc[analysed["date"] <= before_entry, TREND_COLUMN].tail(1)
        trend = float(rows.iloc[0]) if len(rows) else math.nan
        return _Path(before_entry, ClosedCandles.before_entry(trend))

    def _follow(self, trade: HostTrade, path: _Path, analysed: pd.DataFrame) -> _Path:
        if not len(analysed):
            return path
        newest: datetime = pd.Timestamp(analysed["date"].array[-1]).to_pydatetime()
        missing = (newest - path.last_opened) // self._timeframe
        if missing <= 0:
            return path
        # Column by column: a slice of the frame costs more than all that is done with it.
        dates, *values = (
            analysed[name].array[-missing:] for name in ("date", "high", "low", "close", TREND_COLUMN)
        )
        if missing > len(dates):
            logger.warning(
                "%s trade %s: %d candles since its entry are gone; their best price is unknown",
                trade.pair, trade.id, missing - len(dates),
            )  # fmt: skip
        side, closed = Side.of(is_short=trade.is_short), path.closed
        for date, high, low, close, trend in zip(dates, *values, strict=True):
            if date > path.last_opened:  # the tail is longer than what is new where candles are missing
                closed = closed.and_then(
                    high=float(high), low=float(low), close=float(close), side=side, trend_z=float(trend)
                )
        return _Path(newest, closed)

    def _recall(self, trade: HostTrade) -> _Path | None:
        stored = trade.get_custom_data(PATH_KEY) if self._persistent else None
        if not isinstance(stored, dict):
            return None
        try:
            closed = {
                name: math.nan if value is None else float(value) for name, value in stored["closed"].items()
            }
            return _Path(from_ms(int(stored["last_opened_ms"])), ClosedCandles(**closed))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            logger.warning("%s trade %s: its path %r cannot be read: %r", trade.pair, trade.id, stored, error)
            return None


def _to_dict(path: _Path) -> dict[str, Any]:
    """JSON knows no NaN."""
    closed = {name: None if math.isnan(value) else value for name, value in asdict(path.closed).items()}
    return {"last_opened_ms": to_ms(path.last_opened), "closed": closed}


def _ms(step: timedelta) -> int:
    return step // timedelta(milliseconds=1)
