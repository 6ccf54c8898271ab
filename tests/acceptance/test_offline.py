"""freqtrade itself, as a command, without the internet: one more config file, nothing patched."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from freqfleet.exchange.freqtrade_runs import (
    RunningFreqtrade,
    backtest_trades,
    clean_environment,
    make_userdir,
    run_command,
    run_freqtrade,
)
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.exchange.overlay import DEFAULT_PORT, offline_overlay
from freqfleet.exchange.routes import BASE
from synthetic_market import write_market

# One after the other: they share two cores with each other, and hyperopt's timing with nobody.
pytestmark = pytest.mark.acceptance

STRATEGY = '''
from datetime import timedelta

from freqtrade.strategy import IntParameter, IStrategy


class Tiny(IStrategy):
    """Goes long on every candle and leaves as soon as it may."""

    timeframe = "5m"
    can_short = True
    minimal_roi = {"0": 10.0}
    stoploss = -0.5
    startup_candle_count = 20
    patience = IntParameter(1, 4, default=1, space="sell")

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        return dataframe

    def leverage(self, *args, **kwargs):
        return 3.0

    def custom_exit(self, pair, trade, current_time, current_rate, current_profit, **kwargs):
        held = current_time - trade.open_date_utc
        return "patience" if held >= timedelta(seconds=self.patience.value) else None
'''

CONFIG: dict[str, Any] = {
    "stake_currency": "USDT",
    "stake_amount": 100,
    "dry_run_wallet": 10_000,
    "max_open_trades": 2,
    "timeframe": "5m",
    "exchange": {"name": "binance", "pair_whitelist": ["BTC/USDT:USDT", "ETH/USDT:USDT"]},
    "pairlists": [{"method": "StaticPairList"}],
    "internals": {"process_throttle_secs": 1},
    "dataformat_ohlcv": "feather",
    "db_url": "sqlite:///bot.sqlite",
}
EXCHANGE_INFO = f"GET {BASE}/exchangeInfo"
TRADE_ROUTES = {
    f"GET {BASE}/{name}"
    for name in ("exchangeInfo", "time", "klines", "depth", "markPriceKlines", "fundingRate")
}


@pytest.fixture(scope="module")
def datadir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_market(tmp_path_factory.mktemp("market") / "binance", days=5)


def userdir(tmp_path: Path, overlay: dict[str, Any]) -> Path:
    return make_userdir(
        tmp_path / "user_data",
        strategies={"tiny.py": STRATEGY},
        configs={"bot.json": CONFIG, "offline.json": overlay},
    )


def configs(folder: Path) -> list[str]:
    config = folder / "config"
    return ["-c", str(config / "bot.json"), "-c", str(config / "offline.json"), "--strategy", "Tiny"]


def test_backtesting_trades_and_asks_only_for_the_markets(datadir: Path, tmp_path: Path) -> None:
    with LoopbackExchange(datadir) as exchange:
        folder = userdir(tmp_path, exchange.overlay())

        done = run_freqtrade(
            ["backtesting", *configs(folder), "--datadir", str(datadir), "--cache", "none"], folder
        )

        assert done.returncode == 0, done.tail()
        assert exchange.hits().as_json() == {"answered": {EXCHANGE_INFO: 1}, "refused": {}, "unknown": {}}
    trades = backtest_trades(folder, "Tiny")
    assert len(trades) > 100
    assert {trade["exit_reason"] for trade in trades} <= {"patience", "force_exit"}
    assert {trade["leverage"] for trade in trades} == {3.0}


def test_backtesting_needs_no_network_but_the_loopback(datadir: Path, tmp_path: Path) -> None:
    isolate = network_namespace()
    folder = userdir(tmp_path, offline_overlay(DEFAULT_PORT))
    # Server and client live in a namespace that has nothing but `lo`, so the port is free there.
    script = (
        "ip link set lo up || exit 97\n"
        f"{sys.executable} -c 'from freqfleet.cli import main; main()'"
        f" exchange serve --datadir {datadir} >serve.log 2>&1 &\n"
        "server=$!\n"
        f"until grep -q 'exchange at' serve.log; do kill -0 $server || exit 98; sleep 0.1; done\n"
        f'{sys.executable} -m freqtrade "$@"; code=$?\n'
        "kill -TERM $server; wait $server || exit 96\n"
        "exit $code\n"
    )
    args = ["backtesting", *configs(folder), "--datadir", str(datadir), "--cache", "none"]

    done = run_command(
        [*isolate, "sh", "-c", script, "sh", *args, "--userdir", str(folder)], cwd=tmp_path, args=args
    )

    served = (tmp_path / "serve.log").read_text(encoding="utf-8")
    assert done.returncode == 0, done.tail() + served
    assert len(backtest_trades(folder, "Tiny")) > 100
    assert "1  answered  GET /fapi/v1/exchangeInfo" in served
    assert "UNKNOWN" not in served


def test_a_dry_run_opens_and_closes_trades_on_shifted_candles(datadir: Path, tmp_path: Path) -> None:
    with LoopbackExchange(datadir, shift_to_now=True) as exchange:
        folder = userdir(tmp_path, exchange.overlay())

        with RunningFreqtrade(["trade", *configs(folder)], folder) as bot:
            bot.wait_until(lambda: closed_trades(tmp_path / "bot.sqlite") > 0, timeout_seconds=80)
            returncode = bot.stop()

        assert not bot.killed
        assert returncode in {0, 128 + signal.SIGINT}, bot.tail()
        hits = exchange.hits()
    assert set(hits.answered) == TRADE_ROUTES
    assert hits.refused == {}
    assert hits.unknown == {}


def test_hyperopt_searches_and_asks_only_for_the_markets(datadir: Path, tmp_path: Path) -> None:
    missing = [name for name in ("cmaes", "filelock", "sklearn") if find_spec(name) is None]
    if missing:
        pytest.skip(f"freqtrade hyperopt needs {', '.join(missing)}: pip install 'freqtrade[hyperopt]'")
    with LoopbackExchange(datadir) as exchange:
        folder = userdir(tmp_path, exchange.overlay())
        args = ["hyperopt", *configs(folder), "--datadir", str(datadir), "--epochs", "2", "-j", "1"]
        args += ["--spaces", "sell", "--hyperopt-loss", "OnlyProfitHyperOptLoss", "--min-trades", "1"]

        done = run_freqtrade([*args, "--disable-param-export", "--random-state", "1"], folder)

        assert done.returncode == 0, done.tail()
        assert exchange.hits().as_json() == {"answered": {EXCHANGE_INFO: 1}, "refused": {}, "unknown": {}}
    results = list((folder / "hyperopt_results").glob("*.fthypt"))
    assert len(results) == 1
    assert len(results[0].read_text(encoding="utf-8").splitlines()) == 2


def network_namespace() -> list[str]:
    """Return the command that runs another one without a network, or skip with the reason."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("no unshare or no ip on this machine: cannot take the network away")
    for command in (["unshare", "-n"], ["unshare", "-r", "-n"]):
        tried = subprocess.run(
            [*command, "ip", "link", "set", "lo", "up"],
            capture_output=True,
            env=clean_environment(),
            check=False,
        )
        if tried.returncode == 0:
            return command
    pytest.skip(f"network namespaces are not allowed here: {tried.stderr.decode().strip()}")


def closed_trades(database: Path) -> int:
    if not database.is_file():
        return 0
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
        try:
            row = connection.execute("SELECT count(*) FROM trades WHERE is_open = 0").fetchone()
        except sqlite3.OperationalError:  # freqtrade has made the file and not yet the table
            return 0
    return int(row[0])
