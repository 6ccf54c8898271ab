from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from freqfleet.store.sql import SqlStore
from freqfleet.testing.bot_database import write_bot_database
from freqfleet.testing.trades import closed_trade

Run = Callable[..., tuple[int, str, str]]
START = "from freqfleet.cli import main; main()"


def backtest(file: Path, strategy: str = "BOT2ShortStrategy", **overrides: object) -> Path:
    trade = {
        "pair": "BTC/USDT:USDT",
        "stake_amount": 100.0,
        "open_rate": 50_000.0,
        "close_rate": 51_000.0,
        "fee_open": 0.0005,
        "fee_close": 0.0005,
        "profit_ratio": 0.06,
        "profit_abs": 6.0,
        "exit_reason": "roi",
        "leverage": 3.0,
        "is_short": True,
        "open_timestamp": 1_761_984_000_000,
        "close_timestamp": 1_761_998_400_000,
        **overrides,
    }
    file.write_text(json.dumps({"strategy": {strategy: {"trades": [trade]}}}))
    return file


def stored(userdir: Path) -> list[tuple[str, int]]:
    store = SqlStore(f"sqlite:///{userdir / 'learning.sqlite'}")
    trades = store.closed_trades()
    store.close()
    return [(one.bot, one.trade_id) for one in trades]


def test_every_bot_is_synced_and_a_missing_one_is_skipped_with_its_reason(run: Run, userdir: Path):
    write_bot_database(userdir / "bot1.sqlite", [closed_trade(), closed_trade(trade_id=2)])
    write_bot_database(userdir / "bot2.sqlite", [closed_trade()])

    code, out, _ = run("sync")

    assert code == 0
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert rows[1] == f"BOT1 {userdir / 'bot1.sqlite'} 2 2 0 0 0 0"
    assert rows[2] == f"BOT2 {userdir / 'bot2.sqlite'} 1 1 0 0 0 0"
    assert f"BOT3 skipped: no database {userdir / 'bot3.sqlite'}; start the bot once" in out
    assert sorted(stored(userdir)) == [("BOT1", 1), ("BOT1", 2), ("BOT2", 1)]


def test_a_second_sync_adds_nothing(run: Run, userdir: Path):
    write_bot_database(userdir / "bot1.sqlite", [closed_trade()])
    run("sync")

    code, out, _ = run("sync", "--bot", "BOT1", "--json", "-")

    assert code == 0
    (report,) = json.loads(out)["synced"]
    assert (report["read"], report["accepted"], report["amended"], report["duplicate"]) == (1, 0, 0, 1)


def test_it_ends_with_3_when_no_bot_can_be_read_and_still_says_why(run: Run):
    code, out, err = run("sync", "--bot", "BOT1", "--json", "-")

    assert code == 3
    assert json.loads(out)["skipped"][0]["reason"].startswith("no database ")
    assert err.startswith("freqfleet: no trades could be read for BOT1; start the bots once, correct db_url")


def test_dropped_trades_are_shown_with_their_reason(run: Run, userdir: Path, tmp_path: Path):
    file = backtest(tmp_path / "r.json", leverage=0.5)

    code, out, _ = run("sync", "--from-backtest", str(file))

    assert code == 0
    assert "  dropped: BOT2 trade 1 BTC/USDT:USDT: leverage must be at least 1, was 0.5" in out


def test_a_backtest_goes_to_the_bot_of_its_strategy(run: Run, userdir: Path, tmp_path: Path):
    file = backtest(tmp_path / "[a].json")

    code, out, _ = run("sync", "--from-backtest", str(file), "--json", str(tmp_path / "out.json"))

    assert code == 0
    assert "[a].json (BOT2ShortStrategy)" in out
    assert json.loads((tmp_path / "out.json").read_text())["synced"][0]["bot"] == "BOT2"
    assert stored(userdir) == [("BOT2", 1)]


def test_bot_says_whose_a_strange_strategy_is(run: Run, userdir: Path, tmp_path: Path):
    file = backtest(tmp_path / "r.json", strategy="Supertrend")

    refused = run("sync", "--from-backtest", str(file))
    taken = run("sync", "--from-backtest", str(file), "--bot", "BOT3")

    assert refused[0] == 2
    assert "no bot has the strategy Supertrend, only BOT1LongStrategy" in refused[2]
    assert taken[0] == 0
    assert stored(userdir) == [("BOT3", 1)]


def test_one_wrong_file_stops_before_anything_is_stored(run: Run, userdir: Path, tmp_path: Path):
    good, wrong = backtest(tmp_path / "r.json"), tmp_path / "w.json"
    wrong.write_text("{}")

    code, _, err = run("sync", "--from-backtest", str(good), "--from-backtest", str(wrong))

    assert code == 2
    assert str(wrong) in err
    assert not (userdir / "learning.sqlite").exists()


def test_all_takes_every_result_of_a_folder_each_entry_once(run: Run, userdir: Path, tmp_path: Path):
    later = {"open_timestamp": 1_762_084_000_000, "close_timestamp": 1_762_098_400_000}
    backtest(tmp_path / "a.json")
    backtest(tmp_path / "b.json", close_rate=49_000.0)  # the same entry, left at another price
    backtest(tmp_path / "c.json", strategy="BOT1LongStrategy", is_short=False)
    backtest(tmp_path / "d.json", **later)
    backtest(tmp_path / "e.json", strategy="Supertrend")

    code, out, _ = run("sync", "--from-backtest", str(tmp_path), "--all")
    again = run("sync", "--from-backtest", str(tmp_path), "--all", "--json", "-")

    assert code == 0
    assert f"Supertrend skipped: {tmp_path / 'e.json'}: no bot has the strategy Supertrend" in out
    assert sorted(bot for bot, _ in stored(userdir)) == ["BOT1", "BOT2", "BOT2"]
    told = json.loads(again[1])
    assert [(one["read"], one["accepted"], one["duplicate"]) for one in told["synced"]] == [(1, 0, 1)] * 4
    assert [one["bot"] for one in told["skipped"]] == ["Supertrend"]


