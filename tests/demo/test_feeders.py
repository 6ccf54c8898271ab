"""The demo's bank: valid from the split on, trained on nothing later, and no reason to fail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("lightgbm", reason="freqfleet[feeders] is not installed")

from freqfleet.demo.feeders import train_feeders
from freqfleet.demo.market import DemoMarket
from freqfleet.market.candles import CandleFiles
from freqfleet.settings import FeederSettings, Settings, load_settings
from freqfleet.signals.models.certificate import read_certificate
from freqfleet.testing.candle_frames import START
from freqfleet.testing.candle_tables import write_candles
from freqfleet.testing.taught_feeders import made_up_market
from freqfleet.wiring import feeder_bank

SPLIT = START + timedelta(days=15)
PAIRS = ("AAA/USDT:USDT", "BTC/USDT:USDT")


def market(folder: Path, split_at: datetime = SPLIT) -> DemoMarket:
    for seed, pair in enumerate(PAIRS):
        write_candles(CandleFiles(folder).path(pair), made_up_market(seed, pair, 20 * 288).candles)
    return DemoMarket(
        name="made up", datadir=folder, pairs=PAIRS, skipped={},
        candles_by_pair=dict.fromkeys(PAIRS, 20 * 288),
        first=START, last=START + timedelta(days=20), starts_at=START + timedelta(days=3), split_at=split_at,
        ends_at=START + timedelta(days=20), truth=None,
    )  # fmt: skip


def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path, feeders=FeederSettings(names=("shape", "burst")))


def test_a_version_is_valid_from_the_split_and_knows_nothing_later(tmp_path: Path) -> None:
    found = train_feeders(market(tmp_path / "candles"), settings(tmp_path))

    (version,) = feeder_bank(settings(tmp_path)).versions()
    certificate = read_certificate(version.certificate_file("shape"))
    assert version.valid_from == SPLIT
    assert certificate.train_to < SPLIT
    assert certificate.pairs == PAIRS
    assert "of 4 heads ranked candles better than chance" in found.words


def test_too_little_to_learn_from_is_said_and_the_rules_vote(tmp_path: Path) -> None:
    early = market(tmp_path / "candles", datetime(2025, 1, 2, tzinfo=UTC))

    found = train_feeders(early, settings(tmp_path))

    assert found.trained == 0
    assert found.words.startswith("No feeder was trained, the rules vote: ")
    assert feeder_bank(settings(tmp_path)).versions() == ()
