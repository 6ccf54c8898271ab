"""The strategy's overhead: BOT3's backtest with the parameter book, against the same with constants.

The book says what the constants say, so that both trade the same trades: what is left is the cost of reading
the store, resolving versions, weighing the evidence of leverage bins and freezing plans. Whole commands are
compared, start of freqtrade included, in turns. The same command costs some percent more or less from run to
run, more than the book does: hence the many rounds, and their median.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from bench.book import LEVERAGE, History, publish_history
from bench.market import Market, under_its_own_name
from bench.measure import BenchError, Cost, environment, run
from freqfleet.clock import from_ms
from freqfleet.exchange.freqtrade_runs import clean_environment, freqtrade_command
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.market.candles import CandleFiles
from freqfleet.skeleton import place_skeleton
from freqfleet.trades.backtest_export import open_backtest

STRATEGY = "BOT3MetaStrategyAdaptive"
# FleetStrategy asks for 600 candles before it enters.
WARM_UP = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """What a book costs a backtest.

    ratio : CPU seconds with the book over those with constants, the median of rounds.
    history : what was in the book.
    """

    ratio: float
    ratios: tuple[float, ...]
    book_seconds: float
    constant_seconds: float
    trades: int
    pairs: int
    history: History


def measure_overhead(
    market: Market,
    folder: Path,
    *,
    pair_count: int,
    days: int,
    rounds: int,
    versions_each: int,
    recordings: int,
    seed: int,
) -> Overhead:
    """Run both backtests in turns, on the first windows of the market under their own names.

    versions_each, recordings : as `publish_history` has them.

    Raises BenchError where a backtest fails, the two trade differently, or leverage came from elsewhere.
    """
    datadir, userdir = folder / "market", folder / "user_data"
    pairs = [under_its_own_name(market, one, datadir)[1] for one in market.windows[:pair_count]]
    starts_at = _start(CandleFiles(datadir), pairs)
    ends_at = starts_at + timedelta(days=days)
    timerange = f"{starts_at:%Y%m%d}-{ends_at:%Y%m%d}"
    place_skeleton(userdir)
    for name in ("data", "backtest_results", "logs"):
        (userdir / name).mkdir()
    history = publish_history(
        userdir / "learning.sqlite", pairs,
        versions_each=versions_each, recordings=recordings, until=ends_at, seed=seed,
    )  # fmt: skip
    costs: dict[str, list[Cost]] = {"book": [], "defaults": []}
    trades: dict[str, list[dict[str, Any]]] = {}
    with LoopbackExchange(datadir, pairs=list(pairs)) as exchange:
        overlay = exchange.overlay()
        overlay["exchange"] |= {"pair_whitelist": list(exchange.pairs), "pair_blacklist": []}
        overlay |= {"max_open_trades": len(pairs), "stake_amount": 100, "dry_run_wallet": 100_000}
        overlay["futures_funding_rate"] = 0
        (userdir / "config" / "offline.json").write_text(json.dumps(overlay), encoding="utf-8")
        for number in range(rounds):
            # Each is first in every other round: what the machine does meanwhile must not favour one of them.
            for mode in list(costs)[:: 1 if number % 2 == 0 else -1]:
                costs[mode].append(_backtest(userdir, datadir, timerange, mode))
                trades[mode] = _trades(userdir)
    if not trades["book"]:
        raise BenchError(f"{STRATEGY} made no trade in {timerange}; give more days or pairs")
    if _on_price(trades["book"]) != _on_price(trades["defaults"]):
        raise BenchError("the book and the constants traded differently; their times do not compare")
    highest = max(one["leverage"] for one in trades["book"])
    if not math.isclose(highest, LEVERAGE, rel_tol=1e-6):  # volatility may hold single trades to less
        raise BenchError(f"the records support {LEVERAGE}x, the book's trades had up to {highest}x")
    pairs_of_costs = list(zip(costs["book"], costs["defaults"], strict=True))
    ratios = tuple(book.cpu_seconds / constant.cpu_seconds for book, constant in pairs_of_costs)
    return Overhead(
        ratio=median(ratios),
        ratios=ratios,
        book_seconds=median(one.cpu_seconds for one in costs["book"]),
        constant_seconds=median(one.cpu_seconds for one in costs["defaults"]),
        trades=len(trades["book"]),
        pairs=len(pairs),
        history=history,
    )


def _start(files: CandleFiles, pairs: Sequence[str]) -> datetime:
    first_ms = max(int(files.load(pair).time_ms[0]) for pair in pairs)
    return from_ms(first_ms) + WARM_UP


def _backtest(userdir: Path, datadir: Path, timerange: str, mode: str) -> Cost:
    config = userdir / "config"
    arguments = [
        "backtesting",
        "--config", str(config / "bot3.json"),
        "--config", str(config / "offline.json"),
        "--strategy", STRATEGY,
        "--datadir", str(datadir),
        "--timerange", timerange,
        "--fee", "0.0005",
        "--export", "trades",
        "--cache", "none",
    ]  # fmt: skip
    settings = {"FREQFLEET_RUNTIME__PARAMETERS": mode, "FREQFLEET_RUNTIME__MIN_VOTES": "1"}
    if mode == "defaults":
        settings["FREQFLEET_RUNTIME__LEVERAGE"] = str(LEVERAGE)
    env = clean_environment(PYTHONPATH=environment()["PYTHONPATH"], **settings)
    return run(freqtrade_command(arguments, userdir), env=env, cwd=userdir.parent)


def _trades(userdir: Path) -> list[dict[str, Any]]:
    return list(open_backtest(userdir / "backtest_results").trades_by_strategy[STRATEGY])


def _on_price(trades: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    names = ("pair", "open_timestamp", "close_timestamp", "is_short", "open_rate", "close_rate")
    return [tuple(one[name] for name in names) for one in trades]
