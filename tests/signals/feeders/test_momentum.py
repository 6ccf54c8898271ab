from __future__ import annotations

import numpy as np

from freqfleet.signals.feeder import VOTE_AT
from freqfleet.signals.feeders.momentum import Momentum
from freqfleet.testing.candle_frames import candles_from_closes
from freqfleet.testing.feeder_contract import FeederContract

WARMUP = Momentum.warmup_candles
CALM = 100.0 + 0.1 * np.sin(np.arange(WARMUP + 50))


class TestMomentumContract(FeederContract):
    feeder = Momentum()


def test_a_burst_upwards_is_a_vote_for_longs_only():
    burst = CALM[-1] + np.cumsum([0.1, 0.2, 0.3, 0.4])

    scores = Momentum().score(candles_from_closes([*CALM, *burst]))

    assert scores.long[-1] >= VOTE_AT
    assert scores.short[-1] == 0.0


def test_a_calm_market_has_no_momentum():
    scores = Momentum().score(candles_from_closes(CALM))

    assert np.nanmax(scores.long) < VOTE_AT
    assert np.nanmax(scores.short) < VOTE_AT


def test_a_move_that_only_goes_on_loses_its_vote():
    rise = CALM[-1] + np.cumsum(np.full(120, 0.2))

    scores = Momentum().score(candles_from_closes([*CALM, *rise]))

    assert scores.long[len(CALM) + 10] >= VOTE_AT
    assert scores.long[-1] < VOTE_AT
