"""How often the ensemble speaks on real candles: enough to learn from, and not at every tick."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from freqfleet.domain.sides import Side
from freqfleet.signals.ensemble import Ensemble
from freqfleet.signals.feeders.registry import FEEDERS
from realdata import market_dir

CANDLES_PER_DAY = 288


@pytest.mark.parametrize("base", ["BTC", "SOL", "DOGE", "ENA"])
def test_two_of_four_agree_about_four_to_ten_times_a_day_and_side(base):
    candles = pd.read_feather(market_dir("ci") / "futures" / f"{base}_USDT_USDT-5m-futures.feather")
    ensemble = Ensemble(FEEDERS, min_votes=2)

    columns = ensemble.columns(candles)

    days = (len(candles) - ensemble.warmup_candles) / CANDLES_PER_DAY
    for side in Side:
        agreed = columns[f"votes_{side}"].to_numpy() >= 2
        agreements = np.count_nonzero(agreed[1:] & ~agreed[:-1])
        assert 4.0 <= agreements / days <= 10.0, f"{side}: {agreements / days:.1f} a day"
