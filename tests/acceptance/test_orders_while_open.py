"""A dry run of freqtrade with positions open: dead-man timer, operator's YELLOW and RED, later versions."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dry_runs import (
    IN_A_HURRY,
    busiest_hours_left,
    custom_data,
    publish_for_every_pair,
    trade_column,
    trade_ids,
)
from fleet_runs import RUN_CONFIG, fleet_userdir, host_configs
from freqfleet.clock import SystemClock
from freqfleet.domain.exits import ExitParameters
from freqfleet.exchange.freqtrade_runs import RunningFreqtrade, run_command
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.market.candles import CandleFiles
from freqfleet.runtime.plans import PLAN_KEY
from freqfleet.store.heartbeat import beat

pytestmark = pytest.mark.acceptance

PATIENCE_SECONDS = 480.0
AT_FIRST = 2
AT_ENTRY, TIGHTER, LOOSER = -0.25, -0.20, -0.29
SILENT = "no entry, kill switch, fleet is YELLOW: no heartbeat of the learner for 8.0 h"
ORDERED = "no entry, kill switch, fleet is YELLOW: ordered by the operator: maintenance"
SETTINGS = {
    "FREQFLEET_REFRESH__PARAMETERS_SECONDS": "2",
    "FREQFLEET_RUNTIME__LEARNER_SILENCE_HOURS": "1",
    "FREQFLEET_RUNTIME__LEVERAGE": "2",
    "FREQFLEET_RUNTIME__MIN_VOTES": "1",
}


def test_what_is_open_keeps_its_plan_until_red_closes_it(lively_datadir: Path, tmp_path: Path) -> None:
    pairs = CandleFiles(lively_datadir).pairs()
    now, ends = SystemClock().now(), time.monotonic() + PATIENCE_SECONDS
    hours_left = busiest_hours_left(lively_datadir, pairs, now, min_votes=1)
    with LoopbackExchange(lively_datadir, pairs=pairs, shift_to_now=True, hours_left=hours_left) as exchange:
        userdir = fleet_userdir(tmp_path, exchange, pairs, max_open_trades=AT_FIRST, **IN_A_HURRY)
        database, learning = userdir / "bot3.sqlite", userdir / "learning.sqlite"
        publish(learning, AT_ENTRY, now - timedelta(days=1))
        args = ["trade", *host_configs(userdir, "BOT3")]

        def wait(bot: RunningFreqtrade, reached: Callable[[], bool]) -> None:
            bot.wait_until(reached, timeout_seconds=ends - time.monotonic())

        beat(userdir / "heartbeats", "controller", now - timedelta(hours=8), 30.0, "learned long ago")
        with RunningFreqtrade(args, userdir, env=SETTINGS) as bot:
            wait(bot, lambda: SILENT in bot.log())
            opened_in_silence = trade_ids(database)

            beat(userdir / "heartbeats", "controller", SystemClock().now(), 30.0, "learned again")
            wait(bot, lambda: len(trade_ids(database, is_open=True)) == AT_FIRST)
            opened = trade_ids(database)
            stops_at_entry = trade_column(database, "stop_loss")
            at_entry = stops_of_plans(database)

            nearer = publish(learning, TIGHTER, SystemClock().now())
            wait(bot, lambda: set(stops_of_plans(database).values()) == {TIGHTER})
            wait(bot, lambda: moved(stops_at_entry, trade_column(database, "stop_loss")))
        first_log, tightened_stops = bot.log(), trade_column(database, "stop_loss")

        # Started anew: a later version is looser, all pairs have room, and an operator says YELLOW.
        further = publish(learning, LOOSER, SystemClock().now())
        order(userdir, "set", "YELLOW", "--reason", "maintenance")
        give_room(userdir, len(pairs))
        with RunningFreqtrade(args, userdir, env=SETTINGS) as again:
            wait(again, lambda: again.log().count(ORDERED) >= 2)
            in_yellow = trade_ids(database, is_open=True)
            plans, stops = custom_data(database, PLAN_KEY), trade_column(database, "stop_loss")

            order(userdir, "set", "RED", "--reason", "enough")
            wait(again, lambda: not trade_ids(database, is_open=True))
        reasons = trade_column(database, "exit_reason")
        said = " ".join((first_log + again.log()).split())  # lines are wrapped

    assert opened_in_silence == set()
    assert set(at_entry.values()) == {AT_ENTRY}
    assert in_yellow == opened
    assert {plan["tightened_by"] for plan in plans.values()} <= nearer
    assert {plan["parameters"]["stop_loss"] for plan in plans.values()} == {TIGHTER}
    assert stops == tightened_stops
    assert not any(version in said for version in further)
    assert "has no plan" not in said
    assert reasons == dict.fromkeys(opened, "kill_switch")  # and nothing else was ever opened
    assert "the safe answer is given" not in said


def publish(learning: Path, stop_loss: float, known_since: datetime) -> set[str]:
    """Publish exits that nothing reaches within minutes; return the version ids."""
    far_away = ExitParameters(stop_loss=stop_loss, take_profit=0.5, time_limit_minutes=14_400)
    return set(publish_for_every_pair(learning, far_away, known_since).values())


def stops_of_plans(database: Path) -> dict[int, float]:
    """Return the stop of every plan as freqtrade keeps it, by trade id."""
    return {key: plan["parameters"]["stop_loss"] for key, plan in custom_data(database, PLAN_KEY).items()}


def moved(before: dict[int, float], after: dict[int, float]) -> bool:
    return all(after[trade_id] != before[trade_id] for trade_id in before)


def order(userdir: Path, *arguments: str) -> None:
    """Give an order as an operator does."""
    program = [sys.executable, "-c", "from freqfleet.cli import main; main()"]
    done = run_command([*program, "--userdir", str(userdir), "kill-switch", *arguments], cwd=userdir.parent)
    assert done.returncode == 0, done.tail()


def give_room(userdir: Path, open_trades: int) -> None:
    file = userdir / "config" / RUN_CONFIG
    file.write_text(
        json.dumps({**json.loads(file.read_text(encoding="utf-8")), "max_open_trades": open_trades}),
        encoding="utf-8",
    )
