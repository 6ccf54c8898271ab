from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("lightgbm", reason="freqfleet[feeders] is not installed")

from freqfleet.signals.feeders.flow import FEEDER
from freqfleet.testing.taught_feeders import LearnedFeederContract, TaughtFeeder

TAUGHT = TaughtFeeder(FEEDER)


class TestFlowContract(LearnedFeederContract):
    feeder = TAUGHT


def test_it_reads_its_own_family_and_nothing_of_the_others():
    own = ("volume", "breakout_activity", "shape_body")

    assert [name for name in FEEDER.features if not name.startswith(own)] == []


def test_it_abstains_where_the_volume_is_not_known():
    market = TestFlowContract()._market()
    market.loc[700:705, "volume"] = np.nan

    scores = TAUGHT.score(market)

    assert np.isnan(scores.long[700:706]).all()
    assert not np.isnan(scores.long[690:700]).any()
