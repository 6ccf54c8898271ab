from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.errors import InputError
from freqfleet.validation.monte_carlo import block_bootstrap, default_block

RETURNS = np.array([0.02, -0.01, -0.01, 0.03, -0.02, 0.01, -0.01, -0.01, -0.01, 0.04, 0.0, -0.02])


def longest_streak(returns):
    longest = current = 0
    for one in returns:
        current = current + 1 if one < 0.0 else 0
        longest = max(longest, current)
    return longest


def deepest_fall(returns):
    account = peak = 1.0
    deepest = 0.0
    for one in returns:
        account *= max(1.0 + one, 0.0)
        peak = max(peak, account)
        deepest = max(deepest, 1.0 - account / peak)
    return deepest


@given(st.lists(st.floats(-0.5, 0.5), min_size=10, max_size=60), st.integers(0, 2**32))
def test_what_was_observed_is_what_a_loop_over_the_trades_finds(listed, seed):
    returns = np.array(listed)

    found = block_bootstrap(returns, level="position", seed=seed, paths=20)

    assert found is not None
    assert found.observed_streak == longest_streak(listed)
    assert found.observed_drawdown == pytest.approx(deepest_fall(listed), abs=1e-9)
    assert found.observed_return == pytest.approx(np.prod(1.0 + returns) - 1.0, abs=1e-9)


@given(st.lists(st.floats(-3.0, 3.0), min_size=10, max_size=40), st.integers(1, 10))
def test_a_drawdown_never_exceeds_the_account_and_a_streak_never_the_trades(listed, block):
    found = block_bootstrap(np.array(listed), level="margin", seed=1, paths=30, block=block)

    assert found is not None
    assert 0.0 <= found.max_drawdown.low <= found.max_drawdown.median <= found.max_drawdown.high <= 1.0
    assert 0.0 <= found.losing_streak.low <= found.losing_streak.high <= len(listed)


def test_the_same_seed_gives_the_same_answer_and_another_seed_another():
    first, again, other = (block_bootstrap(RETURNS, level="position", seed=seed) for seed in (7, 7, 8))

    assert first == again
    assert first != other


def test_memory_is_bounded_without_changing_the_answer(monkeypatch):
    whole = block_bootstrap(RETURNS, level="position", seed=7)
    monkeypatch.setattr("freqfleet.validation.monte_carlo._CELLS_AT_ONCE", 30)

    assert block_bootstrap(RETURNS, level="position", seed=7) == whole


def test_one_block_of_everything_only_rotates_the_trades():
    found = block_bootstrap(RETURNS, level="position", seed=3, block=len(RETURNS))

    assert found is not None
    assert found.total_return.low == pytest.approx(found.observed_return)
    assert found.total_return.high == pytest.approx(found.observed_return)


def test_blocks_keep_losses_together_that_come_together():
    bursts = np.tile([-0.01] * 6 + [0.01] * 6, 20)

    apart = block_bootstrap(bursts, level="position", seed=5, block=1)
    together = block_bootstrap(bursts, level="position", seed=5, block=24)

    assert apart is not None
    assert together is not None
    assert together.max_drawdown.low >= 1.0 - 0.99**6 - 1e-12
    assert together.losing_streak.low >= 6.0
    assert together.total_return.high - together.total_return.low < apart.total_return.high


def test_an_interval_is_as_wide_as_samples_of_one_market_differ():
    random = np.random.default_rng(20)
    inside = 0
    for market in range(100):
        sample = random.standard_t(5, size=150) * 0.01
        found = block_bootstrap(sample, level="position", seed=market, paths=200)
        assert found is not None
        # The truth is 0, the interval stands around the sample: half its width must reach the truth.
        inside += abs(found.observed_return) < (found.total_return.high - found.total_return.low) / 2.0
    assert 85 <= inside <= 100


def test_leverage_is_the_callers_matter_and_is_said():
    position = block_bootstrap(RETURNS, level="position", seed=1)
    margin = block_bootstrap(RETURNS * 3.0, level="margin", seed=1)

    assert position is not None
    assert margin is not None
    assert (position.level, margin.level) == ("position", "margin")
    assert margin.max_drawdown.median > 2.0 * position.max_drawdown.median


def test_a_smaller_stake_hurts_less():
    whole, tenth = (
        block_bootstrap(RETURNS, level="margin", seed=1, stake_ratio=share) for share in (1.0, 0.1)
    )

    assert whole is not None
    assert tenth is not None
    assert tenth.max_drawdown.high < whole.max_drawdown.low + 0.02
    assert tenth.losing_streak == whole.losing_streak


def test_losing_everything_is_a_drawdown_of_all():
    found = block_bootstrap(np.array([0.1] * 9 + [-1.2]), level="margin", seed=1)

    assert found is not None
    assert found.observed_drawdown == pytest.approx(1.0)
    assert found.observed_return == pytest.approx(-1.0)


def test_too_few_trades_have_no_interval():
    assert block_bootstrap(RETURNS[:9], level="position", seed=1) is None
    assert block_bootstrap(np.empty(0), level="position", seed=1) is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"level": "quote"}, "level must be position or margin, was 'quote'"),
        ({"stake_ratio": 0.0}, "stake_ratio must lie above 0"),
        ({"stake_ratio": 1.5}, "stake_ratio must lie above 0"),
        ({"paths": 0}, "paths must be at least 1"),
        ({"block": 0}, "block must lie in 1..12"),
        ({"block": 13}, "block must lie in 1..12"),
        ({"returns": np.array([0.1, np.nan, np.inf])}, "2 of 3 returns are no numbers"),
    ],
)
def test_bad_input_is_refused_with_its_value(arguments, said):
    given_values = {"returns": RETURNS, "level": "position", "seed": 1, **arguments}

    with pytest.raises(InputError, match=said):
        block_bootstrap(given_values.pop("returns"), **given_values)


@pytest.mark.parametrize(("trades", "block"), [(10, 2), (27, 3), (250, 6), (1000, 10)])
def test_blocks_grow_with_the_cube_root(trades, block):
    assert default_block(trades) == block
