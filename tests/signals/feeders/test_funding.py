from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("lightgbm", reason="freqfleet[feeders] is not installed")

from freqfleet.signals.feeders.funding import FEEDER
from freqfleet.testing.taught_feeders import LearnedFeederContract, TaughtFeeder

TAUGHT = TaughtFeeder(FEEDER)


class TestFundingContract(LearnedFeederContract):
    feeder = TAUGHT


def test_it_reads_its_own_family_and_nothing_of_the_others():
    own = ("funding", "basis", "four_hours")

    assert [name for name in FEEDER.features if not name.startswith(own)] == []


def test_it_abstains_without_funding():
    market = TestFundingContract()._market()

    scores = TAUGHT.score(market.drop(columns="funding_rate"))

    assert np.isnan(scores.long).all()
    assert not np.isnan(TAUGHT.score(market).long[-100:]).any()
