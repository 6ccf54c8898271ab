"""Our three strategies, run by freqtrade's own command: userdirs, backtests, and the candles they saw."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from freqfleet.clock import from_ms, to_ms
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.exits import Barriers
from freqfleet.exchange.freqtrade_runs import make_userdir, run_freqtrade
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.exchange.markets import observed_decimals
from freqfleet.market.candles import CandleFiles
from freqfleet.market.series import Candles
from freqfleet.replay.exit_rule import Candle, Exit, first_exit
from freqfleet.replay.fills import levels
from freqfleet.skeleton import place_skeleton
from freqfleet.trades.backtest_export import open_backtest

BOTS = {
    "BOT1": "BOT1LongStrategy",
    "BOT2": "BOT2ShortStrategy",
    "BOT3": "BOT3MetaStrategyAdaptive",
}
RUN_CONFIG = "run.json"
BACKTEST_LOG = "backtest.log"


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of a market that a backtest trades on: [starts_at, ends_at), both midnight UTC."""

    datadir: Path
    pairs: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime

    @property
    def timerange(self) -> str:
        """The stretch as freqtrade's option."""
        return f"{self.starts_at:%Y%m%d}-{self.ends_at:%Y%m%d}"

    def candles(self, pair: str) -> Candles:
        """Every candle of a pair, those before and after the stretch too."""
        return _candles(self.datadir, pair)

    def tick(self, pair: str, moment: datetime) -> float:
        """The price step in the month of `moment`: freqtrade's backtests read it off that month's candles."""
        one = self.candles(pair)
        month = one.time_ms.astype("datetime64[ms]").astype("datetime64[M]")
        rows = month == np.datetime64(f"{moment:%Y-%m}")
        decimals = observed_decimals(
            np.unique([one.open[rows], one.high[rows], one.low[rows], one.close[rows]])
        )
        assert decimals is not None, f"{pair}: prices of {moment:%Y-%m} show no tick"
        return 10.0**-decimals

    def index_at(self, pair: str, moment: datetime) -> int:
        """The position of the candle that opens at `moment`."""
        candles = self.candles(pair)
        index = int(np.searchsorted(candles.time_ms, to_ms(moment)))
        assert candles.time_ms[index] == to_ms(moment), f"{pair}: no candle opens at {moment}"
        return index


@cache
def _candles(datadir: Path, pair: str) -> Candles:
    return CandleFiles(datadir).load(pair)


def fleet_userdir(folder: Path, exchange: LoopbackExchange, pairs: Sequence[str], **host: Any) -> Path:
    """Make a userdir below `folder` with what `freqfleet init` places, trading `pairs` on `exchange`.

    host : more of freqtrade's configuration, over the bots' own.
    """
    userdir = make_userdir(folder / "user_data")
    place_skeleton(userdir)
    overlay = exchange.overlay()
    overlay["exchange"] |= {"pair_whitelist": list(pairs), "pair_blacklist": []}
    config = {**overlay, "max_open_trades": len(pairs), **host}
    (userdir / "config" / RUN_CONFIG).write_text(json.dumps(config, indent=2), encoding="utf-8")
    return userdir


def host_configs(userdir: Path, bot: str) -> list[str]:
    """Return the options that make freqtrade run `bot` on the loopback exchange."""
    config = userdir / "config"
    return ["-c", str(config / f"{bot.lower()}.json"), "-c", str(config / RUN_CONFIG)]


def backtest(
    userdir: Path,
    stretch: Stretch,
    strategies: Sequence[str],
    *options: str,
    bot: str = "BOT3",
    env: Mapping[str, str] | None = None,
) -> dict[str, tuple[ClosedTrade, ...]]:
    """Run `freqtrade backtesting` once for all `strategies`; return the trades of each."""
    args = ["backtesting", *host_configs(userdir, bot), "--datadir", str(stretch.datadir)]
    args += ["--timerange", stretch.timerange, "--cache", "none", "--export", "trades", *options]

    done = run_freqtrade([*args, "--strategy-list", *strategies], userdir, env=env)

    (userdir / "logs" / BACKTEST_LOG).write_text(done.stderr, encoding="utf-8")
    assert done.returncode == 0, done.tail()
    result = open_backtest(userdir / "backtest_results")
    readings = {name: result.read(name, bot=name) for name in strategies}
    assert [one.dropped for one in readings.values()] == [()] * len(readings)
    return {name: one.trades for name, one in readings.items()}


def log_of(userdir: Path) -> str:
    """Return what freqtrade said in the last backtest of this userdir."""
    return (userdir / "logs" / BACKTEST_LOG).read_text(encoding="utf-8")


def replayed_exit(
    stretch: Stretch, trade: ClosedTrade, barriers: Barriers, time_limit_minutes: int
) -> tuple[Exit, datetime]:
    """Return where our replay lets this trade leave, and when that candle opened.

    freqtrade moves a stop to the next tick towards the entry; so is it here.
    """
    one, first = stretch.candles(trade.pair), stretch.index_at(trade.pair, trade.opened_at)
    rows = slice(first, first + time_limit_minutes // 5 + 3)
    columns = (one.time_ms, one.open, one.high, one.low, one.close)
    window = [Candle(*row) for row in zip(*(column[rows].tolist() for column in columns), strict=True)]
    tick, sign = stretch.tick(trade.pair, trade.opened_at), trade.side.sign
    stop_rate = sign * math.ceil(sign * barriers.stop_rate / tick - 1e-6) * tick
    found = first_exit(
        window,
        entered_ms=to_ms(trade.opened_at),
        levels=levels(replace(barriers, stop_rate=round(stop_rate, 10)), trade.side),
        side=trade.side,
        time_limit_minutes=time_limit_minutes,
    )
    return found, from_ms(window[found.candle_index].open_ms)
