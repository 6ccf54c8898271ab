"""custom_exit: what is left at the rate of the call."""

from datetime import UTC, datetime, timedelta

import pytest

from freqfleet.domain.exits import ExitParameters, ExitPlan, ExitSource
from freqfleet.domain.sides import Side
from freqfleet.runtime.exits import Position, exit_reason

OPENED = datetime(2025, 10, 1, 12, 0, tzinfo=UTC)


def plan(source: ExitSource = ExitSource.OPTUNA, minutes: int = 1440) -> ExitPlan:
    parameters = ExitParameters(stop_loss=-0.02, take_profit=0.04, time_limit_minutes=minutes)
    return ExitPlan(parameters=parameters, source=source, version="v", atr_ratio=None)


@pytest.mark.parametrize(
    # side         rate    minutes  reason
    ("side", "rate", "minutes", "reason"),
    [
        (Side.LONG, 100.0, 5, None),
        (Side.LONG, 98.01, 5, None),
        (Side.LONG, 98.0, 5, "stop_loss_optuna"),
        (Side.LONG, 80.0, 5, "stop_loss_optuna"),
        (Side.LONG, 103.99, 5, None),
        (Side.LONG, 104.0, 5, "roi_optuna"),
        (Side.LONG, 100.0, 1439, None),
        (Side.LONG, 100.0, 1440, "time_limit"),
        (Side.LONG, 98.0, 1440, "stop_loss_optuna"),
        (Side.SHORT, 101.99, 5, None),
        (Side.SHORT, 102.0, 5, "stop_loss_optuna"),
        (Side.SHORT, 96.01, 5, None),
        (Side.SHORT, 96.0, 5, "roi_optuna"),
        (Side.SHORT, 100.0, 1441, "time_limit"),
    ],
)
def test_reason_at_a_rate(side: Side, rate: float, minutes: int, reason: str | None) -> None:
    position = Position(side=side, open_rate=100.0, opened_at=OPENED)

    found = exit_reason(plan(), position, rate=rate, now=OPENED + timedelta(minutes=minutes))

    assert found == reason


@pytest.mark.parametrize(
    ("source", "stop", "target"),
    [
        (ExitSource.OPTUNA, "stop_loss_optuna", "roi_optuna"),
        (ExitSource.BIN, "stop_loss_bin", "roi_bin"),
        (ExitSource.DEFAULT, "cutloss_fallback", "roi_fallback"),
    ],
)
def test_the_reason_names_the_source_of_the_level(source: ExitSource, stop: str, target: str) -> None:
    position = Position(side=Side.LONG, open_rate=100.0, opened_at=OPENED)

    assert exit_reason(plan(source), position, rate=90.0, now=OPENED) == stop
    assert exit_reason(plan(source), position, rate=110.0, now=OPENED) == target
