from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.domain.exit_plan import ExitPlan
from freqfleet.domain.exits import (
    EXIT_REASONS,
    MOVED_STOP_REASONS,
    STOP_LOSS_BOUNDS,
    STOP_REASONS,
    TAKE_PROFIT_BOUNDS,
    TIME_LIMIT_MINUTES_BOUNDS,
    VOLATILITY_SCALING_BOUNDS,
    ExitParameters,
    ExitSource,
    effective_barriers,
)
from freqfleet.domain.sides import Side
from freqfleet.errors import ParameterError

PRICES = st.floats(1e-6, 1e6)
VOLATILITIES = st.none() | st.floats(0.0, 0.2)
PARAMETERS = st.builds(
    ExitParameters,
    stop_loss=st.floats(*STOP_LOSS_BOUNDS),
    take_profit=st.floats(*TAKE_PROFIT_BOUNDS),
    volatility_scaling=st.floats(*VOLATILITY_SCALING_BOUNDS),
    atr_reference_ratio=st.floats(1e-5, 0.1),
    time_limit_minutes=st.integers(*TIME_LIMIT_MINUTES_BOUNDS),
)
UNSCALED = st.builds(
    ExitParameters,
    stop_loss=st.floats(*STOP_LOSS_BOUNDS),
    take_profit=st.floats(*TAKE_PROFIT_BOUNDS),
    atr_reference_ratio=st.none() | st.floats(1e-5, 0.1),
)
PLANS = st.builds(
    ExitPlan,
    parameters=PARAMETERS | UNSCALED,
    source=st.sampled_from(ExitSource),
    version=st.text(min_size=1, max_size=12),
    atr_ratio=VOLATILITIES,
)

LONG_AND_SHORT = pytest.mark.parametrize("side", list(Side))


def parameters(**changes: object) -> ExitParameters:
    values: dict[str, object] = {"stop_loss": -0.03, "take_profit": 0.05}
    return ExitParameters(**{**values, **changes})  # type: ignore[arg-type]


# -- barriers -----------------------------------------------------------------------------------------


def test_the_stop_of_a_long_lies_below_and_its_target_above_the_entry():
    barriers = effective_barriers(parameters(), open_rate=200.0, side=Side.LONG, atr_ratio=None)

    assert (barriers.stop_rate, barriers.target_rate) == (pytest.approx(194.0), pytest.approx(210.0))


def test_a_short_is_the_mirror_image():
    barriers = effective_barriers(parameters(), open_rate=200.0, side=Side.SHORT, atr_ratio=None)

    assert (barriers.stop_rate, barriers.target_rate) == (pytest.approx(206.0), pytest.approx(190.0))


@given(PARAMETERS, PRICES, VOLATILITIES)
def test_both_sides_have_the_same_distances(learned, open_rate, atr_ratio):
    long, short = (
        effective_barriers(learned, open_rate=open_rate, side=side, atr_ratio=atr_ratio) for side in Side
    )

    assert (long.stop_ratio, long.target_ratio) == (short.stop_ratio, short.target_ratio)
    assert long.stop_rate - open_rate == pytest.approx(open_rate - short.stop_rate, rel=1e-6)
    assert long.target_rate - open_rate == pytest.approx(open_rate - short.target_rate, rel=1e-6)


@given(UNSCALED, PRICES, VOLATILITIES)
def test_without_scaling_the_barriers_stand_as_written(learned, open_rate, atr_ratio):
    barriers = effective_barriers(learned, open_rate=open_rate, side=Side.LONG, atr_ratio=atr_ratio)

    assert (barriers.stop_ratio, barriers.target_ratio) == (learned.stop_loss, learned.take_profit)


@given(PARAMETERS, PRICES, VOLATILITIES)
def test_barriers_stay_within_the_bounds_and_on_their_side_of_the_entry(learned, open_rate, atr_ratio):
    barriers = effective_barriers(learned, open_rate=open_rate, side=Side.LONG, atr_ratio=atr_ratio)

    assert STOP_LOSS_BOUNDS[0] <= barriers.stop_ratio < 0.0
    assert 0.0 < barriers.target_ratio <= TAKE_PROFIT_BOUNDS[1]


@pytest.mark.parametrize(
    ("atr_ratio", "factor"),
    [
        (0.002, 1.0),  # as usual: as written
        (0.003, 1.5),
        (0.001, 0.5),
        (0.0001, 0.5),  # clipped: a dead market does not put the stop into the spread
        (0.1, 2.0),  # clipped: a crash does not remove the stop
        (math.inf, 2.0),
        (None, 1.0),  # not known
        (math.nan, 1.0),
        (0.0, 1.0),
    ],
)
def test_full_scaling_follows_the_volatility_within_half_and_double(atr_ratio, factor):
    scaled = parameters(volatility_scaling=1.0, atr_reference_ratio=0.002)

    barriers = effective_barriers(scaled, open_rate=100.0, side=Side.LONG, atr_ratio=atr_ratio)

    assert barriers.stop_ratio == pytest.approx(-0.03 * factor)
    assert barriers.target_ratio == pytest.approx(0.05 * factor)


def test_half_scaling_follows_with_the_square_root():
    half = parameters(volatility_scaling=0.5, atr_reference_ratio=0.002)

    assert half.volatility_factor(0.004) == pytest.approx(math.sqrt(2.0))


