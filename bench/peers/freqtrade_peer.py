"""freqtrade: its backtest loop, the one hyperopt calls for every epoch, on a strategy that enters as told.

Stop, target and time limit are freqtrade's own stoploss and ROI table. Trades overlap, so position stacking
is on. The exchange is our loopback one, asked only while freqtrade starts.
"""

from __future__ import annotations

import json
import logging
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.peers.protocol import Evaluate, Work, serve
from freqfleet.exchange.loopback import LoopbackExchange

CANDLE_MINUTES = 5
STRATEGY = '''
from freqtrade.strategy import IStrategy


class Told(IStrategy):
    """Its entries are in the frame already."""

    timeframe = "5m"
    can_short = True
    stoploss = -0.03
    minimal_roi = {"0": 0.05}
    startup_candle_count = 0

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        return dataframe
'''


def prepare(work: Work) -> Evaluate:
    """Return the evaluator of this work."""
    from freqtrade.optimize.backtesting import Backtesting  # noqa: PLC0415 - seconds, and logs

    logging.disable(logging.WARNING)
    with LoopbackExchange(Path(work.datadir), pairs=[work.pair]) as exchange:
        backtesting = Backtesting(_config(exchange, work))
        candles, _ = backtesting.load_bt_data()
    backtesting._set_strategy(backtesting.strategylist[0])
    frame = _with_entries(candles[work.pair], work)
    starts_at, ends_at = frame["date"].iloc[0].to_pydatetime(), frame["date"].iloc[-1].to_pydatetime()
    opened_ms = work.time_ms[work.entry]

    def evaluate(count: int) -> np.ndarray:
        profits = np.full((count, len(work.entry)), np.nan)
        for vector in range(count):
            backtesting.strategy.stoploss = float(work.stop_loss[vector])
            backtesting.strategy.minimal_roi = {
                0: float(work.take_profit[vector]),
                CANDLE_MINUTES * work.limit: -1,
            }
            found = backtesting.backtest({work.pair: frame.copy()}, starts_at, ends_at)["results"]
            at_ms = found["open_timestamp"].to_numpy().astype(np.int64)
            number = np.searchsorted(opened_ms, at_ms)
            moved = found["close_rate"].to_numpy() / found["open_rate"].to_numpy() - 1.0
            profits[vector, number] = work.sign[number] * moved
        return profits

    return evaluate


def _with_entries(candles: pd.DataFrame, work: Work) -> pd.DataFrame:
    assert len(candles) == len(work.time_ms), "freqtrade reads other candles than the work holds"
    signals = {name: np.zeros(len(candles), dtype=np.int8) for name in ("enter_long", "enter_short")}
    for name, sign in (("enter_long", 1), ("enter_short", -1)):
        signals[name][work.entry[work.sign == sign] - 1] = 1  # it enters at the open after the signal
    return candles.assign(**signals, exit_long=0, exit_short=0, enter_tag="", exit_tag="")


def _config(exchange: LoopbackExchange, work: Work) -> dict[str, Any]:
    from freqtrade.commands.optimize_commands import setup_optimize_configuration  # noqa: PLC0415
    from freqtrade.enums import RunMode  # noqa: PLC0415

    userdir = Path(tempfile.mkdtemp(prefix="freqtrade-", dir=Path(work.datadir).parent))
    for name in ("strategies", "backtest_results", "data"):
        (userdir / name).mkdir()
    (userdir / "strategies" / "told.py").write_text(STRATEGY, encoding="utf-8")
    config = exchange.overlay()
    config["exchange"] |= {"pair_whitelist": [work.pair], "pair_blacklist": []}
    config |= {
        "stake_currency": "USDT",
        "stake_amount": 100,
        "dry_run_wallet": 1e9,
        "max_open_trades": -1,
        "timeframe": "5m",
        "futures_funding_rate": 0,
        "pairlists": [{"method": "StaticPairList"}],
        "dataformat_ohlcv": "feather",
    }
    file = userdir / "config.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    arguments = {
        "config": [str(file)],
        "user_data_dir": str(userdir),
        "datadir": work.datadir,
        "strategy": "Told",
        "fee": 0.0,
        "position_stacking": True,
        "export": "none",
        "timerange": _timerange(work),
    }
    found: dict[str, Any] = setup_optimize_configuration(arguments, RunMode.BACKTEST)
    return found


def _timerange(work: Work) -> str:
    first, last = (datetime.fromtimestamp(int(one) / 1000, tz=UTC) for one in work.time_ms[[0, -1]])
    return f"{first:%Y%m%d}-{last + timedelta(days=1):%Y%m%d}"


if __name__ == "__main__":
    serve(prepare)
