"""The kill switch: what each cause asks for, and what ends it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.domain.kill_switch import (
    ALL_CLEAR,
    DrawdownLimits,
    EquityMark,
    KillState,
    Standing,
    drawdown_standing,
    parse_kill_state,
    silence_standing,
    worst,
)
from freqfleet.errors import InputError

LIMITS = DrawdownLimits(yellow_ratio=0.05, red_ratio=0.10)
NOW = datetime(2025, 10, 1, tzinfo=UTC)
GREEN, YELLOW, RED = KillState


@pytest.mark.parametrize(
    ("equities", "state"),
    [
        ([1000.0], GREEN),
        ([1000.0, 951.0], GREEN),
        ([1000.0, 950.0], YELLOW),
        ([1000.0, 950.0, 960.0], GREEN),
        ([1000.0, 2000.0, 1900.0], YELLOW),
        ([1000.0, 900.0], RED),
        ([1000.0, 900.0, 1000.0], RED),
    ],
    ids=["start", "above", "at yellow", "recovered", "from the peak", "at red", "red stays"],
)
def test_drawdown_is_measured_from_the_peak_and_red_is_latched(
    equities: list[float], state: KillState
) -> None:
    mark = EquityMark.starting_at(equities[0])
    for equity in equities[1:]:
        mark = mark.seen(equity, LIMITS)

    assert drawdown_standing("BOT1", mark, LIMITS).state is state


def test_clearing_starts_a_new_peak() -> None:
    mark = EquityMark.starting_at(1000.0).seen(880.0, LIMITS).cleared()

    assert drawdown_standing("BOT1", mark, LIMITS).state is GREEN
    assert drawdown_standing("BOT1", mark.seen(836.0, LIMITS), LIMITS).state is YELLOW


@given(equities=st.lists(st.floats(-100.0, 1e6), min_size=1, max_size=30))
def test_red_never_ends_by_itself(equities: list[float]) -> None:
    mark, was_red = EquityMark.starting_at(equities[0]), False
    for equity in equities:
        mark = mark.seen(equity, LIMITS)
        is_red = drawdown_standing("BOT1", mark, LIMITS).state is RED
        assert is_red or not was_red
        assert is_red >= (mark.drawdown_ratio >= 0.10)
        was_red = is_red


def test_the_worst_standing_holds_and_nothing_is_green() -> None:
    bot = Standing(scope="BOT1", state=YELLOW, reason="by hand")
    fleet = Standing(scope="fleet", state=RED, reason="drawdown")

    assert worst([bot, fleet]) is fleet
    assert worst([]) is ALL_CLEAR
    assert (bot.state.opens, bot.state.closes_all, fleet.state.closes_all) == (False, False, True)


@pytest.mark.parametrize(
    ("beat", "state"),
    [(None, GREEN), (NOW - timedelta(hours=6), GREEN), (NOW - timedelta(hours=6, seconds=1), YELLOW)],
)
def test_a_learner_that_fell_silent_stops_entries_one_that_never_spoke_does_not(
    beat: datetime | None, state: KillState
) -> None:
    assert silence_standing(beat, NOW, timedelta(hours=6)).state is state
    assert silence_standing(beat, NOW, None).state is GREEN


def test_unknown_states_and_limits_in_the_wrong_order_are_refused_with_their_values() -> None:
    with pytest.raises(InputError, match="GREEN, YELLOW or RED, was 'amber'"):
        parse_kill_state("amber")
    with pytest.raises(InputError, match=r"red 0\.05 and yellow 0\.1"):
        DrawdownLimits(yellow_ratio=0.1, red_ratio=0.05)
    assert parse_kill_state(" yellow ") is YELLOW
