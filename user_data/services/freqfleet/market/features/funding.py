"""Funding and basis: who pays whom to hold the position, and how stretched that is. No price indicator."""

from __future__ import annotations

import numpy as np

from freqfleet.market.arrays import FloatArray
from freqfleet.market.features.view import MarketView, deviation, lag, over
from freqfleet.market.timeframes import DAY_MS, HOUR_MS

NAMES = (
    "funding_rate_bps",
    "funding_day_bps",
    "funding_z",
    "funding_against_move",
    "funding_day_against_move",
    "funding_hour_of_window",
    "basis_bps",
    "basis_change_bps",
    "basis_against_funding",
)
"""Rates in hundredths of a percent; `against_move`: positive where those who were right are paid.

NaN where a rate is not known: a missing rate is not a rate of 0.
"""


def compute(view: MarketView) -> dict[str, FloatArray]:
    """Return the family's columns, shape (n_candles,) each."""
    rate, day = (1e4 * view.context[name] for name in ("funding_rate", "funding_day"))
    basis = 1e4 * view.context["basis_ratio"]
    level = np.log(view.close)
    move = over(level - lag(level, 288), deviation(view.returns, 288) * np.sqrt(288.0))
    hour = (view.time_ms % DAY_MS) / HOUR_MS % 8.0 / 8.0
    return {
        "funding_rate_bps": rate,
        "funding_day_bps": day,
        "funding_z": view.context["funding_z"],
        "funding_against_move": -rate * move,
        "funding_day_against_move": -day * move,
        "funding_hour_of_window": np.where(np.isnan(rate), np.nan, hour),
        "basis_bps": basis,
        "basis_change_bps": basis - lag(basis, 48),
        "basis_against_funding": basis - rate,
    }
