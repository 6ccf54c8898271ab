import numpy as np
import pytest

from freqfleet.validation.gate import HeldOut, HoldoutGate


def judge(candidate, incumbent, weights=None):
    count = len(candidate)
    return HoldoutGate().judge(
        HeldOut(
            candidate_profit=np.array(candidate),
            incumbent_profit=np.array(incumbent),
            weights=np.ones(count) if weights is None else np.array(weights),
            entered_ms=np.arange(count),
            incumbent="default",
        )
    )


def test_candidate_that_earned_more_held_out_is_published_with_both_figures():
    ruling = judge([0.002, 0.0], [0.0004, 0.0])

    assert ruling.publish
    assert ruling.reason == "+10.0 bps a trade held out, default +2.0 bps, 2 trades"


def test_candidate_that_loses_less_than_the_incumbent_beats_it():
    assert judge([-0.001], [-0.002]).publish


@pytest.mark.parametrize(
    ("candidate", "incumbent"),
    [([0.001], [0.002]), ([0.001], [0.001]), ([np.nan], [0.001]), ([0.001], [np.nan])],
)
def test_candidate_that_is_not_better_is_kept_out(candidate, incumbent):
    ruling = judge(candidate, incumbent)

    assert not ruling.publish
    assert ruling.reason.startswith("not better than what is in force")


def test_weights_decide_which_mean_counts():
    candidate, incumbent = [0.01, -0.01], [0.0, 0.0]

    assert judge(candidate, incumbent, weights=[3.0, 1.0]).publish
    assert not judge(candidate, incumbent, weights=[1.0, 3.0]).publish


def test_nothing_held_out_publishes_nothing():
    assert not judge([], []).publish
