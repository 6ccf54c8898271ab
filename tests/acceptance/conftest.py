"""The markets on which acceptance tests run our strategies: real candles, and a sample for everyone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dry_runs import livelier
from fleet_runs import Stretch
from freqfleet.market.candles import CandleFiles
from freqfleet.market.sample_pairs import SAMPLE_PAIRS
from realdata import market_dir

# The crash of 2025-10-10 is inside: WLD fell by 71 % within one candle.
REAL_PAIRS = ("SOL/USDT:USDT", "WLD/USDT:USDT", "DOGE/USDT:USDT", "ADA/USDT:USDT", "BTC/USDT:USDT")
WARMUP_DAYS = 3  # 600 candles of 5m
SAMPLE_DAYS = WARMUP_DAYS + 6
CANDLES_BETWEEN_JUMPS = 113


@pytest.fixture(scope="session")
def sample_stretch(tmp_path_factory: pytest.TempPathFactory) -> Stretch:
    """A few days of the synthetic sample, with jumps between candles, which it has none of."""
    from freqfleet.market.sample import SAMPLE_END, write_sample  # imports freqtrade

    datadir = tmp_path_factory.mktemp("sample") / "binance"
    listed = SAMPLE_PAIRS[:5]
    write_sample(datadir, pairs=len(listed), days=SAMPLE_DAYS)
    for one in listed:
        _plant_jumps(CandleFiles(datadir).path(one.pair), one.price_decimals)
    starts_at = SAMPLE_END - timedelta(days=SAMPLE_DAYS - WARMUP_DAYS)
    return Stretch(datadir, tuple(one.pair for one in listed), starts_at, SAMPLE_END)


@pytest.fixture(scope="session", params=["crash", "sample"])
def stretch(request: pytest.FixtureRequest) -> Stretch:
    """Three weeks of real candles around the crash; and the sample, which is always there."""
    return _crash() if request.param == "crash" else request.getfixturevalue("sample_stretch")


@pytest.fixture(scope="session")
def real_or_sample(request: pytest.FixtureRequest) -> Stretch:
    """Real candles, or the sample where there are none."""
    try:
        return _crash()
    except pytest.skip.Exception:
        return request.getfixturevalue("sample_stretch")


@pytest.fixture(scope="session")
def lively_datadir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real candles, or a sample of many pairs, with every move tripled: a dry run cannot wait for long."""
    folder = tmp_path_factory.mktemp("market")
    try:
        calm = market_dir("ci")
    except pytest.skip.Exception:
        from freqfleet.market.sample import write_sample  # imports freqtrade

        calm = folder / "calm"
        write_sample(calm, pairs=12, days=14)
    return livelier(calm, folder / "binance")


def _crash() -> Stretch:
    starts_at, ends_at = datetime(2025, 9, 26, tzinfo=UTC), datetime(2025, 10, 17, tzinfo=UTC)
    return Stretch(market_dir("ci"), REAL_PAIRS, starts_at, ends_at)


def _plant_jumps(file: Path, decimals: int) -> None:
    candles = pd.read_feather(file)
    raised = np.arange(len(candles)) // CANDLES_BETWEEN_JUMPS % 2 == 1
    prices = ["open", "high", "low", "close"]
    candles.loc[raised, prices] = (candles.loc[raised, prices] * 1.05).round(decimals)
    candles.to_feather(file)
