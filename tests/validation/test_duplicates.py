import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.errors import InputError
from freqfleet.validation.duplicates import SAME_ENTRY_MS, kept_entries

MINUTE_MS = 60_000


def kept(minutes, weights, bots):
    entered = np.array(minutes, dtype=np.int64) * MINUTE_MS
    return kept_entries(entered, np.array(weights), bots).tolist()


def test_signal_that_bot3_executed_stays_as_the_heavier_trade():
    assert kept([0, 5], [1.0, 3.0], ["BOT1", "BOT3"]) == [False, True]


def test_entries_sixteen_minutes_apart_are_two_trades():
    assert kept([0, 15], [1.0, 3.0], ["BOT1", "BOT3"]) == [False, True]
    assert kept([0, 16], [1.0, 3.0], ["BOT1", "BOT3"]) == [True, True]


def test_two_trades_of_one_bot_are_never_the_same_entry():
    assert kept([0, 5], [1.0, 1.0], ["BOT1", "BOT1"]) == [True, True]


def test_earlier_of_equal_weights_stays():
    assert kept([5, 0], [1.0, 1.0], ["BOT1", "BOT3"]) == [False, True]


def test_no_trades_keep_nothing():
    assert kept([], [], []) == []


def test_columns_of_other_lengths_are_refused():
    with pytest.raises(InputError, match="2 entries need as many weights and bots"):
        kept([0, 1], [1.0], ["BOT1", "BOT3"])


@settings(deadline=None)  # a busy machine is no defect
@given(
    trades=st.lists(
        st.tuples(st.integers(0, 60), st.sampled_from([1.0, 3.0]), st.sampled_from(["BOT1", "BOT3"])),
        max_size=20,
    )
)
def test_no_two_kept_trades_of_different_bots_are_close_and_every_dropped_one_had_a_reason(trades):
    minutes = [minute for minute, _, _ in trades]
    weights = [weight for _, weight, _ in trades]
    bots = [bot for _, _, bot in trades]
    keep = kept(minutes, weights, bots)

    def same(a, b):
        return bots[a] != bots[b] and abs(minutes[a] - minutes[b]) * MINUTE_MS <= SAME_ENTRY_MS

    for at in range(len(trades)):
        near = [other for other in range(len(trades)) if keep[other] and same(at, other)]
        assert keep[at] != bool(near)
        assert keep[at] or max(weights[other] for other in near) >= weights[at]
