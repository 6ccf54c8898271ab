"""The standard error of the demo's comparison: by hand, by brute force, and by its coverage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.demo.comparison import compare, difference, widening
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.sides import Side
from freqfleet.report.comparison import CONFIDENCE_FACTOR, Outcome
from freqfleet.testing.trades import closed_trade

FIRST = datetime(2025, 10, 1, 12, tzinfo=UTC)
LEVERAGE = 3.0
# (day of entry, position-level profit in bps)
Row = tuple[int, float]


def trades(rows: Sequence[Row], **fields: object) -> list[ClosedTrade]:
    return [
        closed_trade(
            trade_id=number,
            leverage=LEVERAGE,
            opened_at=FIRST + timedelta(days=day),
            closed_at=FIRST + timedelta(days=day, hours=20),  # most close on the next day
            margin_profit_ratio=LEVERAGE * bps / 10_000.0,
            **fields,
        )
        for number, (day, bps) in enumerate(rows, start=1)
    ]


# -- by hand ------------------------------------------------------------------------------------------


def test_two_days_with_two_trades_each() -> None:
    # learned: mean 20; day 0 adds (30 - 20 + 10 - 20) / 4 = 0,  day 1 adds (60 - 20 - 20 - 20) / 4 = 0
    # default: mean 0;  day 0 adds (10 + 10) / 4 = 5,            day 1 adds (-10 - 10) / 4 = -5
    # difference: day 0 has 0 - 5 = -5, day 1 has 0 + 5 = 5; sqrt(2 / 1 * (25 + 25)) = 10
    learned = trades([(0, 30.0), (0, 10.0), (1, 60.0), (1, -20.0)])
    default = trades([(0, 10.0), (0, 10.0), (1, -10.0), (1, -10.0)])

    found = difference(default, learned)

    assert found.difference_bps == pytest.approx(20.0)
    assert found.difference_se_bps == pytest.approx(10.0 * 12.706205 / CONFIDENCE_FACTOR)
    assert found.interval_bps == pytest.approx((20.0 - 127.06205, 20.0 + 127.06205))


def test_a_day_that_only_one_run_traded_counts_as_a_day() -> None:
    # learned: mean 0; days 0 and 2 add 15 / 2 and -15 / 2; default: mean 0, days 0 and 1 add 3 and -3
    # difference: 7.5 - 3 = 4.5, 0 + 3 = 3, -7.5; sqrt(3 / 2 * (20.25 + 9 + 56.25)) = 11.324752
    learned = trades([(0, 15.0), (2, -15.0)])
    default = trades([(0, 6.0), (1, -6.0)])

    found = difference(default, learned)

    assert found.difference_se_bps == pytest.approx(11.324752 * 4.302653 / CONFIDENCE_FACTOR)


def test_trades_of_one_day_are_one_piece_however_many_they_are() -> None:
    few = [(day, 10.0 * (-1) ** day) for day in range(8)]
    many = [row for row in few for _ in range(25)]
    flat = [(day, 0.0) for day in range(8)]

    alone, copied = difference(trades(flat), trades(few)), difference(trades(flat), trades(many))

    assert copied.difference_se_bps == pytest.approx(alone.difference_se_bps)


def test_the_day_is_that_of_the_entry_in_utc() -> None:
    late = datetime(2025, 10, 1, 23, 59, tzinfo=UTC)
    early = datetime(2025, 10, 2, 0, 1, tzinfo=UTC)
    closed = datetime(2025, 10, 2, 9, tzinfo=UTC)
    run = [
        closed_trade(trade_id=1, opened_at=late, closed_at=closed),
        closed_trade(trade_id=2, opened_at=early, closed_at=closed, margin_profit_ratio=0.0),
    ]

    assert difference(run, trades([(0, 1.0), (0, 2.0)])).difference_se_bps is not None
    assert difference([run[0], run[0]], trades([(0, 1.0), (0, 2.0)])).difference_se_bps is None


# -- where it is not known ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("default", "learned"),
    [
        ([], []),
        ([(0, 1.0), (1, 2.0)], []),
        ([], [(0, 1.0), (1, 2.0)]),
        ([(0, 1.0), (1, 2.0)], [(0, 1.0)]),
        ([(0, 1.0), (0, 2.0)], [(0, 3.0), (0, 4.0)]),
    ],
    ids=["no trades", "none learned", "none default", "one trade", "one day"],
)
def test_too_little_has_no_error_and_no_interval(default: list[Row], learned: list[Row]) -> None:
    found = difference(trades(default), trades(learned))

    assert found.difference_se_bps is None
    assert found.interval_bps is None
    assert (found.default_trades, found.learned_trades) == (len(default), len(learned))


def test_no_trades_have_no_mean() -> None:
    found = difference([], [])

    assert (found.default_mean_profit_ratio, found.learned_mean_profit_ratio) == (None, None)
    assert found.difference_bps is None


@given(
    rows=st.lists(st.tuples(st.integers(0, 5), st.floats(-500.0, 500.0)), min_size=2, max_size=30),
    seed=st.integers(0, 1000),
)
def test_identical_runs_differ_by_exactly_nothing(rows: list[Row], seed: int) -> None:
    shuffled = [rows[index] for index in np.random.default_rng(seed).permutation(len(rows))]

    found = difference(trades(rows), trades(shuffled))

    assert found.difference_bps == 0.0
    if len({day for day, _ in rows}) > 1:
        assert found.difference_se_bps == 0.0
        assert found.interval_bps == (0.0, 0.0)
    else:
        assert found.difference_se_bps is None


# -- by brute force -----------------------------------------------------------------------------------

runs = st.lists(st.tuples(st.integers(0, 6), st.floats(-500.0, 500.0)), min_size=2, max_size=25)


@given(default=runs, learned=runs)
def test_it_is_the_clustered_error_of_a_regression_on_the_run(default: list[Row], learned: list[Row]) -> None:
    """The same number as the textbook's sandwich: profit regressed on a constant and the run."""
    days = sorted({day for day, _ in (*default, *learned)})

    found = difference(trades(default), trades(learned)).difference_se_bps

    if len(days) < 2:
        assert found is None
        return
    profit = np.array([bps for _, bps in (*default, *learned)])
    is_learned = np.array([0.0] * len(default) + [1.0] * len(learned))
    design = np.column_stack([np.ones_like(profit), is_learned])
    bread = np.linalg.inv(design.T @ design)
    residual = profit - design @ (bread @ design.T @ profit)
    of_day = np.array([day for day, _ in (*default, *learned)])
    meat = np.zeros((2, 2))
    for day in days:
        score = design[of_day == day].T @ residual[of_day == day]
        meat += np.outer(score, score)
    sandwich = len(days) / (len(days) - 1) * bread @ meat @ bread
    error = math.sqrt(max(sandwich[1, 1], 0.0))
    assert found == pytest.approx(error * widening(len(days)), rel=1e-6, abs=1e-3)


