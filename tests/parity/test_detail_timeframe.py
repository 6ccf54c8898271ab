"""`--timeframe-detail 1m`: freqtrade walks 1m candles inside each 5m candle, and so does the replay."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from freqfleet.domain.exits import ExitParameters
from parity.backtests import Job, run_backtests
from parity.comparison import FULL, Comparison
from parity.own_trades import compare
from realdata import market_dir

pytestmark = pytest.mark.acceptance

BAR = 0.999
STARTS_AT = datetime(2025, 5, 8, tzinfo=UTC)
ENDS_AT = datetime(2025, 6, 1, tzinfo=UTC) if FULL else datetime(2025, 5, 18, tzinfo=UTC)
FEW_PAIRS = ("ENA", "LAYER", "SOL")
PAIRS = ("ADA", "AVAX", "BCH", "BTC", "ETC", "ETH", "LINK", "SUI", "XLM", "XRP")
FIXED = ExitParameters(stop_loss=-0.01, take_profit=0.015, time_limit_minutes=243)
SCALED = ExitParameters(
    stop_loss=-0.01,
    take_profit=0.02,
    volatility_scaling=1.0,
    atr_reference_ratio=0.003,
    time_limit_minutes=720,
)


def test_the_replay_on_minutes_leaves_where_freqtrade_left(tmp_path: Path) -> None:
    datadir = market_dir("m1-2025")
    pairs = [f"{base}/USDT:USDT" for base in (*FEW_PAIRS, *(PAIRS if FULL else ()))]
    wanted = [("BOT1", 3, FIXED), ("BOT2", 10, SCALED), ("BOT3", 1, SCALED), ("BOT3", 5, FIXED)]
    jobs = [
        Job(bot=bot, leverage=leverage, parameters=exits, starts_at=STARTS_AT, ends_at=ENDS_AT, detail="1m")
        for bot, leverage, exits in (wanted if FULL else wanted[:2])
    ]

    total = Comparison(title="Our strategies with --timeframe-detail 1m")
    for backtest in run_backtests(datadir, pairs, jobs, tmp_path):
        one = compare(backtest, datadir, backtest.job.label)
        assert sum(one.compared.values()), f"{backtest.job.label}: no trade was compared"
        total.merge(one)

    total.publish("c-detail-timeframe")
    total.must_reach(BAR, at_least=1_000 if FULL else 100)
    assert total.compared["time_limit"] == total.reproduced["time_limit"] > 0
