from __future__ import annotations

import pytest

pytest.importorskip("lightgbm", reason="freqfleet[feeders] is not installed")

from freqfleet.signals.feeders.rhythm import FEEDER
from freqfleet.testing.taught_feeders import LearnedFeederContract, TaughtFeeder

TAUGHT = TaughtFeeder(FEEDER)


class TestRhythmContract(LearnedFeederContract):
    feeder = TAUGHT


def test_it_reads_its_own_family_and_nothing_of_the_others():
    own = ("rhythm", "volatility_sigma", "hour_range", "momentum_move", "four_hours")

    assert [name for name in FEEDER.features if not name.startswith(own)] == []
