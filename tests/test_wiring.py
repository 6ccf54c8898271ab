"""The composition root: what is opened for which settings, and what is refused."""

from __future__ import annotations

import re
import threading
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
from freqtrade.enums import RunMode
from pydantic import SecretStr

from freqfleet.domain.closed_trade import TradeMode
from freqfleet.domain.exits import ExitSource
from freqfleet.domain.leverage_bins import LEVERAGE_BINS
from freqfleet.domain.sides import Side
from freqfleet.errors import SettingsError, StoreUnavailable
from freqfleet.runtime.bot import FleetBot
from freqfleet.settings import Settings, StoreSettings, load_settings
from freqfleet.store.outbox import Outbox
from freqfleet.store.promise import LearningStore
from freqfleet.store.sql import SqlStore
from freqfleet.testing.bot_database import write_bot_database
from freqfleet.testing.candle_frames import random_walk_candles
from freqfleet.testing.host import OPENED, FakeHostTrades, FakeTrade
from freqfleet.testing.records import RECORDED, bin_record
from freqfleet.testing.spoiled_file import spoil_table
from freqfleet.testing.trades import closed_trade, version
from freqfleet.wiring import (
    leverage_rule,
    load_book,
    open_bot,
    open_store,
    open_store_to_write,
    outboxes,
    saved_book,
    sqlite_store_file,
    write_to_store,
)

STOPLOSS_GUARD = {"method": "StoplossGuard", "lookback_period": 60, "trade_limit": 2, "stop_duration": 30}


@pytest.fixture
def userdir(tmp_path: Path) -> Path:
    (tmp_path / "user_data").mkdir()
    return tmp_path / "user_data"


@pytest.fixture
def settings(userdir: Path) -> Settings:
    return load_settings(userdir)


def host(userdir: Path, runmode: RunMode = RunMode.BACKTEST, **more: Any) -> dict[str, Any]:
    return {"user_data_dir": userdir, "runmode": runmode, "stoploss": -0.99, "stake_amount": 100, **more}


def publish(userdir: Path, **fields: Any) -> None:
    store = SqlStore(f"sqlite:///{userdir / 'learning.sqlite'}")
    recorded_at = datetime(2025, 9, 1, tzinfo=UTC)
    assert store.publish_parameters([version(**{"recorded_at": recorded_at, **fields})]).accepted == 1
    store.close()


# -- the store ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["redis://here/0", "mysql://here/db", "learning.sqlite", ""])
def test_an_unknown_store_is_refused_with_the_known_ones(settings: Settings, url: str) -> None:
    with pytest.raises(SettingsError, match="must be one of: sqlite:///"):
        open_store(settings.model_copy(update={"store": StoreSettings(url=url)}))


@pytest.mark.parametrize("scheme", ["sqlite", "postgresql+psycopg", "influxdb", "influxdbs"])
def test_the_list_of_stores_names_every_scheme(settings: Settings, scheme: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"{scheme}://")):
        open_store(settings.model_copy(update={"store": StoreSettings(url="redis://here/0")}))


def test_a_store_on_influxdb_gets_the_buckets_of_the_bots(settings: Settings, influx_url: str) -> None:
    store = open_store(settings.model_copy(update={"store": StoreSettings(url=influx_url)}))
    stranger = store.record_closed_trades([closed_trade(bot="BOT9")])
    store.close()

    assert stranger.rejected == (
        "BOT9 trade 1 BTC/USDT:USDT: no bucket for 'BOT9'; set trades under [bots.BOT9] in fleet.toml",
    )


@pytest.mark.parametrize("url", ["influxdb://h:8086", "postgresql+psycopg://u@h/db"])
@pytest.mark.parametrize("token", ["my-token", " ", "Changeme", "line\nbreak"])
def test_a_secret_that_is_none_is_refused(settings: Settings, url: str, token: str) -> None:
    store = StoreSettings(url=url, token=SecretStr(token))

    with pytest.raises(SettingsError, match=r"secret (is empty|holds characters)"):
        open_store(settings.model_copy(update={"store": store}))


