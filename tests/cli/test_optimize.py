import json
import sys
from dataclasses import replace

import pytest

from freqfleet.cli import main
from freqfleet.clock import iso
from freqfleet.market.candles import CandleFiles
from freqfleet.settings import load_settings
from freqfleet.testing.candle_tables import write_candles
from freqfleet.wiring import open_store
from replaycases import BTC, WAVE_CANDLES, after, waves

ETH = "ETH/USDT:USDT"
WAVES = 80
AS_OF = iso(after(5 * WAVE_CANDLES * (WAVES + 2)))
FLEET = """
[optimizer]
time_limit_minutes = [240]
trials = 20
[defaults]
time_limit_minutes = 240
"""


@pytest.fixture
def userdir(tmp_path):
    """A userdir with candles of two pairs, and BTC trades that a wider target would improve."""
    folder = tmp_path / "user_data"
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "fleet.toml").write_text(FLEET)
    settings = load_settings(folder)
    candles, trades = waves([0.06] * WAVES)
    files = CandleFiles(settings.datadir)
    for pair in (BTC, ETH):
        write_candles(files.path(pair), replace(candles, pair=pair))
    store = open_store(settings)
    store.record_closed_trades(trades)
    store.close()
    return folder


@pytest.fixture
def freqfleet(monkeypatch, capfd, userdir):
    """Run the program; returns its exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["freqfleet", "--userdir", str(userdir), *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return ended.value.code, out, err

    return run


def published(userdir):
    store = open_store(load_settings(userdir))
    try:
        return store.parameter_versions()
    finally:
        store.close()


def test_publishes_what_beats_the_defaults_and_ends_with_0(freqfleet, userdir):
    code, out, _ = freqfleet("optimize", "--as-of", AS_OF, "--search", "random")

    assert code == 0
    assert [one.key.label for one in published(userdir)] == [f"{BTC} long"]
    assert "BTC long  published" in out
    assert "skipped: 0 trades, 60 needed: BTC short, ETH long, ETH short" in out
    assert "replayed trades: BOT1 60, BOT3 20" in out
    assert "published 1, skipped 3" in out


def test_ends_with_1_where_nothing_was_published(freqfleet):
    code, out, _ = freqfleet("optimize", "--as-of", AS_OF, "--days-back", "1")

    assert code == 1
    assert "4 trades, 60 needed" in out


def test_dry_run_stores_nothing_and_says_so(freqfleet, userdir):
    code, out, _ = freqfleet("optimize", "--as-of", AS_OF, "--dry-run")

    assert code == 0
    assert "dry run: nothing was stored" in out
    assert published(userdir) == []


def test_json_to_stdout_is_nothing_but_json(freqfleet):
    code, out, _ = freqfleet("optimize", "--as-of", AS_OF, "--json", "-", "--trials", "7")

    document = json.loads(out)
    assert code == 0
    assert document["schema"] == 1
    assert document["candidates"] == 7
    assert [(one["pair"], one["side"]) for one in document["decisions"]] == [
        (BTC, "long"), (BTC, "short"), (ETH, "long"), (ETH, "short"),
    ]  # fmt: skip


def test_pairs_come_after_one_flag_or_after_several(freqfleet):
    asked = [
        json.loads(freqfleet("optimize", *pairs, "--as-of", AS_OF, "--json", "-", "--dry-run")[1])
        for pairs in (("--pairs", ETH, BTC), ("--pairs", ETH, "--pairs", BTC))
    ]

    for document in asked:
        assert [one["pair"] for one in document["decisions"]] == [ETH, ETH, BTC, BTC]


def test_seed_config_of_the_userdir_is_used_and_said(freqfleet, userdir):
    log = {"level": "INFO", "file": "user_data/logs/optuna_optimizer.log"}
    config = {"optimization": {"n_trials": 9}, "pairs": {"blacklist": [ETH]}, "logging": log}
    (userdir / "config" / "optuna_config.json").write_text(json.dumps(config))

    _, out, err = freqfleet("optimize", "--as-of", AS_OF, "--json", "-")

    document = json.loads(out)
    assert {one["pair"] for one in document["decisions"]} == {BTC}
    assert document["candidates"] == 9
    assert "optuna_config.json are in use" in err
    assert "80 trades (train: 55, test: 24)" in (userdir / "logs" / "optuna_optimizer.log").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((BTC,), f"give pairs after --pairs: --pairs {BTC}"),
        (("--search", "exact"), "search exact is not part of this version"),
        (("--as-of", "2099-01-01"), "--as-of 2099-01-01T00:00:00Z lies in the future"),
        (("--as-of", "yesterday"), "not a time: 'yesterday'"),
        (("--pairs", "BTC"), "not a pair: 'BTC'"),
        (("--trials", "0"), "0 is not in the range"),
        (("--config", "gone.json"), "cannot read gone.json"),
    ],
)
def test_wrong_arguments_end_with_2_and_a_sentence(freqfleet, userdir, arguments, message):
    code, out, err = freqfleet("optimize", *arguments)

    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert out == ""
    assert published(userdir) == []


def test_missing_candles_end_with_2(freqfleet, userdir):
    (userdir / "config" / "fleet.toml").write_text('[market]\ndatadir = "user_data/data/other"\n')

    code, _, err = freqfleet("optimize", "--as-of", AS_OF)

    assert code == 2
    assert "no candle folder" in err


def test_store_that_cannot_be_reached_ends_with_3(freqfleet):
    code, _, err = freqfleet("--store", "sqlite:////nowhere/at/all.sqlite", "optimize")

    assert code == 3
    assert "nowhere" in err
