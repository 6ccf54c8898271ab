"""Plans and stored parameters: what was written is read back, of either kind."""

from __future__ import annotations

import json

import pytest

from freqfleet.domain.exit_plan import ExitPlan, read_exit_parameters
from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.domain.managed_exits import ManagedExits
from freqfleet.domain.sides import Side
from freqfleet.errors import ParameterError

PLAIN = ExitParameters(stop_loss=-0.02, take_profit=0.05)
MANAGED = ManagedExits(
    stop_loss=-0.02,
    take_profit=0.05,
    giveback_ratio=0.5,
    giveback_activation_ratio=0.02,
    partial_targets=((0.02, 0.5),),  # type: ignore[arg-type]
    regime_exit_z=1.5,
)


@pytest.mark.parametrize("parameters", [PLAIN, MANAGED], ids=["plain", "managed"])
def test_a_plan_survives_the_hosts_json(parameters: ExitParameters) -> None:
    plan = ExitPlan(parameters=parameters, source=ExitSource.BIN, version="abc", atr_ratio=0.004)

    read = ExitPlan.from_dict(json.loads(json.dumps(plan.to_dict())))

    assert read == plan
    assert type(read.parameters) is type(parameters)


def test_plain_parameters_are_written_as_they_always_were() -> None:
    assert set(PLAIN.to_dict()) == {
        "stop_loss",
        "take_profit",
        "volatility_scaling",
        "atr_reference_ratio",
        "time_limit_minutes",
    }


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(ParameterError, match="unknown exit parameter 'trailling'=1"):
        read_exit_parameters(PLAIN.to_dict() | {"trailling": 1})


@pytest.mark.parametrize(
    ("parameters", "follows"), [(PLAIN, False), (ManagedExits(**PLAIN.to_dict()), False), (MANAGED, True)]
)
def test_only_what_follows_the_path_has_managed_prices(parameters: ExitParameters, follows: bool) -> None:
    plan = ExitPlan(parameters=parameters, source=ExitSource.DEFAULT, version="default", atr_ratio=None)

    assert (plan.managed(100.0, Side.LONG, 0.0005) is not None) is follows
