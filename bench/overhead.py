"""The strategy's overhead: BOT3's backtest with the parameter book, against the same with constants.

The newest versions of the book say what the constants say, so that both trade the same trades: what is left
is the cost of reading the store, resolving versions and freezing plans. Whole commands are compared, start
of freqtrade included, in turns.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from bench.market import Market, under_its_own_name
from bench.measure import BenchError, Cost, environment, run
from freqfleet.clock import from_ms
from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.domain.sides import Side
from freqfleet.exchange.freqtrade_runs import clean_environment, freqtrade_command
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.market.candles import CandleFiles
from freqfleet.parameters.version import ParameterKey, ParameterVersion
from freqfleet.settings import DefaultSettings
from freqfleet.skeleton import place_skeleton
from freqfleet.store.sql import SqlStore
from freqfleet.trades.backtest_export import open_backtest

STRATEGY = "BOT3MetaStrategyAdaptive"
# FleetStrategy asks for 600 candles before it enters.
WARM_UP = timedelta(days=3)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """ratio : CPU seconds with the book over those with constants, the median of rounds."""

    ratio: float
    ratios: tuple[float, ...]
    book_seconds: float
    constant_seconds: float
    trades: int
    versions: int
    pairs: int


def measure_overhead(
    market: Market, folder: Path, *, pair_count: int, days: int, rounds: int, versions_each: int
) -> Overhead:
    """Run both backtests in turns, on the first windows of the market under their own names.

    versions_each : versions of every pair and side in the book.

    Raises BenchError where a backtest fails or the two trade differently.
    """
    datadir, userdir = folder / "market", folder / "user_data"
    pairs = [under_its_own_name(market, one, datadir)[1] for one in market.windows[:pair_count]]
    timerange = _timerange(CandleFiles(datadir), pairs, days)
    place_skeleton(userdir)
    for name in ("data", "backtest_results", "logs"):
        (userdir / name).mkdir()
    versions = _publish(userdir / "learning.sqlite", pairs, versions_each)
    costs: dict[str, list[Cost]] = {"book": [], "defaults": []}
    trades: dict[str, list[tuple[Any, ...]]] = {}
    with LoopbackExchange(datadir, pairs=list(pairs)) as exchange:
        overlay = exchange.overlay()
        overlay["exchange"] |= {"pair_whitelist": list(exchange.pairs), "pair_blacklist": []}
        overlay |= {"max_open_trades": len(pairs), "stake_amount": 100, "dry_run_wallet": 100_000}
        overlay["futures_funding_rate"] = 0
        (userdir / "config" / "offline.json").write_text(json.dumps(overlay), encoding="utf-8")
        for _ in range(rounds):
            for mode, found in costs.items():
                found.append(_backtest(userdir, datadir, timerange, mode))
                trades[mode] = _trades(userdir)
    if trades["book"] != trades["defaults"]:
        raise BenchError("the book and the constants traded differently; their times do not compare")
    if not trades["book"]:
        raise BenchError(f"{STRATEGY} made no trade in {timerange}; give more days or pairs")
    pairs_of_costs = list(zip(costs["book"], costs["defaults"], strict=True))
    ratios = tuple(book.cpu_seconds / constant.cpu_seconds for book, constant in pairs_of_costs)
    return Overhead(
        ratio=median(ratios),
        ratios=ratios,
        book_seconds=median(one.cpu_seconds for one in costs["book"]),
        constant_seconds=median(one.cpu_seconds for one in costs["defaults"]),
        trades=len(trades["book"]),
        versions=versions,
        pairs=len(pairs),
    )


def _timerange(files: CandleFiles, pairs: Sequence[str], days: int) -> str:
    first_ms = max(int(files.load(pair).time_ms[0]) for pair in pairs)
    starts_at = from_ms(first_ms) + WARM_UP
    return f"{starts_at:%Y%m%d}-{starts_at + timedelta(days=days):%Y%m%d}"


def _publish(file: Path, pairs: Sequence[str], each: int) -> int:
    exits = DefaultSettings().parameters()
    store = SqlStore(f"sqlite:///{file}")
    try:
        receipt = store.publish_parameters(
            [_version(pair, side, exits, number) for number in range(each) for pair in pairs for side in Side]
        )
    finally:
        store.close()
    return receipt.accepted


def _version(pair: str, side: Side, exits: ExitParameters, number: int) -> ParameterVersion:
    at = LONG_AGO + timedelta(days=number)
    return ParameterVersion(
        key=ParameterKey(side=side, pair=pair),
        parameters=exits,
        source=ExitSource.OPTUNA,
        valid_from=at,
        recorded_at=at,
        learned_until=at,
        run_id=f"bench-{number}",
    )


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
    env = clean_environment(PYTHONPATH=environment()["PYTHONPATH"], **settings)
    return run(freqtrade_command(arguments, userdir), env=env, cwd=userdir.parent)


def _trades(userdir: Path) -> list[tuple[Any, ...]]:
    raw = open_backtest(userdir / "backtest_results").trades_by_strategy[STRATEGY]
    names = ("pair", "open_timestamp", "close_timestamp", "is_short", "open_rate", "close_rate")
    return [tuple(one[name] for name in names) for one in raw]
