from __future__ import annotations

import pytest

pytest.importorskip("lightgbm", reason="freqfleet[feeders] is not installed")

from freqfleet.signals.feeders.stretch import FEEDER
from freqfleet.testing.taught_feeders import LearnedFeederContract, TaughtFeeder

TAUGHT = TaughtFeeder(FEEDER)


class TestStretchContract(LearnedFeederContract):
    feeder = TAUGHT


def test_it_reads_its_own_family_and_nothing_of_the_others():
    own = ("reversion", "shape_lower", "shape_upper", "volatility_sigma", "hour_rsi")

    assert [name for name in FEEDER.features if not name.startswith(own)] == []
