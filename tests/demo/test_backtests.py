from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from freqfleet.demo.backtests import OVERLAY_FILE, DemoBacktests, Job, own_settings, store_variables
from freqfleet.demo.market import DemoMarket, open_market
from freqfleet.report.demo_page import Phase
from freqfleet.settings import StoreSettings, load_settings
from freqfleet.skeleton import place_skeleton
from synthetic_market import write_plain_market

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
ETH_FILE = "ETH_USDT_USDT"


def test_bots_use_the_store_of_the_demo_with_its_secret() -> None:
    store = StoreSettings(url="influxdb://host:8086", token=SecretStr("swordfish"))

    assert store_variables(store) == {
        "FREQFLEET_STORE__URL": "influxdb://host:8086",
        "FREQFLEET_STORE__TOKEN": "swordfish",
        "FREQFLEET_STORE__TIMEOUT_SECONDS": "10.0",
    }


def test_bots_get_the_settings_of_the_environment_as_this_process_has_them() -> None:
    environment = {
        "FREQFLEET_RUNTIME__LEVERAGE": "2",
        "freqfleet_defaults__stop_loss": "-0.02",
        "FREQFLEET_BOTS__BOT3__SIDE": "long",
        "PATH": "/bin",
    }

    assert own_settings(environment) == {
        "FREQFLEET_RUNTIME__LEVERAGE": "2",
        "freqfleet_defaults__stop_loss": "-0.02",
        "FREQFLEET_BOTS__BOT3__SIDE": "long",
    }


def test_where_things_are_and_what_a_phase_trades_on_is_the_demos_to_say() -> None:
    taken = {
        "FREQFLEET_STORE__URL": "sqlite:////mine.sqlite",
        "FREQFLEET_STORE": "{}",
        "FREQFLEET_MARKET__DATADIR": "/mine",
        "freqfleet_runtime__parameters": "defaults",
        "FREQFLEET_FEEDERS__USE": "bank",
    }

    assert own_settings(taken) == {}


@pytest.fixture
def market(tmp_path: Path) -> DemoMarket:
    return open_market(write_plain_market(tmp_path / "market", days=20), tmp_path / "out")


@pytest.fixture
def userdir(tmp_path: Path) -> Path:
    place_skeleton(tmp_path / "out" / "user_data")
    return tmp_path / "out" / "user_data"


def test_a_pair_that_the_exchange_cannot_serve_is_named_with_its_reason(
    market: DemoMarket, userdir: Path
) -> None:
    (market.datadir / "futures" / f"{ETH_FILE}-1h-mark.feather").write_bytes(b"no feather")
    backtests = DemoBacktests(market, userdir, load_settings(userdir))

    assert backtests.run([]) == []

    assert set(backtests.not_served) == {ETH}
    assert "mark.feather" in backtests.not_served[ETH]
    assert market.without(backtests.not_served).pairs == (BTC,)


def test_the_overlay_of_a_run_trades_every_served_pair_at_once(market: DemoMarket, userdir: Path) -> None:
    DemoBacktests(market, userdir, load_settings(userdir)).run([])

    overlay = json.loads((userdir / "config" / OVERLAY_FILE).read_text(encoding="utf-8"))
    assert overlay["exchange"]["pair_whitelist"] == [BTC, ETH]
    assert (overlay["max_open_trades"], overlay["dry_run_wallet"]) == (2, 10_000.0)
    assert overlay["exchange"]["ccxt_config"]["urls"]["api"]["fapiPublic"].startswith("http://127.0.0.1:")


def test_a_job_is_a_command_that_a_person_could_type(market: DemoMarket, userdir: Path) -> None:
    settings = load_settings(userdir)
    job = Job(bot="BOT2", phase=Phase.LEARNING, starts_at=market.starts_at, ends_at=market.split_at)

    typed = DemoBacktests(market, userdir, settings).command(job, userdir / "config" / OVERLAY_FILE)

    options = dict(zip(typed[1::2], typed[2::2], strict=False))
    assert typed[0] == "backtesting"
    assert options["--strategy"] == "BOT2ShortStrategy"
    assert options["--timerange"] == f"{market.starts_at:%Y%m%d}-{market.split_at:%Y%m%d}"
    assert options["--fee"] == str(settings.costs.fee)
    assert options["--cache"] == "none"
    assert str(userdir / "config" / "bot2.json") in typed


@pytest.mark.parametrize("phase", list(Phase))
def test_only_the_learned_phases_trade_on_the_book(market: DemoMarket, phase: Phase) -> None:
    job = Job(bot="BOT3", phase=phase, starts_at=market.split_at, ends_at=market.ends_at)

    assert job.uses_book == (phase in (Phase.LEARNED, Phase.FEEDERS))
    assert job.uses_bank == (phase is Phase.FEEDERS)
