"""Timeframes as freqtrade writes them, `5m` or `1h`, in milliseconds.

freqtrade has the same function; importing it takes seconds, and every search worker reads candles.
"""

from __future__ import annotations

import re

from freqfleet.errors import MarketError

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

_TIMEFRAME = re.compile(r"([1-9]\d{0,3})([mhd])")
_UNIT_MS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}


def timeframe_ms(timeframe: str) -> int:
    """Return the length of a candle in milliseconds; raises MarketError for anything but `5m`, `1h`, `1d`."""
    match = _TIMEFRAME.fullmatch(timeframe)
    if match is None:
        raise MarketError(f"not a timeframe: {timeframe!r}; write 5m, 1h or 1d")
    return int(match[1]) * _UNIT_MS[match[2]]
