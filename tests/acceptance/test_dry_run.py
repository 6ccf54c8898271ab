"""BOT3 as a dry run of freqtrade: it trades on, and leaves, while the learning store cannot be read."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fleet_runs import fleet_userdir, host_configs
from freqfleet.clock import SystemClock, to_ms
from freqfleet.domain.closed_trade import ClosedTrade, TradeMode
from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.domain.sides import Side
from freqfleet.exchange.freqtrade_runs import RunningFreqtrade
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.market.candles import CandleFiles
from freqfleet.market.timeframes import DAY_MS, HOUR_MS
from freqfleet.parameters.version import ParameterKey, ParameterVersion
from freqfleet.runtime.entries import EntryPolicy
from freqfleet.settings import Settings
from freqfleet.store.sql import SqlStore
from freqfleet.trades.freqtrade_db import FreqtradeDatabase
from freqfleet.trades.sync import SyncReport, sync_bot
from freqfleet.wiring import make_ensemble
from realdata import market_dir

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
STARTUP = timedelta(seconds=12)
CANDLE_MS = 300_000
PRICES = ["open", "high", "low", "close"]
PATIENCE_SECONDS = 540.0


@pytest.fixture(scope="module")
def datadir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real candles, or a sample of many pairs, with every move tripled: a test cannot wait for long."""
    folder = tmp_path_factory.mktemp("market")
    try:
        calm = market_dir("ci")
    except pytest.skip.Exception:
        from freqfleet.market.sample import write_sample  # imports freqtrade

        calm = folder / "calm"
        write_sample(calm, pairs=12, days=14)
    return livelier(calm, folder / "binance")


def test_a_dry_run_outlives_its_store_and_is_synced_once(datadir: Path, tmp_path: Path) -> None:
    pairs = CandleFiles(datadir).pairs()
    began, ends = SystemClock().now(), time.monotonic() + PATIENCE_SECONDS
    hours_left = busiest_hours_left(datadir, pairs, began + STARTUP)
    with LoopbackExchange(datadir, pairs=pairs, shift_to_now=True, hours_left=hours_left) as exchange:
        userdir = fleet_userdir(tmp_path, exchange, pairs, internals={"process_throttle_secs": 1})
        database, learning = userdir / "bot3.sqlite", userdir / "learning.sqlite"
        versions = publish_tight(learning, began - timedelta(days=1))
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


def livelier(datadir: Path, out: Path) -> Path:
    """Write the 5m candles of the pairs that cover the whole history, log returns tripled; return `out`."""
    files, copies = CandleFiles(datadir), CandleFiles(out)
    candles = {pair: pd.read_feather(files.path(pair)) for pair in files.pairs()}
    longest = max(len(frame) for frame in candles.values())
    (out / "futures").mkdir(parents=True)
    for pair, frame in candles.items():
        if len(frame) == longest:
            first = frame.at[0, "open"]
            frame[PRICES] = first * (frame[PRICES] / first) ** 3
            frame.to_feather(copies.path(pair))
    return out


def busiest_hours_left(datadir: Path, pairs: Sequence[str], now: datetime) -> float:
    """Return the `hours_left` that moves the day to now on which BOT3 enters most pairs right away.

    Bots enter when a candle closes. The last one before `now` counts twice, the next one once.
    """
    first_ms, entries = entries_of(datadir, pairs)
    now_ms = to_ms(now)
    in_day = (now_ms - first_ms) % DAY_MS // CANDLE_MS
    running = np.arange(in_day, len(entries) - HOUR_MS // CANDLE_MS, DAY_MS // CANDLE_MS)
    running = running[running >= 3 * DAY_MS // CANDLE_MS]  # startup candles come before
    busiest = running[np.argmax(2 * entries[running - 1] + entries[running])]
    return float((len(entries) - busiest) * CANDLE_MS / HOUR_MS - 0.5)


def entries_of(datadir: Path, pairs: Sequence[str]) -> tuple[int, np.ndarray]:
    """Return when the first candle opens and how many pairs BOT3 enters after each candle."""
    ensemble, files = make_ensemble(Settings()), CandleFiles(datadir)
    policy = EntryPolicy(sides=tuple(Side), min_votes=ensemble.min_votes, dissent_allowed=False)
    counts = []
    for pair in pairs:
        one = files.load(pair)
        columns = {name: getattr(one, name) for name in (*PRICES, "volume")}
        dates = pd.to_datetime(one.time_ms, unit="ms", utc=True)
        votes = ensemble.columns(pd.DataFrame({"date": dates, **columns}))
        counts.append(sum(policy.enters(votes, side).to_numpy().astype(np.int64) for side in Side))
    return int(one.time_ms[0]), np.sum(counts, axis=0)


def publish_tight(learning: Path, known_since: datetime) -> dict[Side, str]:
    """Publish TIGHT for every pair; return the version ids."""
    versions = [
        ParameterVersion(
            key=ParameterKey(side=side),
            parameters=TIGHT,
            source=ExitSource.OPTUNA,
            valid_from=known_since,
            recorded_at=known_since,
            learned_until=known_since,
            run_id="by hand",
        )
        for side in Side
    ]
    with closing(SqlStore(f"sqlite:///{learning}")) as store:
        assert store.publish_parameters(versions).accepted == len(versions)
    return {version.key.side: version.version_id for version in versions}


def make_garbage(file: Path) -> None:
    draft = file.with_suffix(".draft")
    draft.write_bytes(b"no database " * 1000)
    draft.replace(file)


def make_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


def trade_ids(database: Path, *, is_open: bool | None = None) -> set[int]:
    """Return the ids of the bot's trades; none while there is no table yet."""
    if not database.is_file():
        return set()
    chosen = "" if is_open is None else f" WHERE is_open = {int(is_open)}"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
        try:
            rows = connection.execute(f"SELECT id FROM trades{chosen}").fetchall()
        except sqlite3.OperationalError:
            return set()
    return {trade_id for (trade_id,) in rows}


def synced_twice(database: Path, fresh: Path) -> tuple[list[ClosedTrade], SyncReport, SyncReport]:
    """Sync the bot's database into a new store, twice; return what the store then holds."""
    source = FreqtradeDatabase(f"sqlite:///{database}", bot="BOT3")
    with closing(SqlStore(f"sqlite:///{fresh}")) as store:
        reports = sync_bot(store, source), sync_bot(store, source)
        return store.closed_trades(), *reports
