from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from freqfleet.signals.feeder import VOTE_AT
from freqfleet.signals.feeders.breakout import CHANNEL_CANDLES, Breakout
from freqfleet.testing.candle_frames import candles_from_closes
from freqfleet.testing.feeder_contract import FeederContract

CALM = 100.0 + 0.2 * np.sin(np.arange(Breakout.warmup_candles + 2 * CHANNEL_CANDLES))
LAST = len(CALM)


class TestBreakoutContract(FeederContract):
    feeder = Breakout()


def market_with_a_last_candle(*, close: float, volume: float) -> pd.DataFrame:
    candles = candles_from_closes([*CALM, close])
    candles.loc[LAST, "volume"] = volume
    return candles


def test_a_wide_and_busy_candle_above_the_channel_is_a_vote_for_longs_only():
    scores = Breakout().score(market_with_a_last_candle(close=100.8, volume=2000.0))

    assert scores.long[-1] >= VOTE_AT
    assert scores.short[-1] == 0.0


@pytest.mark.parametrize(
    ("close", "volume"),
    [
        (100.1, 2000.0),  # inside the channel
        (100.8, 300.0),  # hardly anybody traded
    ],
)
def test_a_candle_that_lacks_one_condition_is_no_vote(close, volume):
    scores = Breakout().score(market_with_a_last_candle(close=close, volume=volume))

    assert scores.long[-1] < VOTE_AT


def test_the_channel_ends_before_the_candle_that_breaks_it():
    candles = market_with_a_last_candle(close=100.8, volume=2000.0)
    candles.loc[LAST, "high"] = 103.0  # its own high must not be the edge it has to pass

    assert Breakout().score(candles).long[-1] >= VOTE_AT


@pytest.mark.parametrize("volume", [np.nan, 0.0])
def test_without_volume_before_it_a_candle_is_not_judged(volume):
    candles = market_with_a_last_candle(close=100.8, volume=2000.0)
    candles.loc[LAST - CHANNEL_CANDLES : LAST - 1, "volume"] = volume

    scores = Breakout().score(candles)

    assert np.isnan(scores.long[-1])
    assert np.isnan(scores.short[-1])
    assert not np.isnan(scores.long[LAST - CHANNEL_CANDLES - 1])


def test_half_of_the_volumes_before_it_are_enough():
    candles = market_with_a_last_candle(close=100.8, volume=2000.0)
    candles.loc[LAST - CHANNEL_CANDLES // 2 : LAST - 1, "volume"] = np.nan

    assert Breakout().score(candles).long[-1] >= VOTE_AT
