"""The reader of a bot's database, on databases that freqtrade's own models wrote."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from freqfleet.domain.closed_trade import TradeMode
from freqfleet.domain.sides import Side
from freqfleet.errors import TradeSourceError, UnreachableError
from freqfleet.runtime.plans import PLAN_KEY
from freqfleet.testing.bot_database import amend_bot_database, write_bot_database
from freqfleet.testing.trades import closed_trade
from freqfleet.trades import freqtrade_columns
from freqfleet.trades.freqtrade_db import FreqtradeDatabase

STARTED = datetime(2025, 10, 1, tzinfo=UTC)  # the instance of `closed_trade`


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bot1.sqlite"


def database(file: Path) -> FreqtradeDatabase:
    return FreqtradeDatabase(f"sqlite:///{file}", bot="BOT1")


def test_what_freqtrade_wrote_comes_back_as_it_was(file: Path):
    trades = (
        closed_trade(trade_id=1, parameter_version="0123456789ab"),
        closed_trade(
            trade_id=2,
            pair="ETH/USDT:USDT",
            side=Side.SHORT,
            leverage=7.5,
            mode=TradeMode.LIVE,
            margin_profit_ratio=-0.031,
            profit_quote=-3.1,
            funding_fees_quote=0.02,
            exit_reason="cutloss_fallback",
            opened_at=datetime(2025, 11, 2, 3, 4, 5, 678_901, tzinfo=UTC),
            closed_at=datetime(2025, 11, 3, tzinfo=UTC),
        ),
    )
    write_bot_database(file, trades, started_at=STARTED)

    reading = database(file).read()

    assert reading.trades == trades
    assert (reading.bot, reading.source, reading.dropped) == ("BOT1", str(file), ())


def test_the_key_of_the_plan_is_the_one_strategies_write():
    assert freqtrade_columns.PLAN_KEY == PLAN_KEY


def test_open_trades_are_left_out(file: Path):
    write_bot_database(file, [closed_trade()], open_trades=[closed_trade(trade_id=2)])

    reading = database(file).read()

    assert [one.trade_id for one in reading.trades] == [1]
    assert reading.dropped == ()  # an open trade is no bad one
    assert database(file).inventory().trade_ids == {1}


@pytest.mark.parametrize("tag", [None, "", "somebody else's tag"])
def test_a_tag_that_is_not_ours_says_nothing(file: Path, tag: str | None):
    write_bot_database(file, [closed_trade(enter_tag=tag)], started_at=STARTED)

    (trade,) = database(file).read().trades

    assert trade == closed_trade(enter_tag=tag or None, feeder=None, votes=None, voters=None, confidence=None)


# Which database


def test_the_noted_start_is_the_instance(file: Path):
    write_bot_database(file, [closed_trade()], started_at=STARTED)

    assert database(file).inventory().instance == "db:2025-10-01T00:00:00Z"


def test_without_it_the_first_opened_trade_is_as_freqtrade_itself_would_note(file: Path):
    first = closed_trade(trade_id=7, opened_at=datetime(2025, 9, 1, tzinfo=UTC))
    write_bot_database(file, [closed_trade(), first])
    before = database(file).inventory().instance

    write_bot_database(file, started_at=first.opened_at)

    assert before == "db:2025-09-01T00:00:00Z"
    assert database(file).inventory().instance == before


def test_an_empty_database_is_no_fault(file: Path):
    write_bot_database(file)

    assert database(file).read().count == 0
    assert database(file).inventory().trade_ids == frozenset()


# Which trades


def test_a_window_takes_what_closed_at_its_start_and_later(file: Path):
    close = closed_trade().closed_at
    write_bot_database(
        file,
        [
            closed_trade(trade_id=number, closed_at=close + timedelta(minutes=number))
            for number in range(1, 5)
        ],
    )

    reading = database(file).read(closed_from=close + timedelta(minutes=3), also=[1, 3, 99])

    assert sorted(one.trade_id for one in reading.trades) == [1, 3, 4]


def test_more_ids_than_one_query_takes_are_read(file: Path):
    write_bot_database(file, [closed_trade(trade_id=number) for number in range(1, 603)])

    reading = database(file).read(closed_from=datetime(2030, 1, 1, tzinfo=UTC), also=range(1, 603))

    assert len(reading.trades) == 602


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"leverage": 0.5}, "leverage must be at least 1, was 0.5"),
        ({"close_date": datetime(2025, 10, 31)}, "before it opened"),  # noqa: DTZ001 - freqtrade keeps it naive
        ({"close_date": None}, "close_date is empty"),
        ({"close_profit": None}, "close_profit is empty"),
        ({"open_rate": float("inf")}, "open_rate must be above 0, was inf"),
        ({"close_rate": 0.0}, "close_rate must be above 0, was 0.0"),
        ({"pair": "btcusdt"}, "not a pair: 'btcusdt'"),
        ({"orders": []}, "it has no orders, so it is neither live nor a dry run"),
    ],
)
def test_a_bad_trade_is_dropped_with_its_reason_and_the_others_go_on(file: Path, columns, reason: str):
    write_bot_database(file, [closed_trade(trade_id=1), closed_trade(trade_id=2)], started_at=STARTED)
    amend_bot_database(file, 2, **columns)

    reading = database(file).read()

    assert reading.trades == (closed_trade(trade_id=1),)
    (dropped,) = reading.dropped
    assert dropped.startswith("BOT1 trade 2 ")
    assert reason in dropped
    assert dropped.count("BOT1 trade 2") == 1


def test_a_date_that_is_none_drops_one_trade_only(file: Path):
    write_bot_database(file, [closed_trade(trade_id=1), closed_trade(trade_id=2)], started_at=STARTED)
    by_hand(file, "UPDATE trades SET close_date = 'yesterday' WHERE id = 2")

    reading = database(file).read()

    assert len(reading.trades) == 1
    assert "yesterday" in reading.dropped[0]


def test_an_empty_leverage_is_one_as_freqtrade_has_it(file: Path):
    write_bot_database(file, [closed_trade()], started_at=STARTED)
    amend_bot_database(file, 1, leverage=None, funding_fees=None, exit_reason=None)

    (trade,) = database(file).read().trades

    assert trade == replace(closed_trade(), leverage=1.0, funding_fees_quote=0.0, exit_reason="unknown")


@pytest.mark.parametrize("plan", ["not json", "[]", '{"version": 3}', "{}"])
def test_a_plan_of_somebody_else_names_no_version(file: Path, plan: str):
    write_bot_database(file, [closed_trade(parameter_version="abc")], started_at=STARTED)
    by_hand(file, f"UPDATE trade_custom_data SET cd_value = '{plan}'")

    (trade,) = database(file).read().trades

    assert trade.parameter_version is None


# Databases that cannot be read, and none that is written


def test_reading_leaves_no_file_and_changes_none(file: Path):
    write_bot_database(file, [closed_trade()])
    before = (file.read_bytes(), file.stat().st_mtime_ns)

    database(file).read()
    database(file).inventory()

    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_trades_of_a_running_bot_are_seen_before_they_reach_the_file(file: Path):
    write_bot_database(file, [closed_trade(trade_id=1), closed_trade(trade_id=2)])
    bot = sqlite3.connect(file)
    bot.execute("UPDATE trades SET exit_reason = 'fresh' WHERE id = 2")
    bot.commit()
    assert file.with_name("bot1.sqlite-wal").stat().st_size > 0

    trades = database(file).read().trades
    bot.close()

    assert [one.exit_reason for one in trades] == ["roi_optuna", "fresh"]


def test_a_missing_database_is_said_with_the_way_out_and_not_made(file: Path):
    with pytest.raises(TradeSourceError) as raised:
        database(file).read()

    assert str(raised.value) == f"no database {file}; start the bot once, or correct its db_url"
    assert not file.exists()


def test_a_database_of_something_else_says_what_is_missing(file: Path):
    by_hand(file, "CREATE TABLE trades (id INTEGER)")

    with pytest.raises(TradeSourceError, match="table trades has no column pair, is_short, leverage"):
        database(file).read()


def test_a_database_without_trades_says_so(file: Path):
    by_hand(file, "CREATE TABLE books (id INTEGER)")

    with pytest.raises(TradeSourceError, match="is not freqtrade's: it has no table trades"):
        database(file).inventory()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://", "a database in memory holds nothing"),
        ("sqlite:///{folder}", "is not a file"),
        ("sqlite:///{folder}/text", "is not an SQLite database"),
        ("nonsense", "is not a database URL"),
        ("nodialect://host/db", "no driver for it"),
    ],
)
def test_a_wrong_db_url_is_said(tmp_path: Path, url: str, said: str):
    (tmp_path / "text").write_text("pair;profit")

    with pytest.raises(TradeSourceError, match=said):
        FreqtradeDatabase(url.format(folder=tmp_path), bot="BOT1").read()


def test_a_damaged_database_is_said(file: Path):
    write_bot_database(file, [closed_trade(trade_id=number) for number in range(1, 100)])
    damaged = bytearray(file.read_bytes())
    damaged[4096:] = b"\xff" * (len(damaged) - 4096)
    file.write_bytes(damaged)

    with pytest.raises(TradeSourceError, match="malformed"):
        database(file).read()


def test_a_locked_database_is_unreachable_not_wrong(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("freqfleet.trades.read_only._TIMEOUT_SECONDS", 0.05)
    by_hand(file, "PRAGMA journal_mode=DELETE")
    holder = sqlite3.connect(file)
    holder.execute("CREATE TABLE held (id INTEGER)")
    holder.commit()
    holder.execute("BEGIN EXCLUSIVE")

    with pytest.raises(UnreachableError, match="does not answer: database is locked; try again"):
        database(file).read()
    holder.close()


def test_a_server_is_named_without_its_password():
    source = FreqtradeDatabase("postgresql+psycopg://user:secret@host/bot1?token=secret", bot="BOT1")

    assert source.description == "postgresql+psycopg://user:***@host/bot1"


def by_hand(file: Path, statement: str) -> None:
    connection = sqlite3.connect(file)
    connection.execute(statement)
    connection.commit()
    connection.close()
