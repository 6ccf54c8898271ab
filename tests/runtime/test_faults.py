"""A failing callback answers safely and is counted."""

import pytest

from freqfleet.runtime.faults import Faults


def test_an_exception_is_swallowed_and_counted_by_callback_and_pair() -> None:
    faults = Faults("BOT3")

    for _ in range(2):
        with faults.recorded("custom_exit", "BTC/USDT:USDT"):
            raise ValueError("broken")

    assert faults.counts == {("custom_exit", "BTC/USDT:USDT"): 2}


def test_an_interrupt_is_not_swallowed() -> None:
    faults = Faults("BOT3")

    with pytest.raises(KeyboardInterrupt), faults.recorded("custom_exit", "BTC/USDT:USDT"):
        raise KeyboardInterrupt

    assert not faults.counts


def test_a_block_that_works_is_left_alone() -> None:
    faults = Faults("BOT3")

    with faults.recorded("custom_exit", "BTC/USDT:USDT"):
        answer = 1 + 1

    assert answer == 2
    assert not faults.counts
