"""custom_exit: what is left at the rate of the call."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.clock import to_ms
from freqfleet.domain.exit_plan import ExitPlan
from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.domain.sides import Side
from freqfleet.replay.exit_rule import Candle, ExitKind, first_exit
from freqfleet.replay.fills import levels
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
        (Side.LONG, 98.0, 1440, "time_limit"),
        (Side.SHORT, 96.0, 1440, "time_limit"),
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


CANDLE = timedelta(minutes=5)
REASONS = {
    ExitKind.STOP: "stop_loss_optuna",
    ExitKind.TARGET: "roi_optuna",
    ExitKind.TIME_LIMIT: "time_limit",
    ExitKind.END_OF_DATA: None,
}


@settings(max_examples=500)
@given(
    side=st.sampled_from(list(Side)),
    rate=st.integers(180, 220).map(lambda half: half / 2) | st.floats(90.0, 110.0),
    entered_second=st.integers(0, 299) | st.floats(0.0, 299.9),
    candle=st.integers(1, 8),
    minutes=st.integers(5, 35),
    stop=st.sampled_from([-0.02, -0.01, -0.005]) | st.floats(-0.3, -0.0025),
    target=st.sampled_from([0.005, 0.02, 0.04]) | st.floats(0.005, 0.5),
    atr=st.sampled_from([None, 0.001, 0.02]),
)
def test_at_an_open_the_strategy_leaves_when_the_replay_does_and_for_the_same_reason(
    side: Side,
    rate: float,
    entered_second: float,
    candle: int,
    minutes: int,
    stop: float,
    target: float,
    atr: float | None,
) -> None:
    """One candle is flat at the rate, so that the replay leaves at its open or not at all."""
    parameters = ExitParameters(
        stop_loss=stop,
        take_profit=target,
        volatility_scaling=1.0,
        atr_reference_ratio=0.004,
        time_limit_minutes=minutes,
    )
    frozen = ExitPlan(parameters=parameters, source=ExitSource.OPTUNA, version="v", atr_ratio=atr)
    opened_at = OPENED + timedelta(seconds=entered_second)
    now = OPENED + candle * CANDLE
    entry = Candle(to_ms(now - CANDLE), 100.0, 100.0, 100.0, 100.0)
    found = first_exit(
        [entry, Candle(to_ms(now), rate, rate, rate, rate)],
        entered_ms=to_ms(opened_at),
        levels=levels(frozen.barriers(100.0, side), side),
        side=side,
        time_limit_minutes=minutes,
    )

    reason = exit_reason(
        frozen, Position(side=side, open_rate=100.0, opened_at=opened_at), rate=rate, now=now
    )

    assert reason == REASONS[found.kind]
    assert reason is None or (found.candle_index, found.rate) == (1, rate)