def test_all_of_a_folder_whose_strategies_have_no_bot_ends_with_2(run: Run, userdir: Path, tmp_path: Path):
    backtest(tmp_path / "e.json", strategy="Supertrend")

    refused = run("sync", "--from-backtest", str(tmp_path), "--all")
    taken = run("sync", "--from-backtest", str(tmp_path), "--all", "--bot", "BOT3")

    assert refused[0] == 2
    assert "no bot has the strategy Supertrend" in refused[2]
    assert taken[0] == 0
    assert stored(userdir) == [("BOT3", 1)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--all"], "give it with --from-backtest FOLDER"),
        (["--bot", "bot1"], "there is no such bot; did you mean BOT1?"),
        (["--bot", "zebra"], "there is no such bot; known: BOT1, BOT2, BOT3"),
        (["--bot", "BOT1", "--bot", "BOT2", "--from-backtest", "x"], "takes one --bot, were BOT1, BOT2"),
    ],
)
def test_wrong_arguments_end_with_2(run: Run, arguments: list[str], said: str):
    code, _, err = run("sync", *arguments)

    assert code == 2
    assert said in err


def test_a_store_that_cannot_be_opened_ends_with_3_and_no_bot_is_blamed(run: Run, userdir: Path):
    (userdir / "learning.sqlite").write_text("not a database" * 100)
    write_bot_database(userdir / "bot1.sqlite", [closed_trade()])

    code, out, err = run("sync")

    assert (code, out) == (3, "")
    assert "is not an SQLite database" in err


def test_a_json_file_that_cannot_be_written_is_said(run: Run, userdir: Path, tmp_path: Path):
    write_bot_database(userdir / "bot1.sqlite", [closed_trade()])

    code, _, err = run("sync", "--json", str(tmp_path / "gone" / "out.json"))

    assert code == 2
    assert "out.json" in err


def delete_from_store(userdir: Path, *trade_ids: int) -> None:
    with closing(sqlite3.connect(userdir / "learning.sqlite")) as connection, connection:
        connection.executemany("DELETE FROM closed_trades WHERE trade_id = ?", [(one,) for one in trade_ids])


def test_reconcile_shows_what_was_missing_and_brings_it_back(run: Run, userdir: Path):
    write_bot_database(userdir / "bot1.sqlite", [closed_trade(trade_id=one) for one in (1, 2, 3)])
    run("sync")
    delete_from_store(userdir, 2)

    code, out, _ = run("sync", "--reconcile")
    again = run("sync", "--reconcile", "--bot", "BOT1", "--json", "-")

    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert code == 0
    assert rows[1] == "BOT1 1 3 1 1 0 0"
    assert rows[3] == "BOT1 2025-11-01 3 2 18.0000 12.0000 missing 2"
    assert sorted(stored(userdir)) == [("BOT1", 1), ("BOT1", 2), ("BOT1", 3)]
    (report,) = json.loads(again[1])["reconciled"]
    assert (again[0], report["differences"], report["restored"], report["unrepaired"]) == (0, [], 0, [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--reconcile", "--from-backtest", "x"], "leave --from-backtest out"),
        (["--every", "5", "--reconcile"], "--every runs as a service"),
        (["--every", "5", "--json", "-"], "--every runs as a service"),
        (["--every", "0.2"], "not in the range x>=1"),
    ],
)
def test_arguments_that_exclude_each_other_end_with_2(run: Run, arguments: list[str], said: str):
    code, _, err = run("sync", *arguments)

    assert code == 2
    assert said in err


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_the_service_says_a_line_a_cycle_and_ends_cleanly(userdir: Path, signal_number: signal.Signals):
    write_bot_database(userdir / "bot1.sqlite", [closed_trade()])
    service = subprocess.Popen(
        [sys.executable, "-c", START, "--userdir", str(userdir), "sync", "--every", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert service.stdout is not None
        first = service.stdout.readline()
        beating = (userdir / "heartbeats" / "sync.json").exists() or service.stdout.readline()
        service.send_signal(signal_number)
        _, err = service.communicate(timeout=30)
    finally:
        service.kill()

    assert "BOT1 +1; BOT2 skipped: no database" in first
    assert beating
    assert (service.returncode, err) == (0, "")
    assert not (userdir / "heartbeats" / "sync.json").exists()


def test_a_damaged_store_is_moved_aside_aloud_and_filled_again(
    run: Run, userdir: Path, caplog: pytest.LogCaptureFixture
):
    write_bot_database(userdir / "bot1.sqlite", [closed_trade()])
    run("sync", "--bot", "BOT1")
    file = userdir / "learning.sqlite"
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + b"\x07" * (len(whole) - 100))

    code, _, _ = run("sync", "--bot", "BOT1")

    (aside,) = userdir.glob("learning.sqlite.damaged-*Z")
    assert code == 0
    assert f"moved to {aside}, a new store is made in its place" in caplog.text
    assert aside.read_bytes()[:100] == whole[:100]
    assert stored(userdir) == [("BOT1", 1)]
