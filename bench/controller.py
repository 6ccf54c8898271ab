"""What the leverage-bin controller costs: `python -m bench.controller`, or as a part of `python -m bench`.

As many trades as a fleet's history has, 47,733, at random opens of real pair-windows, both sides and all five
bins, in a SQLite store. CPU seconds of the cycle itself: the store is read and written, and the first cycle
judges stops and targets of every bin, for which candles are read, trades replayed and all bins certified.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import click
import numpy as np

from bench.market import Market, write_market
from bench.measure import ROOT, BenchError
from bench.store_bulk import SEED_TRADES
from bench.table import Row, Section, at_most, conclude
from bench.trades import over_all_bins, trades_of
from freqfleet.clock import from_ms
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.leverage_bins import LEVERAGE_BINS
from freqfleet.domain.sides import Side
from freqfleet.learning.bin_exits import BinExits
from freqfleet.learning.controller import Controller, Cycle
from freqfleet.learning.standings import StandingsInMemory
from freqfleet.market.candles import CandleFiles
from freqfleet.market.leverage_tiers import load_leverage_tiers
from freqfleet.settings import Settings, load_settings
from freqfleet.store.sql import SqlStore

RELEARN_BAR_SECONDS, MORE_BAR_MS, IDLE_BAR_MS = 3.0, 50.0, 5.0
CYCLE = timedelta(seconds=30)
CYCLES, NEW_TRADES = 15, 10
WINDOWS, DAYS, QUICK_WINDOWS, QUICK_DAYS, QUICK_TRADES = 150, 90, 2, 12, 600
# A trade of the last days cannot be replayed yet: every entry has a day of candles behind it.
RESERVE_CANDLES = 288

Tell = Callable[[str], None]


class _Clock:
    """A clock that the bench moves."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def controller(folder: Path, *, market: Market, quick: bool, seed: int, tell: Tell) -> Section:
    """Return what the cycles cost on trades of this market."""
    folder.mkdir(parents=True, exist_ok=True)
    files, count = CandleFiles(market.datadir), QUICK_TRADES if quick else sum(SEED_TRADES.values())
    batches = over_all_bins(_trades(files, market.pairs, count, seed), seed=seed)
    trades = [one for batch in batches for one in batch]
    # The day after the last candle, and early enough for every cycle to be of this day.
    ends = max(int(files.load(pair).time_ms[-1]) for pair in market.pairs)
    clock = _Clock(from_ms(ends).replace(hour=1, minute=0, second=0, microsecond=0) + timedelta(days=1))
    store = SqlStore(f"sqlite:///{folder / 'learning.sqlite'}")
    try:
        store.record_closed_trades(trades)
        tell("controller, from nothing")
        learner = _learner(store, files, _settings(folder), clock)
        first = learner.cycle()
        tell("controller, cycles")
        idle = [_cycle(learner, clock) for _ in range(CYCLES)]
        more = []
        for number in range(CYCLES):
            store.record_closed_trades(_just_closed(trades, number, clock))
            more.append(_cycle(learner, clock))
    finally:
        store.close()
    judged = _check(first, len(trades), idle, more)
    levels = f"{len(market.pairs)} pairs x {len(Side)} sides x {len(LEVERAGE_BINS)} bins"
    works = (
        f"controller relearns from nothing, {len(trades):,} trades, {levels}, stops and targets by bin too",
        f"controller, a cycle with {NEW_TRADES} new trades",
        "controller, a cycle with nothing new",
    )
    measured = (
        (first.cpu_seconds, RELEARN_BAR_SECONDS, "CPU-s"),
        (1e3 * median(one.cpu_seconds for one in more), MORE_BAR_MS, "CPU-ms"),
        (1e3 * median(one.cpu_seconds for one in idle), IDLE_BAR_MS, "CPU-ms"),
    )
    return Section(
        title="Controller",
        rows=tuple(
            Row(work=work, measured=f"{value:.2f} {unit}") if quick else at_most(work, value, bar, unit)
            for work, (value, bar, unit) in zip(works, measured, strict=True)
        ),
        notes=(
            f"trades at random opens of {'real' if market.real else 'SYNTHETIC'} pair-windows; "
            f"on SQLite; the first cycle recorded {len(first.recorded):,} levels, and {judged:,} bins stood "
            f"before the gate with exits of their own; the medians of {CYCLES} cycles after it",
        ),
    )