def test_a_secret_in_a_file_that_is_not_there_names_the_file(settings: Settings, tmp_path: Path) -> None:
    store = StoreSettings(url="influxdb://h:8086", token_file=tmp_path / "none")

    with pytest.raises(SettingsError, match=r"token_file .*none cannot be read"):
        open_store(settings.model_copy(update={"store": store}))


def test_a_store_is_opened_where_the_settings_say(settings: Settings, userdir: Path) -> None:
    open_store(settings).close()

    assert sqlite_store_file(settings) == userdir / "learning.sqlite"
    assert (userdir / "learning.sqlite").is_file()


def test_a_store_on_a_server_has_no_file(settings: Settings) -> None:
    remote = settings.model_copy(update={"store": StoreSettings(url="postgresql+psycopg://h/db")})

    assert sqlite_store_file(remote) is None


def test_a_book_is_never_made_by_the_one_who_reads_it(settings: Settings, userdir: Path) -> None:
    with pytest.raises(StoreUnavailable, match="freqfleet sync"):
        load_book(settings)

    assert list(userdir.iterdir()) == []


def test_a_book_holds_what_was_published(settings: Settings, userdir: Path) -> None:
    publish(userdir)

    assert load_book(settings).version_count == 1


def test_a_book_holds_the_records_of_leverage_bins(settings: Settings) -> None:
    with closing(open_store(settings)) as store:
        store.record_bins([bin_record(pair="BTC/USDT:USDT", step=LEVERAGE_BINS[1])])

    records = load_book(settings).records

    assert records.record("BTC/USDT:USDT", Side.LONG, LEVERAGE_BINS[1], RECORDED) is not None


def test_a_damaged_store_gets_back_what_bots_had_saved(settings: Settings, userdir: Path) -> None:
    record = bin_record(pair="BTC/USDT:USDT", step=LEVERAGE_BINS[1])
    for bot in ("BOT1", "BOT3"):
        saved_book(settings, bot).save([version()], RECORDED, [record])
    publish(userdir)
    file = userdir / "learning.sqlite"
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + b"\x07" * (len(whole) - 100))

    with closing(open_store_to_write(settings)) as store:
        assert store.parameter_versions() == [version()]
        assert store.bin_records() == [record]


def test_work_that_meets_damage_is_done_again_with_a_new_store(settings: Settings, userdir: Path) -> None:
    saved_book(settings, "BOT3").save([version()], RECORDED)
    with closing(open_store(settings)) as store:
        store.record_closed_trades([closed_trade(trade_id=1)])
    spoil_table(userdir / "learning.sqlite", "closed_trades")

    def work(store: LearningStore) -> int:
        return store.record_closed_trades([closed_trade(trade_id=2)]).accepted

    assert write_to_store(settings, work) == 1
    with closing(open_store(settings)) as store:
        assert [one.trade_id for one in store.closed_trades()] == [2]
        assert store.parameter_versions() == [version()]
    assert len(list(userdir.glob("learning.sqlite.damaged-*Z"))) == 1


def test_a_fault_that_is_no_damage_moves_nothing(settings: Settings, userdir: Path) -> None:
    open_store(settings).close()

    def work(store: LearningStore) -> int:
        raise StoreUnavailable("the disk is full")

    with pytest.raises(StoreUnavailable, match="full"):
        write_to_store(settings, work, whole=True)

    assert [one.name for one in userdir.iterdir()] == ["learning.sqlite"]


# -- the bot ------------------------------------------------------------------------------------------


