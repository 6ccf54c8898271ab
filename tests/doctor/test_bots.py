from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from freqfleet.doctor.bots import check_bots
from freqfleet.doctor.findings import Finding, State
from freqfleet.settings import Settings
from freqfleet.testing.bot_database import write_bot_database
from freqfleet.testing.trades import closed_trade

SECRET = "k3y-that-nobody-may-see"


def findings(settings: Settings, subject: str) -> list[Finding]:
    return [one for one in check_bots(settings) if one.subject == subject]


def change_config(settings: Settings, bot: str, **keys: Any) -> None:
    file = settings.userdir / "config" / f"{bot.lower()}.json"
    values = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**values, **keys}), encoding="utf-8")


def set_key(settings: Settings, bot: str, key: str) -> None:
    file = settings.userdir / "config" / f"{bot.lower()}.json"
    exchange = json.loads(file.read_text(encoding="utf-8"))["exchange"]
    change_config(settings, bot, exchange={**exchange, "key": key})


def test_what_init_makes_has_nothing_to_mend(settings: Settings) -> None:
    found = list(check_bots(settings))

    assert [one for one in found if one.state is State.FAIL] == []
    assert [one.subject for one in found] == [
        f"{bot} {what}"
        for bot in ("BOT1", "BOT2", "BOT3")
        for what in ("config", "leverage", "strategy", "database")
    ]


# -- strategies ---------------------------------------------------------------------------------------


def test_a_strategy_is_found_by_its_class_in_whatever_file(settings: Settings) -> None:
    folder = settings.userdir / "strategies"
    (folder / "bot1_long.py").rename(folder / "mine.py")

    (finding,) = findings(settings, "BOT1 strategy")

    assert finding.state is State.OK
    assert "mine.py" in finding.text


def test_a_missing_strategy_comes_with_the_command_that_brings_it(settings: Settings) -> None:
    (settings.userdir / "strategies" / "bot1_long.py").unlink()

    (finding,) = findings(settings, "BOT1 strategy")

    assert finding.state is State.FAIL
    assert "no class BOT1LongStrategy" in finding.text
    assert "freqfleet init" in finding.remedy


def test_a_class_that_only_begins_like_it_is_another_one(settings: Settings) -> None:
    file = settings.userdir / "strategies" / "bot1_long.py"
    file.write_text("class BOT1LongStrategyOld:\n    pass\n# class BOT1LongStrategy(\n", encoding="utf-8")

    (finding,) = findings(settings, "BOT1 strategy")

    assert finding.state is State.FAIL


def test_a_folder_named_like_a_strategy_is_said(settings: Settings) -> None:
    (settings.userdir / "strategies" / "a.py").mkdir()

    (finding,) = findings(settings, "BOT1 strategy")

    assert finding.state is State.FAIL
    assert "a.py cannot be read" in finding.text


# -- databases ----------------------------------------------------------------------------------------


def test_a_bot_that_has_not_run_yet_is_no_failure(settings: Settings) -> None:
    (finding,) = findings(settings, "BOT2 database")

    assert finding.state is State.NOTE
    assert "bot2.sqlite yet" in finding.text
    assert finding.remedy.startswith("start the bot once")


def test_a_database_of_freqtrade_is_counted(settings: Settings) -> None:
    trades = [closed_trade(trade_id=number) for number in (1, 2, 3)]
    write_bot_database(settings.userdir / "bot1.sqlite", trades, started_at=datetime(2025, 10, 1, tzinfo=UTC))

    (finding,) = findings(settings, "BOT1 database")

    assert finding.state is State.OK
    assert finding.text.endswith("bot1.sqlite: 3 closed trades")


def test_a_database_of_something_else_fails(settings: Settings) -> None:
    with closing(sqlite3.connect(settings.userdir / "bot1.sqlite")) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
        connection.commit()

    (finding,) = findings(settings, "BOT1 database")

    assert finding.state is State.FAIL
    assert "is not freqtrade's" in finding.text
    assert finding.remedy == "correct the bot's db_url"


def test_a_file_that_is_no_database_fails_once_and_says_what_to_do_once(settings: Settings) -> None:
    (settings.userdir / "bot1.sqlite").write_bytes(b"not a database" * 100)

    (finding,) = findings(settings, "BOT1 database")

    assert finding.state is State.FAIL
    assert finding.text.endswith("bot1.sqlite is not an SQLite database")
    assert finding.remedy == "correct the bot's db_url"


def test_a_db_url_that_is_none_fails(settings: Settings) -> None:
    bots = {**settings.bots, "BOT1": settings.bots["BOT1"].model_copy(update={"db_url": "nonsense"})}

    (finding,) = findings(settings.model_copy(update={"bots": bots}), "BOT1 database")

    assert finding.state is State.FAIL
    assert "'nonsense'" in finding.text


# -- what must not be shared --------------------------------------------------------------------------


def test_a_shared_api_key_fails_and_is_never_shown(settings: Settings) -> None:
    for bot in ("BOT1", "BOT3"):
        set_key(settings, bot, SECRET)

    found = list(check_bots(settings))

    (finding,) = [one for one in found if one.subject == "accounts"]
    assert finding.state is State.FAIL
    assert "BOT1, BOT3 trade on one futures account" in finding.text
    assert "sub-account" in finding.remedy
    assert SECRET not in str(found)


def test_two_keys_of_one_account_are_found_where_the_config_names_the_account(settings: Settings) -> None:
    for bot, key in (("BOT1", "one"), ("BOT2", "two")):
        change_config(
            settings, bot, exchange={"name": "okx", "key": key, "uid": "4711", "pair_whitelist": []}
        )

    (finding,) = findings(settings, "accounts")

    assert "BOT1, BOT2 trade on one futures account" in finding.text
    assert "of one pair net" in finding.text


def test_keys_of_their_own_and_no_keys_at_all_are_fine(settings: Settings) -> None:
    set_key(settings, "BOT1", "one")
    set_key(settings, "BOT2", "two")

    assert findings(settings, "accounts") == []


def test_a_shared_database_fails_however_it_is_written(settings: Settings, userdir: Path) -> None:
    change_config(settings, "BOT2", db_url=f"sqlite:///{userdir / 'bot1.sqlite'}")

    (finding,) = findings(settings, "databases")

    assert finding.state is State.FAIL
    assert "BOT1, BOT2 write their trades to the same" in finding.text
    assert "db_url of its own" in finding.remedy


def test_bots_without_db_url_share_freqtrades_own_database(settings: Settings) -> None:
    for bot in ("BOT1", "BOT2"):
        change_config(settings, bot, db_url=None)
        file = settings.userdir / "config" / f"{bot.lower()}.json"
        values = json.loads(file.read_text(encoding="utf-8"))
        del values["db_url"]
        file.write_text(json.dumps(values), encoding="utf-8")

    (finding,) = findings(settings, "databases")

    assert "tradesv3.dryrun.sqlite" in finding.text


def test_databases_in_memory_are_not_shared(settings: Settings) -> None:
    for bot in ("BOT1", "BOT2"):
        change_config(settings, bot, db_url="sqlite://")

    assert findings(settings, "databases") == []