def _settings(folder: Path) -> Settings:
    """Return settings that learn from all of the windows, which are of several years."""
    settings = load_settings(folder)
    return settings.model_copy(
        update={"optimizer": settings.optimizer.model_copy(update={"days_back": 10_000})}
    )


def _learner(store: SqlStore, files: CandleFiles, settings: Settings, clock: _Clock) -> Controller:
    exits = BinExits(
        store=store,
        candles=files,
        settings=settings,
        clock=clock,
        standings=StandingsInMemory(),
        tiers=load_leverage_tiers(),
    )
    return Controller(store=store, settings=settings, clock=clock, exits=exits)


def _trades(files: CandleFiles, pairs: Sequence[str], count: int, seed: int) -> Iterator[list[ClosedTrade]]:
    """Yield so many trades in all, as many of each pair, give or take one."""
    most = -(-count // len(pairs))
    for number, pair in enumerate(pairs):
        made = trades_of(
            files.load(pair), count=most, reserve_candles=RESERVE_CANDLES, seed=seed, number=number
        )
        yield made[: count // len(pairs) + (number < count % len(pairs))]


def _cycle(learner: Controller, clock: _Clock) -> Cycle:
    clock.at += CYCLE
    return learner.cycle()


def _just_closed(trades: Sequence[ClosedTrade], number: int, clock: _Clock) -> list[ClosedTrade]:
    rng = np.random.default_rng(100 + number)
    like = rng.choice(len(trades), size=NEW_TRADES, replace=False).tolist()
    return [
        replace(
            trades[which],
            trade_id=10**6 + 100 * number + at,
            opened_at=clock.at - timedelta(hours=4),
            closed_at=clock.at + timedelta(seconds=at),
        )
        for at, which in enumerate(like)
    ]


def _check(first: Cycle, trades: int, idle: Sequence[Cycle], more: Sequence[Cycle]) -> int:
    """Return how many bins were judged; raises BenchError where a cycle did not do what is measured."""
    if first.trades != trades or not first.recorded:
        raise BenchError(f"{first.trades} of {trades} trades were learned from")
    if any(one.new_trades for one in idle) or any(one.new_trades != NEW_TRADES for one in more):
        raise BenchError(f"cycles learned from {[one.new_trades for one in (*idle, *more)]} new trades")
    judged = 0 if first.exits is None else len(first.exits.findings)
    if not judged or any(one.exits is not None for one in (*idle, *more)):
        raise BenchError("stops and targets were not judged in the first cycle, or in another one too")
    return judged


@click.command()
@click.option("--quick", is_flag=True, help="A small run that shows that everything works; no bar is judged.")
@click.option(
    "--shared",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(os.environ.get("FREQFLEET_SHARED", ROOT.parent / "shared")),
    help="A folder with market/bench and market/okx-2022; without one a synthetic sample is made.",
)
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True)
def main(quick: bool, shared: Path, seed: int) -> None:
    """Measure the leverage-bin controller."""
    with tempfile.TemporaryDirectory(prefix="freqfleet-bench-") as folder:
        market = write_market(
            Path(folder) / "market",
            windows=QUICK_WINDOWS if quick else WINDOWS,
            days=QUICK_DAYS if quick else DAYS,
            shared=shared,
            seed=seed,
        )
        section = controller(
            Path(folder) / "controller",
            market=market,
            quick=quick,
            seed=seed,
            tell=lambda text: click.echo(text, err=True),
        )
    sys.exit(conclude([section], None))


if __name__ == "__main__":
    main()