def test_a_book_that_was_saved_outlives_a_change_of_the_stores_user(userdir: Path) -> None:
    def of(url: str) -> Settings:
        return load_settings(userdir, store=StoreSettings(url=url))

    saved_book(of("postgresql+psycopg://fleet@host/learning"), "BOT1").save([version()], RECORDED)

    assert saved_book(of("postgresql+psycopg://fleet_bot@host/learning"), "BOT1").load() is not None
    assert saved_book(of("postgresql+psycopg://fleet@host/elsewhere"), "BOT1").load() is None


def test_a_book_that_was_saved_is_of_one_prefix(userdir: Path) -> None:
    def of(url: str) -> Settings:
        return load_settings(userdir, store=StoreSettings(url=url))

    saved_book(of("influxdb://fleet@host?prefix=ours_"), "BOT1").save([version()], RECORDED)

    assert saved_book(of("influxdb://host?prefix=ours_"), "BOT1").load() is not None
    assert saved_book(of("influxdb://fleet@host?prefix=theirs_"), "BOT1").load() is None


def test_an_unknown_bot_is_refused_with_the_known_ones(userdir: Path) -> None:
    with pytest.raises(SettingsError, match=r"no \[bots.BOT9\]; it knows BOT1, BOT2, BOT3"):
        open_bot("BOT9", host=host(userdir), protections=[])


def test_a_wrong_setting_stops_the_start(userdir: Path) -> None:
    (userdir / "config").mkdir()
    (userdir / "config" / "fleet.toml").write_text("[runtime]\nleverage = 0.5\n", encoding="utf-8")

    with pytest.raises(SettingsError, match=r"runtime\.leverage"):
        open_bot("BOT1", host=host(userdir), protections=[])


