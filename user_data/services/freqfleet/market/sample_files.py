"""Writing one pair of the sample market through freqtrade's own data handler.

So the layout is right by construction. Importing this module imports freqtrade, which takes seconds.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType

from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.market.sample_candles import aggregate
from freqfleet.market.series import PRICE_COLUMNS, Candles
from freqfleet.market.synthetic import BAR_MINUTES


def store_pair(
    datadir: Path, minutes: Candles, funding_ms: IntArray, funding_rate: FloatArray, *, detail: bool
) -> None:
    """Write 5m candles, 1h mark prices and 1h funding rates of one pair; with `detail` also 1m candles.

    minutes : 1m candles that begin on a full hour and end before one.
    """
    store = get_datahandler(datadir, "feather").ohlcv_store
    bars = aggregate(minutes, BAR_MINUTES)
    hours = aggregate(minutes, 60)
    store(minutes.pair, f"{BAR_MINUTES}m", _frame(bars), CandleType.FUTURES)
    if detail:
        store(minutes.pair, "1m", _frame(minutes), CandleType.FUTURES)
    store(minutes.pair, "1h", _frame(hours).assign(volume=0.0), CandleType.MARK)
    rates = pd.DataFrame({"date": _dates(funding_ms), "funding_rate": funding_rate})
    store(minutes.pair, "1h", rates, CandleType.FUNDING_RATE)


def _frame(candles: Candles) -> pd.DataFrame:
    columns = {name: getattr(candles, name) for name in (*PRICE_COLUMNS, "volume")}
    return pd.DataFrame({"date": _dates(candles.time_ms), **columns})


def _dates(time_ms: IntArray) -> pd.DatetimeIndex:
    return pd.to_datetime(time_ms, unit="ms", utc=True).as_unit("ms")
