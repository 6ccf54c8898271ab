"""The border at which candles enter signals: checked once, trusted from then on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from freqfleet.errors import MarketError
from freqfleet.market.arrays import FloatArray
from freqfleet.market.series import PRICE_COLUMNS

CANDLE_COLUMNS = ("date", *PRICE_COLUMNS, "volume")


def require_candles(candles: pd.DataFrame) -> None:
    """Refuse candles on which a score would be a guess.

    candles : one row per closed candle, oldest first, as freqtrade hands them to populate_indicators:
        `date` (the candle's open, aware), `open high low close` (finite, above 0), `volume` (NaN means
        not known: feeders that need it abstain). More columns are welcome; no row at all is, too.

    Raises MarketError with the first bad value and its row.
    """
    missing = [name for name in CANDLE_COLUMNS if name not in candles.columns]
    if missing:
        raise MarketError(f"candles have no column {missing[0]!r}; they need {', '.join(CANDLE_COLUMNS)}")
    for name in (*PRICE_COLUMNS, "volume"):
        if not pd.api.types.is_numeric_dtype(candles[name]):
            raise MarketError(f"candles: {name} must be numbers, was {candles[name].dtype}")
    dates = candles["date"]
    if not isinstance(dates.dtype, pd.DatetimeTZDtype):
        raise MarketError(f"candles: date must be a time with its zone, was {dates.dtype}")
    if dates.isna().any():
        raise MarketError("candles: a date is missing; load the candles anew")
    disordered = np.flatnonzero(np.diff(dates.to_numpy("datetime64[ns]")) <= np.timedelta64(0))
    if disordered.size:
        row = int(disordered[0]) + 1
        raise MarketError(
            f"candles: row {row} ({dates.iloc[row]}) does not come after the row before; sort them and "
            "drop duplicates"
        )
    for name in PRICE_COLUMNS:
        prices = column(candles, name)
        bad = np.flatnonzero(~(np.isfinite(prices) & (prices > 0.0)))
        if bad.size:
            row = int(bad[0])
            raise MarketError(
                f"candles: {name} must be above 0, was {prices[row]} at row {row} ({dates.iloc[row]})"
            )


def column(candles: pd.DataFrame, name: str) -> FloatArray:
    """Return one column as float64 of shape (n_candles,), contiguous as TA-Lib wants it."""
    return np.ascontiguousarray(candles[name].to_numpy(dtype=np.float64, na_value=np.nan))