@pytest.mark.parametrize("url", ["redis://here", "", "influxdb://h:8086?token=x", "sqlite:///:memory:"])
def test_a_wrong_store_stops_the_start_because_it_does_not_mend_itself(
    userdir: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("FREQFLEET_STORE__URL", url)

    with pytest.raises(SettingsError, match=r"\[store\] url"):
        open_bot("BOT1", host=host(userdir), protections=[])


def test_a_bot_starts_on_its_defaults_where_there_is_no_store(userdir: Path) -> None:
    bot = open_bot("BOT1", host=host(userdir), protections=[])

    assert bot.plan_of(FakeTrade()).source is ExitSource.DEFAULT
    assert list(userdir.iterdir()) == []


def test_a_bot_trades_on_what_was_published_unless_it_is_told_not_to(
    userdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(userdir)
    learned = open_bot("BOT3", host=host(userdir), protections=[])
    monkeypatch.setenv("FREQFLEET_RUNTIME__PARAMETERS", "defaults")
    plain = open_bot("BOT3", host=host(userdir), protections=[])

    assert learned.plan_of(FakeTrade()).source is ExitSource.OPTUNA
    assert plain.plan_of(FakeTrade()).source is ExitSource.DEFAULT


@pytest.mark.parametrize(
    ("bot", "sides"), [("BOT1", {Side.LONG}), ("BOT2", {Side.SHORT}), ("BOT3", set(Side))]
)
def test_a_bot_enters_on_its_own_sides_only(userdir: Path, bot: str, sides: set[Side]) -> None:
    opened = open_bot(bot, host=host(userdir), protections=[])
    candles = random_walk_candles(np.random.default_rng(3), 6_000)

    entered = opened.entries(opened.indicators(candles))

    assert {side for side in Side if entered[f"enter_{side}"].any()} == sides


@pytest.mark.parametrize(
    ("runmode", "more", "guarded"),
    [
        (RunMode.LIVE, {}, True),
        (RunMode.DRY_RUN, {}, True),
        (RunMode.BACKTEST, {}, False),
        (RunMode.BACKTEST, {"enable_protections": True}, True),
        (RunMode.HYPEROPT, {}, False),
    ],
)
def test_the_stop_guard_is_there_when_freqtrades_would_be(
    userdir: Path, runmode: RunMode, more: dict[str, Any], guarded: bool
) -> None:
    bot = open_bot("BOT1", host=host(userdir, runmode, **more), protections=[STOPLOSS_GUARD])
    asked: list[str | None] = []

    def closed(pair: str | None, since: datetime) -> list[Any]:
        asked.append(pair)
        return []

    assert bot.entry_refusal("BTC/USDT:USDT", Side.LONG, OPENED, closed, FakeHostTrades()) is None
    assert bool(asked) == guarded


def test_a_bot_that_is_closed_leaves_no_thread_that_reads_or_reports(userdir: Path) -> None:
    before = set(threading.enumerate())
    bot = open_bot("BOT1", host=host(userdir, RunMode.DRY_RUN), protections=[])
    started = set(threading.enumerate()) - before

    bot.close()

    names = {one.name for one in started}
    assert names == {"freqfleet-refresh", "freqfleet-kill-switch", "freqfleet-voters"}
    for one in started:
        one.join(10.0)
    assert [one.name for one in started if one.is_alive()] == []


@pytest.mark.parametrize(("runmode", "kept"), [(RunMode.LIVE, True), (RunMode.BACKTEST, False)])
def test_plans_are_kept_on_the_trade_where_a_restart_may_come(
    userdir: Path, runmode: RunMode, kept: bool
) -> None:
    bot = open_bot("BOT1", host=host(userdir, runmode), protections=[])
    candles = bot.indicators(random_walk_candles(np.random.default_rng(3), 800))
    trade = FakeTrade()

    bot.freeze_plan(trade, OPENED, candles)

    assert bool(trade.custom) == kept


def test_a_bot_of_a_backtest_can_be_sent_to_another_process(userdir: Path) -> None:
    """Hyperopt pickles a strategy with everything in it."""
    publish(userdir)
    bot = open_bot("BOT3", host=host(userdir, RunMode.HYPEROPT), protections=[STOPLOSS_GUARD])
    candles = random_walk_candles(np.random.default_rng(3), 2_000)

    sent = cloudpickle.loads(cloudpickle.dumps(bot))

    assert isinstance(sent, FleetBot)
    assert sent.entries(sent.indicators(candles)).equals(bot.entries(bot.indicators(candles)))
    assert sent.plan_of(FakeTrade()) == bot.plan_of(FakeTrade())
    assert sent.plan_of(FakeTrade()).source is ExitSource.OPTUNA


@pytest.mark.parametrize("switch", ["use_exit_signal", "use_custom_stoploss"])
def test_a_config_that_switches_our_exits_off_stops_the_start(userdir: Path, switch: str) -> None:
    with pytest.raises(SettingsError, match=f"BOT1: {switch} is false .* take it out of the config"):
        open_bot("BOT1", host=host(userdir, **{switch: False}), protections=[])

    assert open_bot("BOT1", host=host(userdir, **{switch: True}), protections=[]).bot == "BOT1"


@pytest.mark.parametrize(("by_evidence", "most"), [("false", 5_000.0), ("true", 6_000.0)])
def test_the_tier_of_a_position_is_that_of_its_largest_stake(
    userdir: Path, monkeypatch: pytest.MonkeyPatch, by_evidence: str, most: float
) -> None:
    monkeypatch.setenv("FREQFLEET_RUNTIME__STAKE_BY_EVIDENCE", by_evidence)

    assert leverage_rule(load_settings(userdir), 5_000).stake_quote == most


@pytest.mark.parametrize("stoploss", [-0.10, -0.79])
def test_a_stoploss_that_would_end_positions_before_their_plan_stops_the_start(
    userdir: Path, stoploss: float
) -> None:
    """freqtrade writes a strategy's stoploss, or the config's over it, into its configuration."""
    with pytest.raises(SettingsError, match=rf"BOT1: stoploss is {stoploss:g} .* down to -0\.8"):
        open_bot("BOT1", host=host(userdir, stoploss=stoploss), protections=[])


@pytest.mark.parametrize(
    ("enabled", "more", "methods"),
    [
        ("true", {"enable_protections": True}, ["CooldownPeriod", "MaxDrawdown"]),
        ("true", {}, []),
        ("false", {"enable_protections": True}, []),
    ],
)
def test_breakers_are_there_when_they_are_wanted_and_freqtrade_watches(
    userdir: Path, monkeypatch: pytest.MonkeyPatch, enabled: str, more: dict[str, Any], methods: list[str]
) -> None:
    monkeypatch.setenv("FREQFLEET_BREAKERS__ENABLED", enabled)

    bot = open_bot("BOT1", host=host(userdir, **more), protections=[])

    assert [one["method"] for one in bot.host_protections] == methods
    assert bot.prices_positions is bool(methods)
    many = FakeHostTrades(entered_at=[OPENED] * 10)
    refused = bot.entry_refusal("BTC/USDT:USDT", Side.LONG, OPENED, lambda pair, since: [], many)
    assert refused == ("10 entries today" if methods else None)


# -- closed trades on their way to the store ----------------------------------------------------------


@dataclass(kw_only=True)
class ClosedFake(FakeTrade):
    """A trade that has just been closed, as it is in memory."""

    close_date_utc: datetime = datetime(2025, 10, 1, 16, tzinfo=UTC)
    close_rate: float = 102.0
    close_profit: float = 0.06
    close_profit_abs: float = 6.0
    fee_close: float = 0.0005
    funding_fees: float = 0.0
    exit_reason: str = "roi_optuna"


def test_a_trade_that_closes_reaches_the_store_as_the_one_that_sync_reads(
    userdir: Path, settings: Settings
) -> None:
    publish(userdir)
    file = userdir / "bot3.sqlite"
    write_bot_database(file, started_at=datetime(2025, 9, 1, tzinfo=UTC))
    trading = host(userdir, RunMode.DRY_RUN, db_url=f"sqlite:///{file}")
    bot = open_bot("BOT3", host=trading, protections=[])
    assert open_bot("BOT3", host=trading, protections=[]) is not bot  # /reload_config: the outbox goes on

    bot.closed(ClosedFake())

    outbox = outbox_below(userdir)
    assert outbox.wait_until_delivered(30)
    outbox.close()
    store = open_store(settings)
    (trade,) = store.closed_trades(bots=["BOT3"])
    store.close()
    assert (trade.instance, trade.mode) == ("db:2025-09-01T00:00:00Z", TradeMode.DRY_RUN)
    assert trade.parameter_version == bot.plan_of(ClosedFake()).version


def test_a_close_that_is_told_again_is_passed_on_where_something_has_changed(userdir: Path) -> None:
    """freqtrade tells of a closed trade in every loop for as long as it does not know the fee of its exit."""
    file = userdir / "bot3.sqlite"
    write_bot_database(file, started_at=datetime(2025, 9, 1, tzinfo=UTC))
    trading = host(userdir, RunMode.DRY_RUN, db_url=f"sqlite:///{file}")
    bot = open_bot("BOT3", host=trading, protections=[])

    for fee in (0.0005, 0.0005, 0.0005, 0.0004):
        bot.closed(ClosedFake(fee_close=fee))

    outbox = outbox_below(userdir)
    assert outbox.wait_until_saved(30)
    status = outbox.status().disk
    outbox.close()
    assert status is not None
    assert status.waiting == 2  # there is no store to deliver them to


def outbox_below(userdir: Path) -> Outbox:
    (found,) = [one for (path, _), one in outboxes._running.items() if path.is_relative_to(userdir.resolve())]
    return found


def test_a_bot_whose_database_is_in_memory_says_that_its_trades_do_not_reach_the_store(
    userdir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bot = open_bot("BOT3", host=host(userdir, RunMode.DRY_RUN, db_url="sqlite://"), protections=[])

    bot.closed(ClosedFake())

    assert "its database is in memory, so its trades do not reach the learning store" in caplog.text