@given(default=runs, learned=runs)
def test_swapping_the_runs_turns_the_difference_and_keeps_the_error(
    default: list[Row], learned: list[Row]
) -> None:
    one = difference(trades(default), trades(learned))
    other = difference(trades(learned), trades(default))

    assert one.difference_bps == pytest.approx(-(other.difference_bps or 0.0))
    assert one.difference_se_bps == pytest.approx(other.difference_se_bps)


@pytest.mark.parametrize(
    ("days", "student"),  # two-sided 95 % quantiles of Student's t with days - 1 degrees of freedom
    [(2, 12.706), (3, 4.303), (4, 3.182), (5, 2.776), (6, 2.571), (15, 2.145), (31, 2.042), (1000, 1.962)],
)
def test_few_days_widen_the_error_as_the_tables_say(days: int, student: float) -> None:
    assert widening(days) * CONFIDENCE_FACTOR == pytest.approx(student, rel=5e-3)


# -- coverage -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "trades_a_day"), [(5, 12), (14, 8), (40, 4)])
def test_the_interval_covers_nothing_to_find_in_95_of_100(days: int, trades_a_day: int) -> None:
    """Two runs that share their days, and half of their trades; neither is better."""
    rng = np.random.default_rng(days)
    covered, repetitions = 0, 400
    for _ in range(repetitions):
        of_day = rng.normal(0.0, 80.0, days)
        shared = [
            (day, of_day[day] + rng.normal(0.0, 200.0)) for day in range(days) for _ in range(trades_a_day)
        ]
        kept = rng.random(len(shared)) < 0.5
        own = [
            (day, bps if same else of_day[day] + rng.normal(0.0, 200.0))
            for (day, bps), same in zip(shared, kept, strict=True)
        ]
        interval = difference(trades(shared), trades(own)).interval_bps
        assert interval is not None
        covered += interval[0] <= 0.0 <= interval[1]

    # Three standard errors of 400 draws about 95 % reach from 91.7 % to 98.3 %.
    assert 0.917 <= covered / repetitions <= 0.985


# -- the comparison -----------------------------------------------------------------------------------


def test_pairs_are_compared_one_by_one_and_all_together() -> None:
    default = [
        *trades([(0, 10.0), (1, 20.0)]),
        *trades([(0, -30.0), (1, -10.0)], pair="ETH/USDT:USDT"),
    ]
    learned = [*trades([(0, 50.0), (1, 30.0)], profit_quote=25.0)]

    found = compare(
        default,
        learned,
        pairs=("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"),
        learned_sides={"BTC/USDT:USDT": (Side.LONG,)},
        starting_wallet_quote=1_000.0,
    )

    btc, eth, sol = found.pairs
    assert btc.difference.difference_bps == pytest.approx(25.0)
    assert (btc.learned_sides, eth.learned_sides, sol.learned_sides) == ((Side.LONG,), (), ())
    assert (eth.difference.default_trades, eth.difference.learned_trades) == (2, 0)
    assert sol.difference.default_trades == 0
    assert found.total.default_mean_profit_ratio == pytest.approx(-2.5e-4)
    assert found.total.learned_trades == 2
    assert found.default_profit_ratio_total == pytest.approx(4 * 6.0 / 1_000.0)
    assert found.learned_profit_ratio_total == pytest.approx(2 * 25.0 / 1_000.0)
    assert found.outcome is Outcome.TOO_FEW_TRADES


def test_identical_runs_are_no_difference_even_where_something_was_published() -> None:
    run = trades([(day, 10.0 * day) for day in range(10) for _ in range(5)])

    found = compare(
        run,
        run,
        pairs=("BTC/USDT:USDT",),
        learned_sides={"BTC/USDT:USDT": (Side.LONG, Side.SHORT)},
        starting_wallet_quote=1_000.0,
    )

    assert found.outcome is Outcome.NO_DIFFERENCE
