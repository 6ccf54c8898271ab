"""The measurement behind truth.json: known answers, and edges that are there or are not."""

from __future__ import annotations

import numpy as np
import pytest

from freqfleet.market.planted import ExitGrid, measure_edge, measure_exits
from freqfleet.market.sample_truth import truth_grid
from freqfleet.market.synthetic import Kind, PairProcess, planted_process
from freqfleet.settings import DefaultSettings, OptimizerSettings

STEADY_CLIMB_OR_FALL = PairProcess(
    kind=Kind.MOMENTUM,
    daily_volatility_ratio=1e-6,
    drift_per_day_ratio=0.10,
    drift_dwell_hours=1e9,
)


def grid(stops: tuple[float, ...], targets: tuple[float, ...]) -> ExitGrid:
    return ExitGrid(
        stop_losses=stops,
        take_profits=targets,
        reward_risk_min=0.8,
        default=(-0.03, 0.03),
        time_limit_minutes=1440,
    )


@pytest.mark.parametrize(
    ("stop_loss", "take_profit", "mean_profit"),
    [
        # Price moves by 10 % (log) within the time limit, one way: one side gains, the other one loses.
        (-0.01, 0.05, (0.05 - 0.01) / 2),
        (-0.02, 0.04, (0.04 - 0.02) / 2),
        # A target that is never reached: up +10.52 %, down -9.52 %, closed at the limit.
        (-0.01, 0.20, ((np.expm1(0.1) - 0.01) + (-np.expm1(-0.1) - 0.01)) / 4),
        # Nor a stop: what one side gains the other one loses.
        (-0.30, 0.30, 0.0),
    ],
)
def test_a_steady_drift_pays_what_can_be_worked_out_by_hand(
    stop_loss: float, take_profit: float, mean_profit: float
) -> None:
    edge = measure_exits(
        STEADY_CLIMB_OR_FALL,
        grid((), ()),
        np.random.default_rng(1),
        stop_loss=stop_loss,
        take_profit=take_profit,
        entries=2_000,
    )

    # The default stops one side at -3 % and takes +3 % on the other: 0.
    assert edge.improvement_bps == pytest.approx(mean_profit * 1e4, abs=4 * edge.standard_error_bps + 0.01)
    assert edge.entries == 2_000


def test_the_best_exits_of_a_steady_drift_are_found() -> None:
    edge = measure_edge(
        STEADY_CLIMB_OR_FALL,
        grid((-0.01, -0.02, -0.05), (0.02, 0.04, 0.06)),
        np.random.default_rng(1),
        entries=200,
    )

    assert (edge.stop_loss, edge.take_profit) == (-0.01, 0.06)


def test_candidates_keep_the_least_reward_for_their_risk() -> None:
    assert grid((-0.01, -0.05), (0.02, 0.04)).candidates == [(-0.01, 0.02), (-0.01, 0.04), (-0.05, 0.04)]


def test_the_truth_is_measured_within_the_search_space_that_ships() -> None:
    shipped, search, defaults = truth_grid(), OptimizerSettings(), DefaultSettings()

    assert (min(shipped.stop_losses), max(shipped.stop_losses)) == search.stop_loss
    assert (min(shipped.take_profits), max(shipped.take_profits)) == search.take_profit
    assert len(set(shipped.candidates)) == len(shipped.candidates)
    assert shipped.reward_risk_min == search.reward_risk_min
    assert shipped.default == (defaults.stop_loss, defaults.take_profit)
    assert shipped.time_limit_minutes == defaults.time_limit_minutes


@pytest.mark.parametrize("scale", [0.9, 1.1])
@pytest.mark.parametrize("kind", [Kind.MEAN_REVERTING, Kind.MOMENTUM])
def test_a_planted_edge_is_worth_at_least_forty_bps(kind: Kind, scale: float) -> None:
    edge = measure_edge(planted_process(kind, scale), truth_grid(), np.random.default_rng(5), entries=2_000)

    assert edge.improvement_bps - 4 * edge.standard_error_bps > 40.0


def test_a_mean_reverting_pair_wants_a_wide_stop_and_a_momentum_pair_a_tight_one() -> None:
    reverting = measure_edge(
        planted_process(Kind.MEAN_REVERTING), truth_grid(), np.random.default_rng(5), entries=2_000
    )
    momentum = measure_edge(
        planted_process(Kind.MOMENTUM), truth_grid(), np.random.default_rng(5), entries=2_000
    )

    assert reverting.stop_loss <= -0.04
    assert reverting.take_profit <= 0.05
    assert momentum.stop_loss >= -0.02
    assert momentum.take_profit >= 0.10


@pytest.mark.parametrize(("stop_loss", "take_profit"), [(-0.01, 0.20), (-0.01, 0.015), (-0.05, 0.04)])
def test_no_exits_earn_anything_where_nothing_is_planted(stop_loss: float, take_profit: float) -> None:
    edge = measure_exits(
        planted_process(Kind.EDGE_FREE),
        truth_grid(),
        np.random.default_rng(6),
        stop_loss=stop_loss,
        take_profit=take_profit,
        entries=10_000,
    )

    assert abs(edge.improvement_bps) < 4 * edge.standard_error_bps
    assert edge.standard_error_bps < 2.0


def test_the_choice_of_exits_does_not_flatter_their_value() -> None:
    # Few entries and many candidates: the best of them looks good by chance where it was chosen.
    chance = [
        measure_edge(planted_process(Kind.EDGE_FREE), truth_grid(), np.random.default_rng(seed), entries=100)
        for seed in range(16)
    ]

    mean = np.mean([edge.improvement_bps for edge in chance])
    error = np.sqrt(np.sum([edge.standard_error_bps**2 for edge in chance])) / len(chance)
    assert abs(mean) < 4 * error
