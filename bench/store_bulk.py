"""Much at once: the first sync of a fleet, 90 days to relearn from, every parameter in force."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from bench.measure import BenchError
from bench.table import Row, Section, at_most
from freqfleet.domain.closed_trade import ClosedTrade, TradeMode
from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.domain.sides import Side
from freqfleet.learning.fleet_trades import load_fleet_trades
from freqfleet.parameters.version import ParameterKey, ParameterVersion
from freqfleet.store.promise import LearningStore
from freqfleet.testing.servers import ServerMissing, influx_server, postgres_server

Tell = Callable[[str], None]

SEED_TRADES = {"BOT1": 31_788, "BOT2": 13_497, "BOT3": 2_448}  # the fleet's history: 47,733 trades
TRADE_BUCKETS = {"BOT1": "BOT1_trades", "BOT2": "BOT2_trades", "BOT3": "BOT33_trades"}
BACKFILL_BARS = {"SQLite": 3.0, "PostgreSQL": 8.0, "InfluxDB": 10.0}
RELEARN_BAR_SECONDS, AS_OF_BAR_MS = 2.0, 50.0
END = datetime(2025, 11, 1, tzinfo=UTC)
PAIRS = tuple(f"C{number:03d}/USDT:USDT" for number in range(150))


def backfill(folder: Path, *, quick: bool, tell: Tell) -> Section:
    """Return what the first sync of the fleet's history costs on each body, and what the second changes."""
    share = 50 if quick else 1
    trades = [
        trade
        for number, (bot, count) in enumerate(SEED_TRADES.items())
        for trade in synthetic_trades(bot, count // share, days=365, seed=number)
    ]
    rows: list[Row] = []
    for body, opened in bodies(folder).items():
        tell(f"backfill, {body}")
        with opened() as store:
            first, first_wall = _cpu(partial(store.record_closed_trades, trades))
            second, second_wall = _cpu(partial(store.record_closed_trades, trades))
            receipt = store.record_closed_trades(trades[:100])
            stored = len(store.closed_trades())
        if stored != len(trades) or receipt.duplicate != len(trades[:100]):
            raise BenchError(f"{body} holds {stored} of {len(trades)} trades, {receipt}")
        work = f"{body}: {len(trades):,} trades, one by one known or new"
        more = f" ({first_wall:.1f} s wall)"
        rows += [
            Row(work=work, measured=f"{first:.2f} CPU-s{more}")
            if quick
            else at_most(work, first, BACKFILL_BARS[body], "CPU-s", more=more),
            Row(
                work=f"{body}: the same again, every one a duplicate",
                measured=f"{second:.2f} CPU-s ({second_wall:.1f} s wall)",
            ),
        ]
    return Section(
        title="Backfill",
        rows=tuple(rows),
        notes=("the CPU time of a server is not in these numbers, its wall time is",),
    )


def relearn(folder: Path, *, quick: bool, tell: Tell) -> Section:
    """Return what loading 90 days to learn from takes from a SQLite store of a million trades."""
    from freqfleet.store.sql import SqlStore  # noqa: PLC0415 - SQLAlchemy

    def load() -> int:
        loaded = load_fleet_trades(store, bots=("BOT1",), as_of=END, days_back=90)
        return sum(map(len, loaded.by_pair_side.values()))

    count = 20_000 if quick else 1_000_000
    store = SqlStore(f"sqlite:///{folder / 'million.sqlite'}")
    tell(f"relearn: storing {count:,} trades")
    for start in range(0, count, 50_000):
        part = min(50_000, count - start)
        store.record_closed_trades(list(synthetic_trades("BOT1", part, days=365, seed=start, first_id=start)))
    tell("relearn: reading")
    costs: list[tuple[float, float]] = []
    found = load()
    stored = len(store.closed_trades(closed_from=END - timedelta(days=90), closed_to=END))
    if found != stored:
        raise BenchError(f"{found} of the {stored} trades of the window were loaded")
    for _ in range(1 if quick else 3):
        costs.append(_cpu(load))
    store.close()
    work = f"90 days, {found:,} of {count:,} trades, SQLite"
    cpu, wall = (median(one) for one in zip(*costs, strict=True))
    more = f" ({wall:.1f} s wall)"
    row = (
        Row(work=work, measured=f"{cpu:.2f} CPU-s{more}")
        if quick
        else at_most(work, cpu, RELEARN_BAR_SECONDS, "CPU-s", more=more)
    )
    notes = (
        "medians of three loads, from the file to the columns of every pair and side, as the optimizer takes "
        "them; the database works in our process, so its work is in the CPU seconds",
    )
    return Section(title="Relearn load", rows=(row,), notes=notes)


def as_of(folder: Path, *, quick: bool, tell: Tell) -> Section:
    """Return what reading every parameter in force takes, among many older versions."""
    keys, each = (30, 5) if quick else (750, 100)
    versions = list(synthetic_versions(keys, each))
    at = END - timedelta(days=1)
    rows: list[Row] = []
    for body, opened in bodies(folder).items():
        tell(f"as of, {body}")
        with opened() as store:
            for start in range(0, len(versions), 7_500):
                store.publish_parameters(versions[start : start + 7_500])
            found = len(store.parameters_in_force(at))
            costs = [_cpu(partial(store.parameters_in_force, at)) for _ in range(5)]
        if found != keys:
            raise BenchError(f"{body}: {found} keys in force, {keys} expected")
        work = f"{body}: {keys} parameters in force, of {len(versions):,} versions"
        judged = body == "SQLite" and not quick
        cpu_ms, wall_ms = (1000.0 * median(one) for one in zip(*costs, strict=True))
        more = f" ({wall_ms:.0f} ms wall)"
        rows.append(
            at_most(work, cpu_ms, AS_OF_BAR_MS, "CPU-ms", more=more)
            if judged
            else Row(work=work, measured=f"{cpu_ms:.0f} CPU-ms{more}")
        )
    notes = ("medians of five reads; judged is SQLite, whose work is in the CPU time of our process",)
    return Section(title="Parameters as of a time", rows=tuple(rows), notes=notes)


def bodies(folder: Path) -> dict[str, Callable[[], AbstractContextManager[LearningStore]]]:
    """Return how to open an empty store of each body; BenchError where a server is not installed."""
    return {
        "SQLite": lambda: _sqlite(folder),
        "PostgreSQL": _postgres,
        "InfluxDB": lambda: _influx(folder),
    }


@contextmanager
def _sqlite(folder: Path) -> Iterator[LearningStore]:
    from freqfleet.store.sql import SqlStore  # noqa: PLC0415 - SQLAlchemy

    store = SqlStore(f"sqlite:///{folder / 'learning.sqlite'}")
    yield store
    store.close()


@contextmanager
def _postgres() -> Iterator[LearningStore]:
    from freqfleet.store.sql import SqlStore  # noqa: PLC0415 - SQLAlchemy

    try:
        with postgres_server() as server:
            store = SqlStore(server.create_database("learning"), timeout_seconds=60.0)
            yield store
            store.close()
    except ServerMissing as error:
        raise BenchError(str(error)) from None


@contextmanager
def _influx(folder: Path) -> Iterator[LearningStore]:
    from freqfleet.store.influx import InfluxStore  # noqa: PLC0415 - an extra

    own = folder / "influx"
    own.mkdir()
    try:
        with influx_server(own) as server:
            for bucket in (*TRADE_BUCKETS.values(), "OPTUNA_PARAMS", "bot3_learning"):
                server.query(f'CREATE DATABASE "{bucket}"')
            store = InfluxStore(server.url, trade_buckets=TRADE_BUCKETS, timeout_seconds=60.0)
            yield store
            store.close()
    except ServerMissing as error:
        raise BenchError(str(error)) from None


def synthetic_trades(
    bot: str, count: int, *, days: int, seed: int, first_id: int = 0
) -> Iterator[ClosedTrade]:
    """Yield trades of one bot whose closes are spread over `days` before END, on five-minute candles."""
    rng = np.random.default_rng([seed, count])
    closes = np.sort(rng.integers(1, days * 288, size=count))[::-1]
    pairs = rng.integers(len(PAIRS), size=count)
    leverages = np.round(rng.uniform(1.0, 10.0, size=count), 1)
    profits = rng.normal(0.0, 0.03, size=count)
    for number in range(count):
        closed_at = END - timedelta(minutes=5 * int(closes[number]))
        profit = float(profits[number])
        yield ClosedTrade(
            bot=bot,
            instance="db:2024-10-01T00:00:00Z",
            trade_id=first_id + number + 1,
            pair=PAIRS[int(pairs[number])],
            side=Side.SHORT if bot == "BOT2" else Side.LONG,
            leverage=float(leverages[number]),
            opened_at=closed_at - timedelta(minutes=240),
            closed_at=closed_at,
            open_rate=100.0,
            close_rate=100.0 * (1.0 + profit / float(leverages[number])),
            stake_quote=100.0,
            margin_profit_ratio=profit,
            profit_quote=100.0 * profit,
            fee_open_ratio=0.0005,
            fee_close_ratio=0.0005,
            funding_fees_quote=-0.01,
            exit_reason="roi_optuna" if profit > 0.0 else "stop_loss_optuna",
            mode=TradeMode.DRY_RUN,
            enter_tag="long ensemble 3/4 conf=0.8 from=trend",
            feeder="trend",
            votes=3,
            voters=4,
            confidence=0.8,
        )


def synthetic_versions(keys: int, each: int) -> Iterator[ParameterVersion]:
    """Yield `each` versions, a day apart, of `keys` keys: pairs, sides."""
    pairs = [f"K{number:03d}/USDT:USDT" for number in range((keys + 1) // 2)]
    listed = [ParameterKey(side=side, pair=pair) for pair in pairs for side in Side][:keys]
    for day in range(each):
        recorded_at = END - timedelta(days=each - day)
        for number, key in enumerate(listed):
            yield ParameterVersion(
                key=key,
                parameters=ExitParameters(
                    stop_loss=-0.02 - 0.0001 * (number % 50), take_profit=0.03 + 0.0001 * day
                ),
                source=ExitSource.OPTUNA,
                valid_from=recorded_at,
                recorded_at=recorded_at,
                learned_until=recorded_at,
                run_id=f"run-{day}",
            )


def _cpu(call: Callable[[], object]) -> tuple[float, float]:
    """Return the CPU and wall seconds of a call in this process."""
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    return time.process_time() - cpu, time.perf_counter() - wall
