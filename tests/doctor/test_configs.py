from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from freqfleet.doctor.configs import account_marks, check_config, database_url, read_config
from freqfleet.doctor.findings import Finding, State
from freqfleet.settings import Settings

SECRET = "k3y-that-nobody-may-see"


def file_of(settings: Settings) -> Path:
    return settings.userdir / "config" / "bot1.json"


def write(settings: Settings, content: str | bytes) -> Path:
    file = file_of(settings)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def changed(settings: Settings, without: tuple[str, ...] = (), **keys: Any) -> list[Finding]:
    """Return what is found in the shipped config of BOT1 after some keys were changed."""
    shipped = json.loads(file_of(settings).read_text(encoding="utf-8"))
    values = {name: value for name, value in {**shipped, **keys}.items() if name not in without}
    file = write(settings, json.dumps(values))
    config, finding = read_config("BOT1", file)
    assert config is not None, finding
    return list(check_config(settings, "BOT1", file, config, settings.bots["BOT1"]))


def test_the_shipped_config_is_ok(settings: Settings) -> None:
    config, finding = read_config("BOT1", file_of(settings))

    assert finding.state is State.OK
    assert config is not None
    assert list(check_config(settings, "BOT1", file_of(settings), config, settings.bots["BOT1"])) == []


def test_a_config_that_switches_our_exits_off_fails(settings: Settings) -> None:
    (found,) = changed(settings, use_exit_signal=False)

    assert found.state is State.FAIL
    assert "the kill switch would end no position" in found.text
    assert changed(settings, use_exit_signal=True) == []


def test_a_missing_config_comes_with_the_command_that_makes_one(settings: Settings) -> None:
    file_of(settings).unlink()

    config, finding = read_config("BOT1", file_of(settings))

    assert config is None
    assert finding.state is State.FAIL
    assert str(file_of(settings)) in finding.text
    assert f"freqfleet init --userdir {settings.userdir}" in finding.remedy


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("", "syntax errors", id="empty"),
        pytest.param('{\n "a": 1\n "b": 2}', "line 3: Missing a comma", id="no comma"),
        pytest.param(b"\xff\xfe{}\x00", "UTF-8", id="bytes"),
        pytest.param("[1, 2]", "one JSON object", id="list"),
        pytest.param("5", "one JSON object", id="number"),
        pytest.param("[" * 100_000, "one JSON object", id="deep"),
        pytest.param('{"exchange": null}', "exchange: its type must be object", id="null section"),
        pytest.param('{"exchange": {}}', "'dry_run' is a required", id="missing key"),
        pytest.param(
            '{"exchange": {}, "dry_run": true}', "'name' is a required", id="missing key of section"
        ),
        pytest.param('{"add_config_files": ["bot1.json"]}', "loop", id="loop"),
        pytest.param('{"add_config_files": ["nowhere.json"]}', "nowhere.json", id="missing part"),
        pytest.param('{"add_config_files": 5}', "one JSON object", id="wrong parts"),
    ],
)
def test_a_config_that_freqtrade_refuses_is_one_line(
    settings: Settings, content: str | bytes, said: str
) -> None:
    config, finding = read_config("BOT1", write(settings, content))

    assert config is None
    assert finding.state is State.FAIL
    assert said in finding.text
    assert finding.remedy
    assert "\n" not in finding.text + finding.remedy


