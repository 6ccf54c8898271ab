import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.errors import InputError
from freqfleet.validation.holdout import Holdout


def split(entered, window=1, share=0.7):
    entered_ms = np.array(entered, dtype=np.int64)
    return Holdout(share).split(entered_ms, entered_ms + window)


def test_seven_of_ten_learn_and_three_judge():
    found = split([0, 10, 20, 30, 40, 50, 60, 70, 80, 90])

    assert found.train.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert found.test.tolist() == [7, 8, 9]
    assert found.purged == 0


def test_window_that_reaches_into_the_test_part_is_purged_and_counted():
    found = split([0, 10, 20, 30, 40, 50, 60, 70, 80, 90], window=15)

    assert found.train.tolist() == [0, 1, 2, 3, 4, 5]
    assert found.purged == 1


def test_window_that_ends_with_the_first_test_entry_stays():
    assert split([0, 10, 20, 30, 40, 50, 60, 70, 80, 90], window=10).purged == 0


def test_trades_of_the_same_moment_stay_together():
    found = split([0, 10, 20, 50, 50, 50, 50, 50, 50, 60])

    assert found.train.tolist() == [0, 1, 2]
    assert found.test.tolist() == [3, 4, 5, 6, 7, 8, 9]


def test_order_of_the_trades_does_not_matter():
    assert split([90, 0, 10, 20, 30, 40, 50, 60, 70, 80]).test.tolist() == [0, 8, 9]


def test_nothing_splits_into_nothing():
    found = split([])

    assert len(found.train) == len(found.test) == found.purged == 0


@given(
    entered=st.lists(st.integers(0, 500), min_size=1, max_size=40),
    window=st.integers(1, 200),
    share=st.floats(0.05, 0.95),
)
def test_no_training_window_reaches_the_first_test_entry_and_no_trade_is_lost(entered, window, share):
    found = split(entered, window=window, share=share)

    times = np.array(entered)
    assert len(found.test) > 0
    assert len(found.train) + len(found.test) + found.purged == len(entered)
    assert not set(found.train.tolist()) & set(found.test.tolist())
    if len(found.train):
        assert (times[found.train] + window).max() <= times[found.test].min()


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_share_outside_its_bounds_is_refused(share):
    with pytest.raises(InputError, match="train_share must lie between 0 and 1"):
        Holdout(share)
