"""How much leverage a position gets: evidence proposes, limits dispose, and the reason is said."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.domain.leverage_bins import LEVERAGE_BINS
from freqfleet.domain.leverage_choice import (
    LeverageEvidence,
    LeverageLimit,
    choose_leverage,
    stake_multiplier,
    volatility_limit,
)
from freqfleet.testing.records import bin_record

# A quarter of Kelly's rule at 2 % a trade: 16 bps allow 1x, 160 bps 10x.
BPS_FOR_1X = 16.0


def evidence(*bps: float) -> LeverageEvidence:
    """The lower bounds of the five bins, in bps a trade."""
    listed = zip(LEVERAGE_BINS, bps, strict=True)
    return LeverageEvidence(tuple((step, bin_record(step=step, lower_bound_bps=one)) for step, one in listed))


def test_without_evidence_the_setting_holds_and_is_said() -> None:
    chosen = choose_leverage(wanted=3.0)

    assert (chosen.leverage, chosen.record) == (3.0, None)
    assert chosen.reason == "nothing published: the setting, 3x"


def test_the_highest_bin_that_supports_its_own_leverage_is_taken() -> None:
    # 96 bps support 6x, which lies in the bin from 5 on; the last bin would need 120 bps.
    chosen = choose_leverage(wanted=3.0, evidence=evidence(96, 96, 96, 96, 96))

    assert chosen.leverage == pytest.approx(6.0)
    assert chosen.reason.startswith("5.0-7.5 supports 6x (every pair long 5.0-7.5: lower bound +96.0 bps")


def test_a_bin_that_lost_is_not_entered_however_good_its_neighbours_are() -> None:
    chosen = choose_leverage(wanted=3.0, evidence=evidence(96, 96, 96, -10, -10))

    assert chosen.leverage == 5.0  # the upper edge of the last bin that supports it
    assert chosen.record is not None
    assert chosen.record.leverage_bin == LEVERAGE_BINS[2]


def test_where_no_bin_earns_there_is_no_leverage() -> None:
    chosen = choose_leverage(wanted=3.0, evidence=evidence(-5, -5, -5, -5, -5))

    assert chosen.leverage == 1.0
    assert "no bin supports its leverage" in chosen.reason


@given(
    wanted=st.floats(0.1, 200.0),
    bounds=st.lists(st.floats(-300.0, 3_000.0), min_size=5, max_size=5),
    most=st.lists(st.floats(0.01, 200.0), max_size=3),
    known=st.booleans(),
)
def test_leverage_lies_within_one_and_ten_and_below_every_limit_it_can_keep(
    wanted: float, bounds: list[float], most: list[float], known: bool
) -> None:
    limits = [LeverageLimit(one, "so") for one in most]

    chosen = choose_leverage(
        wanted=wanted, evidence=evidence(*bounds) if known else LeverageEvidence(), limits=limits
    )

    assert 1.0 <= chosen.leverage <= 10.0
    assert all(chosen.leverage <= max(1.0, one) for one in most)


def test_the_tightest_limit_is_named_and_one_that_is_no_number_allows_nothing() -> None:
    loose, tight = LeverageLimit(8.0, "loose"), LeverageLimit(2.5, "the stop is wide")

    assert choose_leverage(wanted=5.0, limits=[loose, tight]).reason.endswith(
        "; at most 2.5x: the stop is wide"
    )
    assert choose_leverage(wanted=5.0, limits=[LeverageLimit(math.nan, "unknown")]).leverage == 1.0


@pytest.mark.parametrize(("atr", "most"), [(0.001, 29.46), (0.003, 9.82), (0.01, 2.946)])
def test_volatility_limits_leverage_to_two_average_days(atr: float, most: float) -> None:
    assert volatility_limit(atr).most == pytest.approx(most, rel=1e-3)


@pytest.mark.parametrize("atr", [None, math.nan, 0.0])
def test_unknown_volatility_allows_no_leverage(atr: float | None) -> None:
    assert volatility_limit(atr) == LeverageLimit(1.0, "the volatility at entry is unknown")


@pytest.mark.parametrize(
    ("bps", "leverage", "factor"),
    [(3 * BPS_FOR_1X, 3.0, 1.0), (1.5 * BPS_FOR_1X, 3.0, 0.5), (-5.0, 3.0, 0.25), (900.0, 1.0, 1.2)],
)
def test_the_stake_makes_exposure_a_quarter_of_kelly_within_its_bounds(
    bps: float, leverage: float, factor: float
) -> None:
    found, reason = stake_multiplier(bin_record(lower_bound_bps=bps).posterior, leverage)

    assert found == pytest.approx(factor)
    assert reason.startswith("a quarter of Kelly allows ")


def test_without_a_posterior_the_whole_stake_is_used() -> None:
    assert stake_multiplier(None, 3.0) == (1.0, "nothing published: the whole stake")
