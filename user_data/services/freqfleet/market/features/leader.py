"""Leader: what BTC does, and how this pair follows it or goes its own way."""

from __future__ import annotations

import math

import numpy as np

from freqfleet.market.arrays import FloatArray
from freqfleet.market.features.view import (
    MarketView,
    correlation,
    deviation,
    lag,
    mean,
    over,
    z_score,
)

MOVES = (1, 3, 12, 48, 288)
NAMES = (
    *(f"leader_move_{candles}" for candles in MOVES),
    *(f"leader_lead_{candles}" for candles in MOVES),
    "leader_beta_288",
    "leader_correlation_96",
    "leader_correlation_288",
    "leader_sigma_288",
    "leader_volume_z_288",
    "leader_average_48",
)
"""Moves in standard deviations; `lead` is the pair's move beyond its beta times the leader's.

NaN where the leader's candle is missing; all of them where no leader was given.
"""


def compute(view: MarketView) -> dict[str, FloatArray]:
    """Return the family's columns, shape (n_candles,) each."""
    leader = view.context["leader_close"]
    if np.isnan(leader).all():
        return dict.fromkeys(NAMES, np.full(len(view), np.nan))
    theirs_level, ours_level = np.log(leader), np.log(view.close)
    theirs = theirs_level - lag(theirs_level, 1)
    ours = np.where(np.isnan(theirs), np.nan, view.returns)
    sigma, own_sigma = deviation(theirs, 288), deviation(ours, 288)
    tie = correlation(ours, theirs, 288)
    beta = over(tie * own_sigma, sigma)
    average, volume = mean(leader, 48), view.context["leader_volume"]
    columns: dict[str, FloatArray] = {}
    for candles in MOVES:
        move = theirs_level - lag(theirs_level, candles)
        own = ours_level - lag(ours_level, candles)
        columns[f"leader_move_{candles}"] = over(move, sigma * math.sqrt(candles))
        columns[f"leader_lead_{candles}"] = over(own - beta * move, own_sigma * math.sqrt(candles))
    return {
        **columns,
        "leader_beta_288": beta,
        "leader_correlation_96": correlation(ours, theirs, 96),
        "leader_correlation_288": tie,
        "leader_sigma_288": over(sigma, own_sigma),
        "leader_volume_z_288": z_score(np.log1p(over(volume, mean(volume, 288))), 288),
        "leader_average_48": over(np.log(leader / average), sigma * math.sqrt(48)),
    }
