from __future__ import annotations

import numpy as np

from freqfleet.signals.feeder import VOTE_AT
from freqfleet.signals.feeders.trend import Trend
from freqfleet.testing.candle_frames import candles_from_closes, random_walk_candles
from freqfleet.testing.feeder_contract import FeederContract

WARMUP = Trend.warmup_candles


class TestTrendContract(FeederContract):
    feeder = Trend()


def test_a_steady_rise_is_a_trend_for_longs_and_none_for_shorts():
    rise = random_walk_candles(np.random.default_rng(1), WARMUP + 200, drift_ratio=0.002)

    scores = Trend().score(rise)

    assert (scores.long[-100:] >= VOTE_AT).mean() > 0.9
    assert (scores.short[-100:] == 0.0).all()


def test_a_market_that_swings_around_its_mean_is_no_trend():
    swings = candles_from_closes(100.0 + np.sin(np.arange(WARMUP + 200) / 3.0))

    scores = Trend().score(swings)

    assert np.nanmax(scores.long) < VOTE_AT
    assert np.nanmax(scores.short) < VOTE_AT


def test_a_short_dip_does_not_end_a_trend():
    closes = 100.0 * 1.0008 ** np.arange(WARMUP + 100)
    closes[-3:] = closes[-4] * np.array([0.999, 0.998, 0.997])

    scores = Trend().score(candles_from_closes(closes))

    assert (scores.long[-3:] >= VOTE_AT).all()
