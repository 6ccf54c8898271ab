import math

import numpy as np
import pytest

from freqfleet.errors import InputError
from freqfleet.validation.decay import Window, decay_of, decay_report
from freqfleet.validation.folds import DAY_MS


def window(mean_bps, seed, first_day=0, trades=120, days=40):
    rng = np.random.default_rng(seed)
    return Window(
        differences=rng.normal(mean_bps / 1e4, 0.02, trades),
        entered_ms=(first_day * DAY_MS) + rng.integers(0, days * DAY_MS, trades),
    )


def test_edge_that_vanished_is_flagged():
    found = decay_of("P0", window(120.0, 1), window(-20.0, 2, first_day=67))

    assert found.suspect
    assert found.learned_bps > found.since_bps
    assert found.p_value < 0.05


def test_edge_that_lasts_is_not():
    found = decay_of("P0", window(80.0, 1), window(80.0, 2, first_day=67))

    assert not found.suspect


def test_better_than_before_is_no_decay():
    assert decay_of("P0", window(0.0, 1), window(150.0, 2)).z < 0.0


def test_too_few_trades_are_unsure_and_raise_no_flag():
    found = decay_of("P0", window(120.0, 1), window(0.0, 2, trades=3))

    assert math.isnan(found.z)
    assert found.p_value == 1.0
    assert found.unsure == "since then: 3 trades differ from what is in force, 10 needed"
    assert not found.suspect


def test_report_pools_and_lists_only_what_survives_the_multiple_tests():
    keys = [f"P{at}" for at in range(30)]
    learned = [window(80.0, at) for at in range(30)]
    since = [window(-200.0 if at == 4 else 80.0, 100 + at, first_day=67) for at in range(30)]

    found = decay_report(keys, learned, since)

    assert found.flagged == ("P4",)
    assert not found.decayed


def test_decay_that_no_unit_shows_alone_shows_in_the_pool():
    keys = [f"P{at}" for at in range(30)]
    learned = [window(15.0, at) for at in range(30)]
    since = [window(-5.0, 100 + at, first_day=67) for at in range(30)]

    found = decay_report(keys, learned, since)

    assert found.decayed
    assert found.flagged == ()


def test_nothing_to_compare_is_no_decay():
    found = decay_report([], [], [])

    assert not found.decayed
    assert found.units == ()


def test_windows_that_are_missing_are_refused():
    with pytest.raises(InputError, match="1 units need two windows each, were 1 and 0"):
        decay_report(["P0"], [window(0.0, 1)], [])