@pytest.mark.parametrize(
    "content",
    [
        f'{{"exchange": ["{SECRET}"], "dry_run": true}}',
        f'{{"exchange": {{"key": "{SECRET}"}}, "dry_run": true}}',
        f'{{"exchange": {{"name": "binance", "pair_whitelist": "{SECRET}"}}, "dry_run": true}}',
        f'{{"exchange": {{"name": "binance"}}, "dry_run": true, "trading_mode": "{SECRET}"}}',
        f'{{"exchange": {{"key": "{SECRET}" "name": "binance"}}}}',
        f'{{"telegram": "{SECRET}", "exchange": {{"name": "binance"}}, "dry_run": true}}',
    ],
)
def test_a_refused_config_never_shows_a_value(
    settings: Settings, content: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    _, finding = read_config("BOT1", write(settings, content))

    shown = capfd.readouterr()
    assert finding.state is State.FAIL
    assert SECRET not in f"{finding} {caplog.text} {shown.out} {shown.err}"


@pytest.mark.parametrize(
    ("without", "keys", "text", "remedy"),
    [
        ((), {"trading_mode": "spot"}, "trading_mode is 'spot'", '"trading_mode": "futures"'),
        (("trading_mode",), {}, "trading_mode is not set", '"trading_mode": "futures"'),
        ((), {"margin_mode": "cross"}, "margin_mode is 'cross'", '"margin_mode": "isolated"'),
        (("margin_mode",), {}, "margin_mode is not set", '"margin_mode": "isolated"'),
        ((), {"timeframe": "1h"}, "timeframe is '1h'", '"timeframe": "5m"'),
        ((), {"strategy": "Mine"}, "fleet.toml says 'BOT1LongStrategy'", "[bots.BOT1] agree"),
        ((), {"db_url": "nonsense"}, "no database URL", "sqlite:///"),
        ((), {"db_url": "sqlite:////elsewhere/bot1.sqlite"}, "/elsewhere/bot1.sqlite", "same db_url"),
        ((), {"db_url": "sqlite://"}, "to memory, sync reads", "same db_url"),
        ((), {"db_url": "postgresql+psycopg://u:hush@h/db"}, "u:***@h/db", "same db_url"),
    ],
)
def test_what_does_not_fit_the_fleet_fails_with_its_remedy(
    settings: Settings, without: tuple[str, ...], keys: dict[str, Any], text: str, remedy: str
) -> None:
    (finding,) = changed(settings, without, **keys)

    assert finding.state is State.FAIL
    assert text in finding.text
    assert remedy in finding.remedy
    assert "hush" not in str(finding)


def test_keys_that_the_strategy_gives_may_be_left_out(settings: Settings) -> None:
    assert changed(settings, ("timeframe", "strategy")) == []


def test_a_bot_that_trades_real_money_is_said(settings: Settings) -> None:
    (finding,) = changed(settings, dry_run=False)

    assert finding.state is State.NOTE
    assert "real money" in finding.text


def test_a_database_relative_to_another_folder_is_a_note_with_the_option_that_helps(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    (finding,) = changed(settings)

    assert finding.state is State.NOTE
    assert str(tmp_path / "elsewhere" / "user_data" / "bot1.sqlite") in finding.text
    assert f"--db-url sqlite:///{settings.userdir / 'bot1.sqlite'}" in finding.remedy


def test_without_db_url_a_bot_writes_freqtrades_own_database(settings: Settings) -> None:
    (finding,) = changed(settings, ("db_url",))

    assert finding.state is State.NOTE
    assert "tradesv3.dryrun.sqlite" in finding.text
    assert database_url({"dry_run": False}) == "sqlite:///tradesv3.sqlite"


@pytest.mark.parametrize("name", ["key", "apiKey", "api_key"])
def test_an_api_key_is_found_under_every_name_that_freqtrade_reads(name: str) -> None:
    assert account_marks({"exchange": {"name": "binance", name: SECRET}}) == (("key", SECRET),)
    assert account_marks({"exchange": {"name": "binance", name: ""}}) == ()


@pytest.mark.parametrize(
    "names", [("account_id", "accountId"), ("wallet_address", "walletAddress"), ("uid", "uid")]
)
def test_an_account_is_the_same_under_either_name(names: tuple[str, str]) -> None:
    one, other = (account_marks({"exchange": {"name": "okx", name: "0xabc"}}) for name in names)

    assert one == other
    assert len(one) == 1
