"""The verdict: honest about size, chance, few trades, and what a better mean does not mean."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.domain.sides import Side
from freqfleet.report.comparison import Comparison, Difference, Outcome, PairComparison, verdict


def of_total(
    default_bps: float | None,
    learned_bps: float | None,
    se_bps: float | None,
    *,
    trades: tuple[int, int] = (400, 390),
    accounts: tuple[float, float] = (0.01, 0.02),
    learned_sides: tuple[Side, ...] = (Side.LONG,),
) -> Comparison:
    total = Difference(
        default_trades=trades[0],
        default_mean_profit_ratio=None if default_bps is None else default_bps / 1e4,
        learned_trades=trades[1],
        learned_mean_profit_ratio=None if learned_bps is None else learned_bps / 1e4,
        difference_se_bps=se_bps,
    )
    line = PairComparison(pair="BTC/USDT:USDT", learned_sides=learned_sides, difference=total)
    return Comparison(
        pairs=(line,),
        total=total,
        method="by hand",
        default_profit_ratio_total=accounts[0],
        learned_profit_ratio_total=accounts[1],
    )


# fmt: off
#   default  learned     se   expected outcome
CASES = [
    (    2.0,    30.0,  10.0, Outcome.BETTER),
    (    2.0,    21.0,  10.0, Outcome.NO_DIFFERENCE),  # 19 bps, 1.96 x 10 needed
    (    2.0,    22.0,  10.0, Outcome.BETTER),
    (   30.0,     2.0,  10.0, Outcome.WORSE),
    (  -10.0,   -40.0,  10.0, Outcome.WORSE),
    (    2.0,     1.0,  10.0, Outcome.NO_DIFFERENCE),
    (    5.0,     5.0,   0.0, Outcome.NO_DIFFERENCE),
    (    5.0,     9.0,   0.0, Outcome.NOT_MEASURED),
    (    5.0,     9.0,  None, Outcome.NOT_MEASURED),
    (    5.0,     9.0, float("nan"), Outcome.NOT_MEASURED),
]
# fmt: on


@pytest.mark.parametrize(("default", "learned", "error", "expected"), CASES)
def test_outcome_follows_the_interval(
    default: float, learned: float, error: float | None, expected: Outcome
) -> None:
    assert of_total(default, learned, error).outcome is expected


def test_better_says_its_size_interval_and_trades() -> None:
    text = verdict(of_total(2.0, 30.0, 10.0))

    assert "did better than the defaults: +28.0 bps a trade (95 % interval +8.4 to +47.6 bps)" in text
    assert "from +2.0 bps with defaults to +30.0 bps" in text
    assert "400 trades with defaults and 390 with what was learned" in text
    assert "not profitable" not in text


def test_worse_says_plainly_that_it_lost() -> None:
    text = verdict(of_total(30.0, 2.0, 10.0))

    assert "did worse than the defaults: -28.0 bps a trade" in text
    assert "It lost this test." in text


def test_no_difference_is_neither_better_nor_worse() -> None:
    text = verdict(of_total(2.0, 8.0, 10.0))

    assert "chance alone can explain it" in text
    assert "better" not in text
    assert "worse" not in text


def test_better_that_still_loses_is_called_not_profitable() -> None:
    text = verdict(of_total(-60.0, -20.0, 10.0))

    assert "did better" in text
    assert "Better is not profitable" in text


@pytest.mark.parametrize(
    ("default", "learned", "accounts"), [(2.0, 30.0, (0.05, 0.01)), (30.0, 2.0, (0.01, 0.05))]
)
def test_account_that_contradicts_the_mean_is_named(
    default: float, learned: float, accounts: tuple[float, float]
) -> None:
    text = verdict(of_total(default, learned, 10.0, accounts=accounts))

    assert "The account says otherwise" in text
    assert "+5.00 %" in text


@pytest.mark.parametrize("trades", [(29, 400), (400, 29), (0, 0)])
def test_few_trades_are_not_judged_however_large_the_difference(trades: tuple[int, int]) -> None:
    comparison = of_total(0.0, 500.0, 1.0, trades=trades)

    assert comparison.outcome is Outcome.TOO_FEW_TRADES
    assert "30 are needed in each" in verdict(comparison)
    assert "better" not in verdict(comparison)


def test_nothing_published_leaves_nothing_to_compare() -> None:
    comparison = of_total(0.0, 50.0, 1.0, learned_sides=())

    assert comparison.outcome is Outcome.NOTHING_PUBLISHED
    assert "There is nothing to compare" in verdict(comparison)


def test_runs_without_trades_have_no_difference_and_no_interval() -> None:
    total = of_total(None, None, None, trades=(0, 0)).total

    assert total.difference_bps is None
    assert total.interval_bps is None


def test_same_trades_in_both_runs_are_called_the_same() -> None:
    assert "Both runs earned the same: +5.0 bps a trade." in verdict(of_total(5.0, 5.0, 0.0))


@given(
    default=st.floats(-500, 500),
    learned=st.floats(-500, 500),
    error=st.floats(0.01, 200),
    trades=st.integers(0, 900),
)
def test_swapping_the_runs_swaps_better_and_worse(
    default: float, learned: float, error: float, trades: int
) -> None:
    swapped = {Outcome.BETTER: Outcome.WORSE, Outcome.WORSE: Outcome.BETTER}

    one = of_total(default, learned, error, trades=(trades, trades))
    other = of_total(learned, default, error, trades=(trades, trades))

    assert other.outcome is swapped.get(one.outcome, one.outcome)


@given(default=st.floats(-500, 500), learned=st.floats(-500, 500), error=st.floats(0.01, 200))
def test_wider_error_never_turns_no_difference_into_a_claim(
    default: float, learned: float, error: float
) -> None:
    narrow = of_total(default, learned, error)
    wide = replace(narrow, total=replace(narrow.total, difference_se_bps=error * 2.0))

    if narrow.outcome is Outcome.NO_DIFFERENCE:
        assert wide.outcome is Outcome.NO_DIFFERENCE
