import pytest

from freqfleet.domain.exits import ExitParameters
from freqfleet.errors import SettingsError
from freqfleet.learning.search_space import SearchSpace
from freqfleet.settings import OptimizerSettings


def space(atr=0.004, **changes) -> SearchSpace:
    return SearchSpace.of(OptimizerSettings(**changes), atr)


def exits(**changes) -> ExitParameters:
    return ExitParameters(**{"stop_loss": -0.03, "take_profit": 0.06, **changes})


def test_space_follows_the_settings():
    found = space()

    assert found.stop_loss == (-0.0515, -0.01)
    assert found.take_profit == (0.015, 0.2)
    assert found.time_limit_minutes == (60, 240, 720, 1440)
    assert found.atr_reference_ratio == 0.004


@pytest.mark.parametrize("atr", [None, float("nan")])
def test_without_a_known_volatility_nothing_is_scaled(atr):
    found = space(atr)

    assert found.volatility_scaling == (0.0, 0.0)
    assert found.atr_reference_ratio is None


def test_proposals_are_rounded_to_a_basis_point_and_stay_inside():
    found = space(stop_loss=(-0.05155, -0.01)).parameters(
        stop_loss=-0.051549, take_profit=0.0455123, volatility_scaling=0.3333, time_limit_minutes=240
    )

    assert found == ExitParameters(
        stop_loss=-0.0515,
        take_profit=0.0455,
        volatility_scaling=0.33,
        atr_reference_ratio=0.004,
        time_limit_minutes=240,
    )


@pytest.mark.parametrize(
    ("stop_loss", "take_profit", "allowed"),
    [(-0.05, 0.04, True), (-0.05, 0.039, False), (-0.01, 0.015, True), (-0.01, 0.0149, False)],
)
def test_reward_over_risk_and_the_least_target_are_constraints(stop_loss, take_profit, allowed):
    parameters = exits(stop_loss=stop_loss, take_profit=take_profit)

    assert space().allows(parameters) is allowed
    assert any(value > 0.0 for value in space().violations(parameters).values()) is not allowed


@pytest.mark.parametrize(
    ("changes", "edges"),
    [
        ({}, ()),
        ({"stop_loss": -0.0515}, ("stop_loss",)),
        ({"stop_loss": -0.0104, "take_profit": 0.199}, ("stop_loss", "take_profit")),
        ({"take_profit": 0.015}, ("take_profit",)),
    ],
)
def test_optimum_on_an_edge_is_named(changes, edges):
    assert space().boundaries(exits(**changes)) == edges


def test_range_of_one_value_is_always_its_edge():
    assert space(stop_loss=(-0.03, -0.03)).boundaries(exits()) == ("stop_loss",)


def test_space_without_any_allowed_point_is_refused_with_its_values():
    with pytest.raises(SettingsError, match=r"no take_profit up to 0\.006 reaches reward/risk 0\.8"):
        space(take_profit=(0.005, 0.006), stop_loss=(-0.05, -0.02))
