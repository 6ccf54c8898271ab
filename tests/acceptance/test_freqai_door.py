"""freqtrade's own FreqAI, with the bank in the place of its models."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("lightgbm", reason="freqfleet[feeders] is not installed")
pytest.importorskip("datasieve", reason="freqtrade[freqai] is not installed")
pytest.importorskip("xgboost", reason="freqtrade[freqai] is not installed")

from fleet_runs import Stretch, fleet_userdir, host_configs
from freqfleet.exchange.freqtrade_runs import Completed, run_freqtrade
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.signals.feeders.registry import RECIPES
from freqfleet.testing.taught_feeders import teach
from freqfleet.trades.backtest_export import open_backtest
from realdata import market_dir

pytestmark = pytest.mark.acceptance

BEGINS = datetime(2025, 10, 24, tzinfo=UTC)
PAIRS = ("SOL/USDT:USDT", "DOGE/USDT:USDT")
FREQAI = {
    "enabled": True,
    "train_period_days": 3,
    "backtest_period_days": 2,
    "identifier": "bank",
    "feature_parameters": {
        "include_timeframes": ["5m"],
        "include_corr_pairlist": [],
        "label_period_candles": 12,
        "include_shifted_candles": 0,
        "indicator_periods_candles": [10],
    },
    "data_split_parameters": {"test_size": 0.1, "shuffle": False},
    "model_training_parameters": {},
    "activate_tensorboard": False,
}
STRATEGY = """
from freqtrade.strategy import IStrategy
from freqfleet.runtime.freqai_door import add_scores, add_targets
from freqfleet.wiring import open_bank_ensemble


class ThroughFreqai(IStrategy):
    timeframe = "5m"
    can_short = True
    startup_candle_count = 600
    minimal_roi = {"0": 0.01}
    stoploss = -0.05

    def bot_start(self, **_):
        self.ensemble = open_bank_ensemble(self.config)

    def feature_engineering_standard(self, dataframe, metadata, **_):
        return add_scores(self.ensemble, dataframe)

    def set_freqai_targets(self, dataframe, metadata, **_):
        return add_targets(dataframe)

    def populate_indicators(self, dataframe, metadata):
        return self.freqai.start(dataframe, metadata, self)

    def populate_entry_trend(self, dataframe, metadata):
        for side in ("long", "short"):
            dataframe.loc[dataframe[f"&-freqfleet_{side}"] >= 1.0, f"enter_{side}"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        return dataframe
"""


def through_freqai(folder: Path, *, bank: bool) -> tuple[Completed, Path]:
    datadir = market_dir("ci")
    stretch = Stretch(datadir, PAIRS, BEGINS, BEGINS + timedelta(days=4))
    with LoopbackExchange(datadir) as exchange:
        userdir = fleet_userdir(folder, exchange, PAIRS, freqai=FREQAI)
        (userdir / "strategies" / "through_freqai.py").write_text(STRATEGY, encoding="utf-8")
        if bank:
            teach(userdir / "feeders", RECIPES, valid_from=BEGINS - timedelta(days=1))
        args = ["backtesting", *host_configs(userdir, "BOT3"), "--datadir", str(datadir)]
        args += ["--timerange", stretch.timerange, "--cache", "none", "--export", "trades"]
        return run_freqtrade(
            [*args, "--strategy", "ThroughFreqai", "--freqaimodel", "FreqfleetBank"], userdir
        ), userdir


def test_the_bank_trades_through_freqai(tmp_path: Path) -> None:
    done, userdir = through_freqai(tmp_path, bank=True)

    assert done.returncode == 0, done.tail()
    assert open_backtest(userdir / "backtest_results").read("ThroughFreqai", bot="BOT3").trades


def test_without_a_bank_the_run_fails_instead_of_making_no_trade(tmp_path: Path) -> None:
    done, _ = through_freqai(tmp_path, bank=False)

    assert done.returncode != 0
    assert "freqfleet feeders train" in done.stderr
