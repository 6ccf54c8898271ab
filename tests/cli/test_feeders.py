"""`freqfleet feeders`, on a small synthetic sample."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lightgbm", reason="freqfleet[feeders] is not installed")

from freqfleet.market.candles import CandleFiles
from freqfleet.settings import load_settings
from freqfleet.testing.candle_tables import write_candles
from freqfleet.testing.taught_feeders import made_up_market
from freqfleet.testing.trades import closed_trade
from freqfleet.wiring import feeder_bank, open_store

Run = Callable[..., tuple[int, str, str]]
PAIRS = ("AAA/USDT:USDT", "BTC/USDT:USDT")
CANDLES = 7000  # 24 days from 2025-01-01


@pytest.fixture(scope="module")
def datadir(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("candles")
    for seed, pair in enumerate(PAIRS):
        write_candles(CandleFiles(folder).path(pair), made_up_market(seed, pair, CANDLES).candles)
    broken = CandleFiles(folder).path("BAD/USDT:USDT")
    broken.write_bytes(b"no feather")
    return folder


@pytest.fixture(autouse=True)
def settings(datadir, monkeypatch) -> None:
    monkeypatch.setenv("FREQFLEET_MARKET__DATADIR", str(datadir))
    monkeypatch.setenv("FREQFLEET_FEEDERS__NAMES", '["shape", "burst"]')
    monkeypatch.setenv("COLUMNS", "240")


def test_a_history_is_trained_listed_and_asked(run: Run, userdir: Path):
    code, out, err = run("feeders", "train", "--from", "2025-01-18", "--every", "3d", "--json", "-")
    versions = json.loads(out)["versions"]
    assert (code, [one["valid_from"] for one in versions]) == (
        0, ["2025-01-18T00:00:00Z", "2025-01-21T00:00:00Z", "2025-01-24T00:00:00Z"]
    )  # fmt: skip
    assert "skipped BAD/USDT:USDT" in err

    code, out, _ = run("feeders", "list", "--json", "-")
    listed = json.loads(out)
    assert (code, listed["versions"], listed["problems"]) == (0, 3, {})
    assert {one["feeder"] for one in listed["feeders"]} == {"burst", "shape"}
    assert all(head["verdict"] for one in listed["feeders"] for head in one["heads"].values())

    code, out, _ = run("feeders", "score", PAIRS[0], "--at", "2025-01-22T12:00:00Z", "--json", "-")
    (answer,) = json.loads(out)["scores"]
    assert (code, answer["candle"]) == (0, "2025-01-22T11:55:00Z")
    assert set(answer["models"].values()) == {versions[1]["version"]}
    assert set(answer["long"]["scores"]) == {"shape", "burst"}

    code, out, err = run("feeders", "train", "--from", "2025-01-18", "--every", "3d", "--json", "-")
    assert json.loads(out)["versions"] == []
    assert err.count("is already there") == 3

    code, out, _ = run("feeders", "list")
    assert code == 0
    assert out.count("valid from 2025-01-24") == 2  # two feeders
    head, *rows = out.partition("\n\n")[0].splitlines()
    assert head.startswith("#")
    assert [row[:3] for row in rows] == ["1  ", "1  ", "2  ", "2  "]  # in a pipe, a head is one line
    assert "\n3 versions in " in out


def test_an_empty_bank_says_that_the_rules_vote(run: Run):
    code, out, _ = run("feeders", "list")

    assert code == 1
    assert "the rules vote (breakout, momentum, reversion, trend)" in " ".join(out.split())


def test_without_a_bank_score_asks_the_rules(run: Run):
    code, out, _ = run("feeders", "score", PAIRS[1])

    assert code == 0
    assert "trend" in out
    assert "of 4 vote long" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "--every", "14"), "--every must be days or hours like 14d or 12h, was '14'"),
        (("train", "--to", "2026-01-01"), "lies beyond the newest candle"),
        (("train", "--from", "2025-01-20", "--to", "2025-01-19"), "must not be before"),
        (("train", "--pairs", "BAD/USDT:USDT"), "no pair can be read"),
        (("score", "NIX/USDT:USDT"), "no file"),
        (("score", PAIRS[0], "--at", "2024-01-01"), "no candle has closed by 2024-01-01"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, arguments, message):
    code, _, err = run("feeders", *arguments)

    assert code == 2
    assert message in " ".join(err.split())


def test_an_unknown_feeder_in_the_settings_is_refused(run: Run, monkeypatch):
    monkeypatch.setenv("FREQFLEET_FEEDERS__NAMES", '["shap"]')

    code, _, err = run("feeders", "list")

    assert code == 2
    assert "no feeder 'shap' learns; did you mean shape?" in " ".join(err.split())


def test_volume_that_is_missing_in_bursts_does_not_stop_training(run: Run, userdir, tmp_path, monkeypatch):
    market = made_up_market(5, PAIRS[0], CANDLES)
    volume = np.array(market.candles.volume)
    volume[3000:3100] = 0.0
    columns = {name: getattr(market.candles, name) for name in ("time_ms", "open", "high", "low", "close")}
    files = CandleFiles(tmp_path / "holed")
    write_candles(
        files.path(PAIRS[0]),
        type(market.candles)(pair=PAIRS[0], timeframe_ms=300_000, volume=volume, **columns),
    )
    monkeypatch.setenv("FREQFLEET_MARKET__DATADIR", str(tmp_path / "holed"))

    code, out, _ = run("feeders", "train", "--json", "-")

    assert code == 0
    assert len(json.loads(out)["versions"][0]["feeders"]) == 2


def test_a_walk_trains_a_version_at_every_step_where_it_is_asked_to(run: Run, userdir: Path, datadir):
    store = open_store(load_settings(userdir))
    with closing(store):
        opened = datetime(2025, 1, 10, tzinfo=UTC)
        store.record_closed_trades(
            [closed_trade(pair=PAIRS[0], opened_at=opened, closed_at=opened + timedelta(hours=1))]
        )
    span = ("--from", "2025-01-18", "--to", "2025-01-21", "--every", "3d")
    bank = feeder_bank(load_settings(userdir))
    run("walk-forward", *span)
    assert bank.versions() == ()

    code, out, _ = run("walk-forward", *span, "--feeders", "--json", "-")

    assert code == 1  # one trade is too few to publish exits from
    assert [one["valid_from"] for one in json.loads(out)["feeder_versions"]] == [
        "2025-01-18T00:00:00Z", "2025-01-21T00:00:00Z"
    ]  # fmt: skip
    assert [version.valid_from.day for version in bank.versions()] == [18, 21]
    assert "0 of 2 versions of the feeder bank trained" in run("walk-forward", *span, "--feeders")[2]


def test_a_walk_trains_nothing_that_nobody_would_ask(run: Run, monkeypatch):
    monkeypatch.setenv("FREQFLEET_FEEDERS__USE", "rules")

    code, _, err = run("walk-forward", "--from", "2025-01-18", "--to", "2025-01-21", "--feeders")

    assert code == 2
    assert 'use = "rules"; set it to "auto"' in err
