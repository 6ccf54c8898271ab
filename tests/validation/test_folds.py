import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.errors import InputError
from freqfleet.validation.folds import (
    DAY_MS,
    NO_FOLD,
    Fold,
    Span,
    crossfit,
    fold_of_trades,
    holdout,
    rolling,
    split,
    training_sets,
)

HOUR_MS = DAY_MS // 24


def days(*numbers):
    return np.array([round(number * DAY_MS) for number in numbers], dtype=np.int64)


def parts(folds, entered, hold_days=1.0):
    return list(split(folds, entered, entered + round(hold_days * DAY_MS)))


def test_crossfit_learns_around_the_judged_block_with_purge_and_embargo():
    folds = crossfit(0, 10 * DAY_MS, folds=2, embargo_ms=DAY_MS)
    entered = days(0, 3.9, 4.0, 4.1, 5.0, 5.9, 6.0, 9.9)

    first, second = parts(folds, entered)

    assert first.test.tolist() == [0, 1, 2, 3]
    assert first.train.tolist() == [6, 7]
    assert first.purged == 0  # what lies in the embargo was never in a training span
    assert second.test.tolist() == [4, 5, 6, 7]
    assert second.train.tolist() == [0, 1, 2]
    assert second.purged == 1


def test_rolling_windows_move_on_by_their_judged_part():
    folds = rolling(0, 100 * DAY_MS, train_ms=60 * DAY_MS, gap_ms=7 * DAY_MS, test_ms=10 * DAY_MS)

    assert [(fold.train[0].from_ms // DAY_MS, fold.test.from_ms // DAY_MS) for fold in folds] == [
        (0, 67),
        (10, 77),
        (20, 87),
    ]


def test_anchored_windows_learn_from_the_start():
    folds = rolling(0, 100 * DAY_MS, train_ms=60 * DAY_MS, gap_ms=0, test_ms=20 * DAY_MS, anchored=True)

    assert [(fold.train[0].from_ms, fold.train[0].until_ms // DAY_MS) for fold in folds] == [(0, 60), (0, 80)]


def test_ninety_days_cannot_hold_sixty_seven_and_thirty():
    with pytest.raises(InputError) as refused:
        rolling(0, 90 * DAY_MS, train_ms=60 * DAY_MS, gap_ms=7 * DAY_MS, test_ms=30 * DAY_MS)

    assert str(refused.value) == (
        "90 days cannot hold 60 days to learn + 7 days gap + 30 days to judge = 97 days; "
        "shorten a part or take more history"
    )


def test_blocks_shorter_than_the_embargo_are_refused():
    with pytest.raises(InputError, match="4 days cannot hold 5 folds, each longer than the embargo of 1 day"):
        crossfit(0, 4 * DAY_MS)


@pytest.mark.parametrize("folds", [0, 1])
def test_fewer_than_two_folds_are_refused(folds):
    with pytest.raises(InputError, match="at least 2 folds"):
        crossfit(0, 90 * DAY_MS, folds=folds)


def test_window_longer_than_the_embargo_is_refused_with_what_is_needed():
    folds = crossfit(0, 10 * DAY_MS, folds=2)

    with pytest.raises(InputError, match="an embargo of 1 day is shorter than a replay window"):
        parts(folds, days(0, 4.5, 9), hold_days=2.0)


def test_window_that_ends_before_its_entry_is_refused():
    with pytest.raises(InputError, match="trade 1 ends before its entry"):
        list(split(crossfit(0, 10 * DAY_MS), days(0, 1), days(1, 0.5)))


def test_trades_outside_every_fold_are_judged_by_none():
    folds = (Fold(train=(), test=Span(0, DAY_MS)),)

    assert fold_of_trades(folds, days(0, 0.5, 1)).tolist() == [0, 0, NO_FOLD]


def test_last_training_set_is_every_trade():
    entered = days(*range(10))

    sets = training_sets(crossfit(0, 10 * DAY_MS, folds=2), entered, entered + DAY_MS)

    assert sets.shape == (3, 10)
    assert sets[2].all()
    assert not sets[0, :6].any()


PLANS = st.one_of(
    st.builds(lambda folds: crossfit(0, 90 * DAY_MS, folds=folds, embargo_ms=2 * DAY_MS), st.integers(2, 20)),
    st.builds(lambda share: holdout(0, 90 * DAY_MS, train_share=share), st.floats(0.1, 0.9)),
    st.builds(
        lambda train, gap, test, anchored: rolling(
            0,
            90 * DAY_MS,
            train_ms=train * DAY_MS,
            gap_ms=gap * DAY_MS,
            test_ms=test * DAY_MS,
            anchored=anchored,
        ),
        st.integers(1, 40),
        st.integers(0, 10),
        st.integers(1, 30),
        st.booleans(),
    ),
)


@settings(deadline=None)  # a busy machine is no defect
@given(
    plan=PLANS,
    entries=st.lists(st.integers(0, 90 * 24 - 1), min_size=1, max_size=60),
    hold_hours=st.lists(st.integers(0, 48), min_size=60, max_size=60),
)
def test_no_learned_window_meets_a_judged_one_in_any_plan(plan, entries, hold_hours):
    entered = np.array(entries, dtype=np.int64) * HOUR_MS
    ends = entered + np.array(hold_hours[: len(entries)]) * HOUR_MS

    for fold, found in zip(plan, split(plan, entered, ends), strict=True):
        assert not set(found.train.tolist()) & set(found.test.tolist())
        assert (np.diff(found.train) > 0).all()
        assert (np.diff(found.test) > 0).all()
        for learned in found.train:
            assert ends[learned] <= fold.test.from_ms or entered[learned] >= fold.test.until_ms
            for judged in found.test:
                assert ends[learned] <= entered[judged] or entered[learned] >= ends[judged]


@settings(deadline=None)  # a busy machine is no defect
@given(folds=st.integers(2, 20), entries=st.lists(st.integers(0, 90 * 24 - 1), max_size=60))
def test_crossfit_judges_every_trade_once(folds, entries):
    entered = np.array(entries, dtype=np.int64) * HOUR_MS
    plan = crossfit(0, 90 * DAY_MS, folds=folds)

    judged = [trade for found in split(plan, entered, entered + DAY_MS) for trade in found.test.tolist()]

    assert sorted(judged) == list(range(len(entered)))
