"""The rule feeders know no preferred direction: a market upside down swaps their sides."""

from __future__ import annotations

import numpy as np
import pytest

from freqfleet.signals.feeder import VOTE_AT
from freqfleet.signals.feeders.registry import FEEDERS
from freqfleet.testing.candle_frames import mirrored, random_walk_candles


@pytest.mark.parametrize("feeder", FEEDERS, ids=lambda feeder: feeder.name)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_mirrored_market_swaps_the_sides(feeder, seed):
    market = random_walk_candles(np.random.default_rng(seed), 2500, sigma_ratio=0.001)

    scores, upside_down = feeder.score(market), feeder.score(mirrored(market))

    np.testing.assert_allclose(upside_down.long, scores.short, rtol=0.0, atol=1e-6, equal_nan=True)
    np.testing.assert_allclose(upside_down.short, scores.long, rtol=0.0, atol=1e-6, equal_nan=True)
    assert (scores.long >= VOTE_AT).any()
    assert (scores.short >= VOTE_AT).any()


@pytest.mark.parametrize("feeder", FEEDERS, ids=lambda feeder: feeder.name)
def test_a_rule_feeder_never_votes_for_both_sides_at_once(feeder):
    market = random_walk_candles(np.random.default_rng(4), 3000, sigma_ratio=0.003)

    scores = feeder.score(market)

    both = (scores.long >= VOTE_AT) & (scores.short >= VOTE_AT)
    if feeder.name == "reversion":  # up and down within four candles: two exaggerations, seldom
        assert both.mean() < 0.01
    else:
        assert not both.any()
