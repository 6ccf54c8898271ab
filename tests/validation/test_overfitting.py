from __future__ import annotations

import math

import numpy as np
import pytest

from freqfleet.errors import InputError
from freqfleet.validation.overfitting import (
    BLOCKS,
    backtest_overfitting,
    deflated_sharpe,
    independent_trials,
)


def test_the_example_of_the_paper():
    # Bailey and Lopez de Prado 2014: 100 trials with an annual variance of 1/2, the best has 2.5 a year over
    # 1,250 days (250 a year), skew -3, kurtosis 10.
    found = deflated_sharpe(
        2.5 / math.sqrt(250),
        observations=1250,
        skew=-3.0,
        kurtosis=10.0,
        trials=100,
        sharpe_variance=0.5 / 250,
    )

    assert found is not None
    assert found.expected_maximum == pytest.approx(0.1132, abs=5e-5)
    assert found.probability == pytest.approx(0.9004, abs=5e-5)


def test_more_trials_deflate_more():
    few, many = (
        deflated_sharpe(0.15, observations=500, skew=0.0, kurtosis=3.0, trials=trials, sharpe_variance=0.002)
        for trials in (10, 1000)
    )

    assert few is not None
    assert many is not None
    assert few.probability > many.probability


@pytest.mark.parametrize(
    "change", [{"observations": 1}, {"trials": 1}, {"sharpe_variance": -1.0}, {"skew": 100.0}]
)
def test_where_it_is_not_defined_there_is_none(change):
    values = {"observations": 500, "skew": 0.0, "kurtosis": 3.0, "trials": 9, "sharpe_variance": 0.002}

    assert deflated_sharpe(0.15, **{**values, **change}) is None


def test_nan_is_refused():
    with pytest.raises(InputError, match="must be numbers"):
        deflated_sharpe(math.nan, observations=9, skew=0.0, kurtosis=3.0, trials=9, sharpe_variance=0.1)


def test_a_cell_that_is_best_everywhere_is_not_overfitted():
    sums = np.zeros((BLOCKS, 20))
    sums[:, 7] = 1.0

    found = backtest_overfitting(sums, np.ones(BLOCKS))

    assert found is not None
    assert (found.pbo, found.splits) == (0.0, 70)
    assert found.mean_logit > 0.0


def test_cells_that_shine_in_one_block_only_are_overfitted():
    # Every cell is paid for one lucky block by all the others.
    sums = np.full((BLOCKS, BLOCKS), -0.5)
    np.fill_diagonal(sums, 3.0)

    found = backtest_overfitting(sums, np.ones(BLOCKS))

    assert found is not None
    assert found.pbo == 1.0


def test_noise_is_a_coin_flip():
    random = np.random.default_rng(11)
    values = [backtest_overfitting(random.normal(size=(BLOCKS, 60)), np.ones(BLOCKS)).pbo for _ in range(40)]

    assert 0.4 < np.mean(values) < 0.6


def test_cells_that_are_all_equal_stand_in_the_middle():
    found = backtest_overfitting(np.ones((2, 5)), np.ones(2))

    assert found is not None
    assert found.mean_logit == pytest.approx(0.0)


def test_means_are_compared_and_not_sums():
    # The second block holds ten times the weight; its cell 1 earns less a trade than cell 0 does.
    sums = np.array([[1.0, 0.5], [10.0, 5.0]])

    found = backtest_overfitting(sums, np.array([1.0, 10.0]))

    assert found is not None
    assert found.pbo == 0.0


@pytest.mark.parametrize(("weights", "cells"), [(np.array([1.0, 0.0]), 3), (np.array([1.0, 1.0]), 1)])
def test_halves_without_trades_and_single_cells_have_no_answer(weights, cells):
    assert backtest_overfitting(np.ones((2, cells)), weights) is None


@pytest.mark.parametrize(
    ("sums", "weights", "said"),
    [
        (np.ones((3, 2)), np.ones(3), "even number of blocks is needed, was 3"),
        (np.ones((4, 2)), np.ones(2), r"must be \(2, cells\), was \(4, 2\)"),
        (np.array([[np.nan, 1.0], [1.0, 1.0]]), np.ones(2), "NaN or infinite"),
    ],
)
def test_bad_input_is_refused(sums, weights, said):
    with pytest.raises(InputError, match=said):
        backtest_overfitting(sums, weights)


def test_copies_of_one_try_are_one_try_and_unrelated_ones_are_many():
    random = np.random.default_rng(2)
    one = random.normal(size=(400, 1))

    assert independent_trials(np.repeat(one, 50, axis=1)) == pytest.approx(1.0)
    assert 40 < independent_trials(random.normal(size=(2000, 50))) <= 50
    assert independent_trials(np.ones((10, 4))) is None
