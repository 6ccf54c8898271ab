"""Switchboard: orders, equity and silence become one state, held in memory."""

from __future__ import annotations

import errno
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from freqfleet.clock import FixedClock
from freqfleet.domain.kill_switch import FLEET, DrawdownLimits, KillState
from freqfleet.runtime.switchboard import Switchboard
from freqfleet.store.fleet_state import FleetState, Order

NOW = datetime(2025, 10, 1, 12, tzinfo=UTC)
LIMITS = DrawdownLimits(yellow_ratio=0.05, red_ratio=0.10)
GREEN, YELLOW, RED = KillState


def board(state: FleetState, bot: str = "BOT1", at: datetime = NOW, **more: object) -> Switchboard:
    made = Switchboard(bot, limits=LIMITS, clock=FixedClock(at), state=state, **more)  # type: ignore[arg-type]
    made.start()
    return made


def ordered(state: KillState, at: datetime = NOW) -> Order:
    return Order(state=state, reason="by hand", at=at)


@pytest.mark.parametrize(("scope", "held"), [("BOT1", YELLOW), (FLEET, YELLOW), ("BOT2", GREEN)])
def test_an_order_holds_for_its_bot_or_for_all_from_the_next_look_on(
    tmp_path: Path, scope: str, held: KillState
) -> None:
    state = FleetState(tmp_path)
    bot = board(state)

    state.give(scope, ordered(YELLOW))
    before = bot.standing(NOW).state
    bot.refresh()

    assert before is GREEN
    assert bot.standing(NOW).state is held


def test_a_drawdown_turns_the_bot_red_and_a_restart_does_not_clear_it(tmp_path: Path) -> None:
    state = FleetState(tmp_path)
    bot = board(state)
    for equity in (1_000.0, 890.0, 1_000.0):
        bot.see_equity(equity)
    bot.refresh()

    assert bot.standing(NOW).state is RED
    assert board(state).standing(NOW).state is RED


def test_a_restart_clears_nothing_where_what_another_bot_said_cannot_be_read(tmp_path: Path) -> None:
    state = FleetState(tmp_path)
    bot = board(state)
    for equity in (1_000.0, 890.0):
        bot.see_equity(equity)
    bot.refresh()
    (tmp_path / "BOT2.equity.json").write_text("{")

    assert board(state).standing(NOW).state is RED


def test_clear_ends_a_latched_red_once(tmp_path: Path) -> None:
    state = FleetState(tmp_path)
    bot = board(state)
    for equity in (1_000.0, 890.0):
        bot.see_equity(equity)
    bot.refresh()
    for scope in (FLEET, "BOT1"):
        state.give(scope, ordered(GREEN, NOW + timedelta(minutes=1)))
    bot.refresh()
    cleared = bot.standing(NOW).state
    for equity in (890.0, 800.0):
        bot.see_equity(equity)
    bot.refresh()  # the same order again: it clears nothing new

    assert cleared is GREEN
    assert bot.standing(NOW).state is RED


def test_the_fleet_turns_red_when_its_bots_together_have_lost_a_tenth(tmp_path: Path) -> None:
    state = FleetState(tmp_path)
    one, two = board(state, "BOT1"), board(state, "BOT2")
    for first, second in ((1_000.0, 1_000.0), (960.0, 960.0), (1_000.0, 960.0)):
        one.see_equity(first)
        two.see_equity(second)
        for each in (one, two, one):
            each.refresh()
    assert one.standing(NOW).state is GREEN
    two.see_equity(951.0)  # still green by itself
    one.see_equity(849.0)
    for each in (two, one, two):
        each.refresh()

    # Together 1800 of 2000: the fleet is red, and so is a bot that itself is not.
    assert two.standings(NOW)[0].scope == FLEET
    assert two.standing(NOW).state is RED
    assert "drawdown limit reached" in two.standing(NOW).reason


def test_orders_that_cannot_be_read_leave_the_last_ones_in_force(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = FleetState(tmp_path)
    state.give("BOT1", ordered(YELLOW))
    bot = board(state)

    (tmp_path / "orders.json").write_text("{")
    bot.refresh()
    bot.refresh()

    assert bot.standing(NOW).state is YELLOW
    assert caplog.text.count("the last orders stay in force") == 1


def test_a_disk_that_fails_for_a_while_ends_no_reading(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As a shared folder does whose server is started anew: no file of it is at fault."""

    class Shared(FleetState):
        away = True

        def orders(self) -> dict[str, Order]:
            if self.away:
                raise OSError(errno.ESTALE, "Stale file handle")
            return super().orders()

    state = Shared(tmp_path)
    FleetState(tmp_path).give("BOT1", ordered(RED))
    bot = board(state)
    bot.refresh()
    while_away = bot.standing(NOW).state

    state.away = False
    bot.refresh()

    assert (while_away, bot.standing(NOW).state) == (GREEN, RED)
    assert caplog.text.count("the last orders stay in force: [Errno 116] Stale file handle") == 1


def test_an_order_is_heard_whatever_is_wrong_with_what_another_bot_said(tmp_path: Path) -> None:
    state = FleetState(tmp_path)
    bot = board(state)
    (tmp_path / "BOT2.equity.json").write_text("{")

    state.give(FLEET, ordered(RED))
    bot.refresh()

    assert bot.standing(NOW).state is RED


def test_of_two_learners_the_one_that_rests_is_not_forgotten(tmp_path: Path) -> None:
    """A controller that is stopped takes its heartbeat away, and an older one of `optimize` is left."""
    beats = [NOW, NOW - timedelta(hours=20)]
    bot = board(FleetState(tmp_path), last_beat=lambda: beats.pop(0), silence_limit=timedelta(hours=2))
    bot.refresh()

    assert bot.standing(NOW + timedelta(hours=2)).state is GREEN
    assert bot.standing(NOW + timedelta(hours=3)).reason == "no heartbeat of the learner for 3.0 h"


def test_a_silent_learner_stops_entries(tmp_path: Path) -> None:
    bot = board(
        FleetState(tmp_path),
        last_beat=lambda: NOW - timedelta(hours=7),
        silence_limit=timedelta(hours=6),
    )

    assert bot.standing(NOW).state is YELLOW
    assert "no heartbeat of the learner for 7.0 h" in bot.standing(NOW).reason
