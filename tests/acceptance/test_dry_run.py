"""BOT3 as a dry run of freqtrade: it trades on, and leaves, while the learning store cannot be read."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from dry_runs import IN_A_HURRY, busiest_hours_left, publish_for_every_pair, trade_ids
from fleet_runs import fleet_userdir, host_configs
from freqfleet.clock import SystemClock
from freqfleet.domain.closed_trade import ClosedTrade, TradeMode
from freqfleet.domain.exits import ExitParameters
from freqfleet.exchange.freqtrade_runs import RunningFreqtrade
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.market.candles import CandleFiles
from freqfleet.settings import Settings
from freqfleet.store.sql import SqlStore
from freqfleet.trades.freqtrade_db import FreqtradeDatabase
from freqfleet.trades.sync import SyncReport, sync_bot
from freqfleet.wiring import make_ensemble

pytestmark = pytest.mark.acceptance

# As tight as they come, and halved or more by a volatility far below the reference: positions are left within
# seconds to five minutes.
TIGHT = ExitParameters(
    stop_loss=-0.0025,
    take_profit=0.005,
    volatility_scaling=1.5,
    atr_reference_ratio=1.0,
    time_limit_minutes=5,
)
NOT_REFRESHED = "parameters not refreshed"
NAMED = {"stop_loss_optuna", "roi_optuna", "time_limit"}
PATIENCE_SECONDS = 540.0


def test_a_dry_run_outlives_its_store_and_is_synced_once(lively_datadir: Path, tmp_path: Path) -> None:
    datadir, pairs = lively_datadir, CandleFiles(lively_datadir).pairs()
    began, ends = SystemClock().now(), time.monotonic() + PATIENCE_SECONDS
    hours_left = busiest_hours_left(datadir, pairs, began)
    with LoopbackExchange(datadir, pairs=pairs, shift_to_now=True, hours_left=hours_left) as exchange:
        userdir = fleet_userdir(tmp_path, exchange, pairs, **IN_A_HURRY)
        database, learning = userdir / "bot3.sqlite", userdir / "learning.sqlite"
        versions = publish_for_every_pair(learning, TIGHT, began - timedelta(days=1))
        args = ["trade", *host_configs(userdir, "BOT3")]
        env = {"FREQFLEET_REFRESH__PARAMETERS_SECONDS": "2"}

        def wait(bot: RunningFreqtrade, reached: Callable[[], bool]) -> None:
            bot.wait_until(reached, timeout_seconds=ends - time.monotonic())

        with RunningFreqtrade(args, userdir, env=env) as bot:
            wait(bot, lambda: bool(trade_ids(database)))
            make_garbage(learning)
            wait(bot, lambda: NOT_REFRESHED in bot.log())
            closed_before = trade_ids(database, is_open=False)
            wait(bot, lambda: trade_ids(database, is_open=False) > closed_before)
        first_log, on_tight = bot.log(), trade_ids(database)

        # What is still open keeps its plan over a restart, with no store to read it from.
        left_open = trade_ids(database, is_open=True)
        make_directory(learning)
        with RunningFreqtrade(args, userdir, env=env) as again:
            wait(again, lambda: NOT_REFRESHED in again.log())
            wait(again, lambda: not left_open or bool(left_open & trade_ids(database, is_open=False)))
        hits = exchange.hits()

    closed, first, second = synced_twice(database, tmp_path / "fresh.sqlite")
    tight = [trade for trade in closed if trade.trade_id in on_tight]
    assert (bot.killed, again.killed) == (False, False)
    assert (hits.refused, hits.unknown) == ({}, {})
    assert "the safe answer is given" not in " ".join((first_log + again.log()).split())  # lines are wrapped
    assert (first.accepted, first.dropped, first.rejected) == (len(closed), (), ())
    assert (second.accepted, second.amended, second.dropped) == (0, 0, ())
    assert len(tight) > len(closed_before)
    assert {trade.exit_reason for trade in tight} <= NAMED
    assert [trade.parameter_version for trade in tight] == [versions[trade.side] for trade in tight]
    for trade in closed:
        assert (trade.bot, trade.mode, trade.leverage) == ("BOT3", TradeMode.DRY_RUN, 3.0)
        assert trade.votes is not None
        assert trade.votes >= 2
        assert trade.confidence is not None
        assert trade.feeder in {feeder.name for feeder in make_ensemble(Settings()).feeders}


def make_garbage(file: Path) -> None:
    draft = file.with_suffix(".draft")
    draft.write_bytes(b"no database " * 1000)
    draft.replace(file)


def make_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


def synced_twice(database: Path, fresh: Path) -> tuple[list[ClosedTrade], SyncReport, SyncReport]:
    """Sync the bot's database into a new store, twice; return what the store then holds."""
    source = FreqtradeDatabase(f"sqlite:///{database}", bot="BOT3")
    with closing(SqlStore(f"sqlite:///{fresh}")) as store:
        reports = sync_bot(store, source), sync_bot(store, source)
        return store.closed_trades(), *reports
