"""No label of training reaches into a test, whatever the times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.errors import InputError
from freqfleet.validation.purged_folds import purged_walk_forward

HOUR_MS = 3_600_000


def test_parts_follow_each_other_with_the_embargo_between_them():
    time_ms = HOUR_MS * np.arange(100)

    folds = list(
        purged_walk_forward(
            time_ms, time_ms + 2 * HOUR_MS, folds=2, embargo_ms=HOUR_MS, first_train_share=0.5
        )
    )

    spans = [[(int(part[0]), int(part[-1])) for part in (f.train, f.stopping, f.test)] for f in folds]
    # a label lives two hours and the embargo is one: three rows are given up at each edge
    assert spans == [[(0, 36), (40, 46), (50, 74)], [(0, 56), (60, 71), (75, 99)]]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    folds=st.integers(1, 6),
    embargo=st.integers(0, 48),
    life=st.integers(0, 72),
)
def test_no_label_reaches_into_a_later_part(seed, folds, embargo, life):
    rng = np.random.default_rng(seed)
    time_ms = HOUR_MS * rng.integers(0, 24 * 60, 500)
    known_ms = time_ms + HOUR_MS * rng.integers(0, life + 1, 500)

    tested = []
    for fold in purged_walk_forward(time_ms, known_ms, folds=folds, embargo_ms=embargo * HOUR_MS):
        for older, younger in (
            (fold.train, fold.stopping),
            (fold.stopping, fold.test),
            (fold.train, fold.test),
        ):
            if len(older) and len(younger):
                assert known_ms[older].max() + embargo * HOUR_MS <= time_ms[younger].min()
        tested.append(fold.test)

    assert len(np.unique(np.concatenate(tested))) == sum(len(one) for one in tested)


def test_no_row_is_no_fold():
    nothing = np.empty(0, dtype=np.int64)

    assert list(purged_walk_forward(nothing, nothing, folds=3, embargo_ms=0)) == []


def test_folds_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="folds must be at least 1"):
        list(purged_walk_forward(np.arange(3), np.arange(3), folds=0, embargo_ms=0))
