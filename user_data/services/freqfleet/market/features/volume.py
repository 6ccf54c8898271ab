"""Volume: who is active, and on which side of the candle do they close? Base currency never appears."""

from __future__ import annotations

import numpy as np
import talib

from freqfleet.market.arrays import FloatArray
from freqfleet.market.features.pandas_ta_functions import chaikin_money_flow, elder_force
from freqfleet.market.features.view import MarketView, correlation, mean, over, z_score

NAMES = (
    "volume_z_20",
    "volume_z_288",
    "volume_trend_12_96",
    "volume_mfi_14",
    "volume_cmf_20",
    "volume_cmf_96",
    "volume_signed_12",
    "volume_signed_48",
    "volume_signed_288",
    "volume_force_13",
    "volume_return_correlation_96",
    "volume_amihud_48_288",
    "volume_at_extreme_48",
)
"""Z-scores of the logarithm, flows within -1..1, ratios. NaN where the candle's volume is not known."""


def compute(view: MarketView) -> dict[str, FloatArray]:
    """Return the family's columns, shape (n_candles,) each."""
    close, traded = view.close, view.traded
    known = np.where(np.isnan(view.volume), np.nan, 1.0)
    size = np.log1p(view.volume / _usual(view))
    span = view.high - view.low
    inside = np.nan_to_num(over((close - view.low) - (view.high - close), span))
    force = elder_force(close, traded, 13)
    impact = over(np.abs(view.returns), view.volume * close)
    flow = np.sign(view.returns) * traded
    columns = {
        "volume_z_20": z_score(size, 20),
        "volume_z_288": z_score(size, 288),
        "volume_trend_12_96": over(mean(traded, 12), mean(traded, 96)),
        "volume_mfi_14": talib.MFI(view.high, view.low, close, traded, 14) / 100.0,
        "volume_cmf_20": chaikin_money_flow(view.high, view.low, close, traded, 20),
        "volume_cmf_96": over(mean(inside * traded, 96), mean(traded, 96)),
        "volume_signed_12": over(mean(flow, 12), mean(traded, 12)),
        "volume_signed_48": over(mean(flow, 48), mean(traded, 48)),
        "volume_signed_288": over(mean(flow, 288), mean(traded, 288)),
        "volume_force_13": over(force, view.atr * mean(traded, 96)),
        "volume_return_correlation_96": correlation(np.abs(view.returns), np.nan_to_num(size), 96),
        # One candle can be worth a thousand others here: the logarithm keeps it from being the mean.
        "volume_amihud_48_288": mean(_log(impact), 48) - mean(_log(impact), 288),
        "volume_at_extreme_48": over(traded, talib.MAX(traded, 48)),
    }
    return {name: values * known for name, values in columns.items()}


def _usual(view: MarketView) -> FloatArray:
    """Return the mean volume of half a day, so that the logarithm means the same for every coin."""
    usual = mean(view.volume, 144)
    return np.where(usual > 0.0, usual, np.nan)


def _log(values: FloatArray) -> FloatArray:
    return np.log(np.where(values > 0.0, values, np.nan))
