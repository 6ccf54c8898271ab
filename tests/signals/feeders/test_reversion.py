from __future__ import annotations

import numpy as np

from freqfleet.signals.feeder import VOTE_AT
from freqfleet.signals.feeders.reversion import Reversion
from freqfleet.testing.candle_frames import candles_from_closes
from freqfleet.testing.feeder_contract import FeederContract

CALM = 100.0 + 0.1 * np.sin(np.arange(Reversion.warmup_candles + 50))
FALL = CALM[-1] - np.cumsum([0.2, 0.3, 0.4])


class TestReversionContract(FeederContract):
    feeder = Reversion()


def test_a_fall_that_goes_on_is_not_faded():
    scores = Reversion().score(candles_from_closes([*CALM, *FALL]))

    assert scores.long[-1] == 0.0


def test_a_fall_that_gives_way_is_a_vote_for_longs_only():
    bounce = FALL[-1] + 0.2

    scores = Reversion().score(candles_from_closes([*CALM, *FALL, bounce]))

    assert scores.long[-1] >= VOTE_AT
    assert scores.short[-1] == 0.0


def test_an_exaggeration_is_forgotten_after_four_candles():
    quiet = np.full(6, FALL[-1] + 0.2)

    scores = Reversion().score(candles_from_closes([*CALM, *FALL, *quiet]))

    assert scores.long[-6] >= VOTE_AT
    assert scores.long[-1] < VOTE_AT
