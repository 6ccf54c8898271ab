"""Nothing the fleet says, writes or shows of itself holds a secret, whatever goes wrong, at DEBUG."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from freqtrade.enums import RunMode

from freqfleet.cli import main
from freqfleet.errors import FreqfleetError, SettingsError
from freqfleet.settings import load_settings
from freqfleet.skeleton import place_skeleton
from freqfleet.testing.bot_database import write_bot_database
from freqfleet.testing.fault_proxy import FaultProxy, Mode, fault_proxy
from freqfleet.testing.host import FakeTrade
from freqfleet.testing.servers import free_port
from freqfleet.testing.trades import closed_trade
from freqfleet.wiring import open_bot, open_store
from synthetic_market import write_plain_market

TOKEN, PASSWORD, URL_PASSWORD = "planted-token-4f9a1c", "planted-password-77b2e0", "planted-userinfo-13d9"
KEY, SECRET = "planted-api-key-90aa", "planted-api-secret-61cf"
PLANTED = (TOKEN, PASSWORD, URL_PASSWORD, KEY, SECRET)


@pytest.fixture
def userdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fleet with an API key in a bot's config, a bot on PostgreSQL, and a store that asks for a token."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "user_data"
    place_skeleton(folder)
    write_plain_market(folder / "data" / "binance", days=1)
    write_bot_database(folder / "bot1.sqlite", [closed_trade()])
    config = folder / "config" / "bot1.json"
    values = json.loads(config.read_text(encoding="utf-8"))
    values["exchange"].update(key=KEY, secret=SECRET)
    config.write_text(json.dumps(values), encoding="utf-8")
    monkeypatch.setenv("FREQFLEET_STORE__TOKEN", TOKEN)
    monkeypatch.setenv(
        "FREQFLEET_BOTS__BOT2__DB_URL", f"postgresql+psycopg://fleet:{PASSWORD}@127.0.0.1:{free_port()}/bot2"
    )
    monkeypatch.setenv("FREQFLEET_STORE__TIMEOUT_SECONDS", "0.5")
    return folder


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    with fault_proxy(free_port()) as proxy:
        yield proxy


def run(userdir: Path, *arguments: str) -> None:
    sys.argv = ["freqfleet", "--userdir", str(userdir), "-v", *arguments]
    assert not any(one in " ".join(sys.argv) for one in PLANTED)
    with pytest.raises(SystemExit):
        main()


def written(userdir: Path) -> Iterator[tuple[Path, bytes]]:
    config = userdir / "config" / "bot1.json"  # freqtrade's own place for its keys
    for file in userdir.rglob("*"):
        if file.is_file() and file != config:
            yield file, file.read_bytes()


FAULTS = {
    "refused": lambda proxy: proxy.answer(401, body=f'{{"error": "no such token {TOKEN}"}}'),
    "busy": lambda proxy: proxy.answer(503, headers="Retry-After: 0\r\n"),
    "down": lambda proxy: proxy.set(Mode.DOWN),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fleet_whose_store_fails_says_no_secret(
    userdir: Path,
    proxy: FaultProxy,
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
):
    FAULTS[fault](proxy)
    monkeypatch.setattr(sys, "argv", ["freqfleet"])
    monkeypatch.setenv("FREQFLEET_STORE__URL", f"influxdb://127.0.0.1:{proxy.port}")
    caplog.set_level(logging.DEBUG)

    for verb in (
        ["doctor"],
        ["sync"],
        ["sync", "--reconcile"],
        ["optimize", "--dry-run"],
        ["params", "list"],
    ):
        run(userdir, *verb)
    bot = open_bot(
        "BOT3",
        host={"user_data_dir": userdir, "runmode": RunMode.DRY_RUN, "stoploss": -0.99, "stake_amount": 100},
        protections=[],
    )
    bot.plan_of(FakeTrade())
    settings = load_settings(userdir)
    shown = [repr(settings), str(settings), settings.model_dump_json(exclude={"bots", "store"})]
    try:
        shown.append(repr(open_store(settings)))
    except FreqfleetError as error:
        shown.append(repr(error))

    said = capfd.readouterr()
    everything = "\n".join([said.out, said.err, caplog.text, *shown])
    assert "127.0.0.1" in everything  # the parts that fail were reached
    assert proxy.requests > 3
    assert [one for one in PLANTED if one in everything] == []
    found = [(file, one) for file, content in written(userdir) for one in PLANTED if one.encode() in content]
    assert found == []


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://fleet:{URL_PASSWORD}@127.0.0.1/learning",
        f"influxdb://fleet:{URL_PASSWORD}@127.0.0.1:8086",
        f"influxdb://127.0.0.1:8086?token={URL_PASSWORD}",
        f"mysql://fleet:{URL_PASSWORD}@127.0.0.1/learning",
    ],
)
def test_a_password_in_the_stores_url_is_refused_without_being_said(
    userdir: Path, url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("FREQFLEET_STORE__URL", url)
    settings = load_settings(userdir)

    with pytest.raises(SettingsError) as raised:
        open_store(settings)
    monkeypatch.setattr(sys, "argv", ["freqfleet"])
    run(userdir, "sync", "--bot", "BOT1")

    said = capfd.readouterr()
    assert URL_PASSWORD not in str(raised.value) + repr(settings) + said.out + said.err
