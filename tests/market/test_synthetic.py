"""The made-up price process: what it claims, checked by its own statistics (seeds are fixed)."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from freqfleet.errors import InputError
from freqfleet.market.synthetic import (
    BARS_PER_DAY,
    Kind,
    PairProcess,
    Paths,
    extremes,
    planted_process,
    refine,
    simulate,
)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def calm(bars: int, count: int, variance: float) -> Paths:
    """Brownian paths with one known variance a bar."""
    end = np.cumsum(np.sqrt(variance) * rng(2).standard_normal((bars, count)), axis=0)
    start = np.vstack([np.zeros((1, count)), end[:-1]])
    return Paths(start=start, end=end, variance=np.full((bars, count), variance))


def test_an_edge_free_price_is_a_martingale() -> None:
    paths = simulate([planted_process(Kind.EDGE_FREE)] * 20_000, BARS_PER_DAY, rng(), one_market=False)

    gains = np.expm1(paths.end[-1])

    assert abs(gains.mean()) < 4 * gains.std() / np.sqrt(len(gains))


@pytest.mark.parametrize("kind", Kind)
def test_no_kind_favours_a_side(kind: Kind) -> None:
    paths = simulate([planted_process(kind)] * 8_000, BARS_PER_DAY, rng(3), one_market=False)

    moves = paths.end[-1]

    # The martingale correction and the median differ by half the variance: a few bps.
    assert abs(np.median(moves)) < 4 * 1.2533 * moves.std() / np.sqrt(len(moves)) + moves.var() / 2


def test_the_shocks_have_the_volatility_that_was_asked_for() -> None:
    process = PairProcess(kind=Kind.EDGE_FREE, daily_volatility_ratio=0.04)

    paths = simulate([process] * 3_000, BARS_PER_DAY, rng(4), one_market=False)

    assert paths.end[-1].std() == pytest.approx(0.04, rel=0.06)


def test_a_bar_starts_where_the_one_before_it_ended() -> None:
    paths = simulate([planted_process(kind) for kind in Kind], 50, rng(), one_market=True)

    np.testing.assert_array_equal(paths.start[1:], paths.end[:-1])
    np.testing.assert_array_equal(paths.start[0], 0.0)


def test_pairs_of_one_market_move_together_and_others_do_not() -> None:
    processes = [PairProcess(kind=Kind.EDGE_FREE, daily_volatility_ratio=0.04, market_share=0.4)] * 2

    together = np.diff(simulate(processes, 20_000, rng(), one_market=True).end, axis=0)
    apart = np.diff(simulate(processes, 20_000, rng(), one_market=False).end, axis=0)

    assert np.corrcoef(together.T)[0, 1] == pytest.approx(0.4, abs=0.08)
    assert abs(np.corrcoef(apart.T)[0, 1]) < 0.03


def test_returns_have_fat_tails_and_volatility_comes_in_clusters() -> None:
    end = simulate([planted_process(Kind.EDGE_FREE)] * 4, 20_000, rng(), one_market=False).end

    moves = np.diff(end, axis=0)
    kurtosis = (moves**4).mean(axis=0) / (moves**2).mean(axis=0) ** 2
    size = np.abs(moves)
    an_hour_later = [np.corrcoef(size[:-12, i], size[12:, i])[0, 1] for i in range(4)]

    assert kurtosis.min() > 5.0
    assert min(an_hour_later) > 0.05
    assert abs(np.corrcoef(moves[:-12, 0], moves[12:, 0])[0, 1]) < 0.03


def test_highs_follow_the_reflection_principle() -> None:
    paths = calm(bars=1, count=40_000, variance=0.01**2)

    high, low = extremes(paths, rng())

    for level in (0.005, 0.01, 0.02):
        expected = 2 * (1 - NormalDist().cdf(level / 0.01))
        tolerance = 4 * np.sqrt(expected / 40_000)
        assert (high >= level).mean() == pytest.approx(expected, abs=tolerance)
        assert (low <= -level).mean() == pytest.approx(expected, abs=tolerance)


def test_highs_and_lows_enclose_both_ends() -> None:
    paths = simulate([planted_process(kind) for kind in Kind], 500, rng(), one_market=True)

    high, low = extremes(paths, rng())

    assert (high >= np.maximum(paths.start, paths.end)).all()
    assert (low <= np.minimum(paths.start, paths.end)).all()


def test_refining_keeps_the_ends_and_shares_out_the_variance() -> None:
    coarse = calm(bars=4_000, count=2, variance=0.01**2)

    fine = refine(coarse, 5, rng())

    np.testing.assert_allclose(fine.end[4::5], coarse.end, atol=1e-15)
    np.testing.assert_array_equal(fine.start[1:], fine.end[:-1])
    np.testing.assert_allclose(fine.variance, 0.01**2 / 5)
    assert (fine.end - fine.start).std() == pytest.approx(0.01 / np.sqrt(5), rel=0.02)


def test_refined_bars_reach_as_far_as_coarse_ones() -> None:
    coarse = calm(bars=1, count=40_000, variance=0.01**2)

    high, _ = extremes(refine(coarse, 5, rng(7)), rng(8))

    expected = 2 * (1 - NormalDist().cdf(1.5))
    assert (high.max(axis=0) >= 0.015).mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / 40_000))


def test_overshoots_come_back() -> None:
    process = PairProcess(
        kind=Kind.MEAN_REVERTING,
        daily_volatility_ratio=0.001,
        overshoot_ratio=0.04,
        overshoots_per_day=2.0,
        transient_share=0.9,
    )

    end = simulate([process] * 20, 5 * BARS_PER_DAY, rng(), one_market=False).end
    away = np.abs(end - np.median(end, axis=0))

    assert away.max() > 0.03
    # An overshoot is seldom and short: the price is near its middle most of the time.
    assert (away < 0.01).mean() > 0.6


def test_a_drift_lasts_about_as_long_as_it_says() -> None:
    process = PairProcess(
        kind=Kind.MOMENTUM, daily_volatility_ratio=1e-6, drift_per_day_ratio=0.1, drift_dwell_hours=24.0
    )

    moves = np.diff(simulate([process] * 100, 10 * BARS_PER_DAY, rng(), one_market=False).end, axis=0)
    turns = (np.sign(moves[1:]) != np.sign(moves[:-1])).sum()

    assert np.abs(moves) * BARS_PER_DAY == pytest.approx(0.1, rel=0.01)
    assert turns == pytest.approx(100 * 10, rel=0.15)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_says_what_is_planted(kind: Kind) -> None:
    assert (planted_process(kind).edge == "nothing") is (kind is Kind.EDGE_FREE)


@pytest.mark.parametrize(
    ("name", "value"),
    [("daily_volatility_ratio", 0.0), ("market_share", 1.1), ("transient_share", -0.1)],
)
def test_a_process_out_of_bounds_is_refused_by_name(name: str, value: float) -> None:
    values = {"daily_volatility_ratio": 0.04, name: value}

    with pytest.raises(InputError, match=f"{name} must lie in 0..1, was {value}"):
        PairProcess(kind=Kind.EDGE_FREE, **values)
