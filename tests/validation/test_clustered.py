import math

import numpy as np
import pytest
from scipy import stats

from freqfleet.errors import InputError
from freqfleet.validation.clustered import mean_test
from freqfleet.validation.folds import DAY_MS

SOME = {"min_nonzero": 1}


def on_days(*numbers):
    return np.array(numbers, dtype=np.int64) * DAY_MS + 3_600_000


def test_one_trade_a_day_far_apart_is_the_ordinary_t():
    values = np.array([0.01, 0.03, -0.01, 0.02, 0.005])

    found = mean_test(values, np.ones(5), on_days(0, 10, 20, 30, 40), **SOME)

    assert found.mean == pytest.approx(values.mean())
    assert found.t == pytest.approx(stats.ttest_1samp(values, 0.0).statistic)


def test_trades_of_one_day_are_one_observation():
    days = on_days(0, 10, 20, 30, 40)
    values = np.array([0.01, 0.03, -0.01, 0.02, 0.005])

    once = mean_test(values, np.ones(5), days, **SOME)
    thrice = mean_test(np.repeat(values, 3), np.ones(15), np.repeat(days, 3), **SOME)

    assert thrice.t == pytest.approx(once.t)
    assert thrice.effective_df == pytest.approx(once.effective_df)


def test_weights_are_no_counts():
    values = np.array([0.01, 0.03, -0.01, 0.02, 0.005])
    days = on_days(0, 10, 20, 30, 40)

    light, heavy = (mean_test(values, np.full(5, weight), days, **SOME) for weight in (1.0, 3.0))

    assert heavy.t == pytest.approx(light.t)
    assert heavy.p_value == pytest.approx(light.p_value)


def test_neighbouring_days_that_agree_widen_the_error():
    values = np.array([0.03, 0.02, -0.03, -0.02, 0.02, 0.03])

    apart = mean_test(values, np.ones(6), on_days(0, 10, 20, 30, 40, 50), **SOME)
    together = mean_test(values, np.ones(6), on_days(0, 1, 20, 21, 40, 41), **SOME)

    assert together.standard_error > apart.standard_error


def test_neighbouring_days_that_offset_each_other_at_most_halve_the_variance():
    values = np.array([0.03, -0.03, 0.03, -0.03, 0.03, -0.03])

    apart = mean_test(values, np.ones(6), on_days(0, 10, 20, 30, 40, 50), **SOME)
    together = mean_test(values, np.ones(6), on_days(0, 1, 2, 3, 4, 5), **SOME)

    assert together.standard_error == pytest.approx(apart.standard_error * math.sqrt(0.5))


def test_days_that_carry_everything_leave_few_degrees_of_freedom():
    even = mean_test(np.array([0.01, -0.01] * 5), np.ones(10), on_days(*range(0, 100, 10)), **SOME)
    uneven = mean_test(
        np.array([0.3, -0.3] + [0.001, -0.001] * 4), np.ones(10), on_days(*range(0, 100, 10)), **SOME
    )

    assert even.effective_df == pytest.approx(9.0)
    assert uneven.effective_df == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("values", "weights", "days", "unsure"),
    [
        ([], [], (), "no trades to judge by"),
        ([0.01, 0.02], [0.0, 0.0], (0, 1), "every weight is zero"),
        ([0.01, 0.02, 0.0], [1.0, 1.0, 1.0], (0, 1, 2), "2 trades differ from what is in force, 3 needed"),
        ([0.01, 0.02, 0.03], [1.0, 1.0, 1.0], (0, 0, 0), "trades on 1 day, 4 needed"),
        ([0.01] * 5, [1.0] * 5, (0, 1, 2, 3, 4), "all trades did the same, so their spread is unknown"),
    ],
)
def test_what_says_nothing_is_unsure_and_never_significant(values, weights, days, unsure):
    found = mean_test(np.array(values), np.array(weights), on_days(*days), min_nonzero=3)

    assert found.p_value == 1.0
    assert math.isnan(found.t)
    assert found.unsure == unsure


def test_value_that_is_no_number_is_refused():
    with pytest.raises(InputError, match="trade 1: the paired difference is nan"):
        mean_test(np.array([0.1, np.nan]), np.ones(2), on_days(0, 1))