def test_scaling_never_leaves_the_bounds_of_the_domain():
    wide = parameters(stop_loss=-0.25, take_profit=0.40, volatility_scaling=1.0, atr_reference_ratio=0.002)

    barriers = effective_barriers(wide, open_rate=100.0, side=Side.LONG, atr_ratio=0.004)

    assert (barriers.stop_ratio, barriers.target_ratio) == (STOP_LOSS_BOUNDS[0], TAKE_PROFIT_BOUNDS[1])


@LONG_AND_SHORT
def test_a_price_on_the_barrier_has_crossed_it(side):
    barriers = effective_barriers(parameters(), open_rate=100.0, side=side, atr_ratio=None)
    worse, better = 1.0 - side.sign * 1e-6, 1.0 + side.sign * 1e-6

    assert barriers.stop_crossed(barriers.stop_rate, side)
    assert barriers.stop_crossed(barriers.stop_rate * worse, side)
    assert not barriers.stop_crossed(barriers.stop_rate * better, side)
    assert barriers.target_crossed(barriers.target_rate, side)
    assert barriers.target_crossed(barriers.target_rate * better, side)
    assert not barriers.target_crossed(barriers.target_rate * worse, side)


# -- parameters ---------------------------------------------------------------------------------------


def test_reward_over_risk_is_a_ratio_of_distances():
    assert parameters(stop_loss=-0.02, take_profit=0.05).reward_risk == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"stop_loss": -0.31}, "stop_loss must lie in -0.3..-0.0025, was -0.31"),
        ({"stop_loss": 0.03}, "was 0.03"),  # a sign that was forgotten
        ({"stop_loss": math.nan}, "was nan"),
        ({"stop_loss": "-0.03"}, "was '-0.03'"),
        ({"stop_loss": True}, "was True"),
        ({"take_profit": 0.004}, "take_profit must lie in 0.005..0.5, was 0.004"),
        ({"take_profit": 3.0}, "was 3.0"),  # percent
        ({"time_limit_minutes": 4}, "time_limit_minutes must lie in 5..43200, was 4"),
        ({"time_limit_minutes": 43_201}, "was 43201"),
        ({"volatility_scaling": 1.6, "atr_reference_ratio": 0.01}, "was 1.6"),
        ({"volatility_scaling": -0.1, "atr_reference_ratio": 0.01}, "was -0.1"),
        ({"volatility_scaling": 0.5}, "volatility_scaling=0.5 needs an atr_reference_ratio"),
        ({"atr_reference_ratio": 0.0}, "atr_reference_ratio must be above 0, was 0.0"),
        ({"atr_reference_ratio": math.nan}, "was nan"),
    ],
)
def test_parameters_out_of_bounds_are_refused_with_the_value(changes, shown):
    with pytest.raises(ParameterError) as refusal:
        parameters(**changes)

    assert shown in str(refusal.value)


@given(PARAMETERS | UNSCALED)
def test_parameters_come_back_from_json(learned):
    assert ExitParameters.from_dict(json.loads(json.dumps(learned.to_dict()))) == learned


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"stop_loss": -0.03, "take_profit": 0.05, "trailing": 1}, "'trailing'=1"),
        ({"stop_loss": -0.03}, "take_profit"),
        ({"stop_loss": -0.03, "take_profit": None}, "was None"),
    ],
)
def test_a_dictionary_that_is_no_parameters_is_refused(values, shown):
    with pytest.raises(ParameterError) as refusal:
        ExitParameters.from_dict(values)

    assert shown in str(refusal.value)


# -- plans --------------------------------------------------------------------------------------------


@given(PLANS)
def test_a_plan_comes_back_from_the_custom_data_of_a_trade(plan):
    assert ExitPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


@given(PLANS, PRICES, st.sampled_from(Side))
def test_a_plan_and_its_barriers_are_one_formula(plan, open_rate, side):
    assert plan.barriers(open_rate, side) == effective_barriers(
        plan.parameters, open_rate=open_rate, side=side, atr_ratio=plan.atr_ratio
    )


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"parameters": None},
        {"parameters": {"stop_loss": -0.03}},
        {"source": "guess"},
        {"source": None},
    ],
)
def test_what_is_no_plan_is_refused(broken):
    plan = ExitPlan(parameters=parameters(), source=ExitSource.BIN, version="abc", atr_ratio=0.002)
    values = {**plan.to_dict(), **broken} if broken else {}

    with pytest.raises(ParameterError):
        ExitPlan.from_dict(values)


# -- reasons ------------------------------------------------------------------------------------------


def test_the_reason_of_an_exit_names_where_its_level_came_from():
    assert [(one.stop_reason, one.target_reason) for one in ExitSource] == [
        ("stop_loss_optuna", "roi_optuna"),
        ("stop_loss_bin", "roi_bin"),
        ("cutloss_fallback", "roi_fallback"),
    ]


def test_every_reason_is_known_once_and_stops_are_told_apart():
    said = [reason for one in ExitSource for reason in (one.stop_reason, one.target_reason)]

    assert len(set(said)) == 6
    assert set(said) < EXIT_REASONS
    assert {one.stop_reason for one in ExitSource} == STOP_REASONS
    assert {"trailing_stop", "break_even"} == MOVED_STOP_REASONS
    others = {"time_limit", "giveback", "regime_exit", "kill_switch"}
    assert EXIT_REASONS - set(said) == others | MOVED_STOP_REASONS
