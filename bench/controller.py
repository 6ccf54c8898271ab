"""What the leverage-bin controller costs: `python -m bench.controller`, or as a part of `python -m bench`.

The trades are those of a fleet's history, 47,733 over 150 pairs, both sides and all five bins, in a SQLite
store. CPU seconds of the cycle itself, reading and writing the store included.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import click
import numpy as np

from bench.measure import ROOT, BenchError
from bench.store_bulk import END, PAIRS, SEED_TRADES, synthetic_trades
from bench.table import Row, Section, at_most, missed, show
from bench.trades import trades_of
from freqfleet.clock import FixedClock, from_ms
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.leverage_bins import LEVERAGE_BINS
from freqfleet.domain.sides import Side
from freqfleet.learning.bin_exits import BinExits
from freqfleet.learning.controller import Controller, Cycle
from freqfleet.learning.standings import StandingsInMemory
from freqfleet.market.candles import CandleFiles
from freqfleet.settings import load_settings
from freqfleet.store.sql import SqlStore

RELEARN_BAR_SECONDS, MORE_BAR_MS, IDLE_BAR_MS = 3.0, 50.0, 5.0
CYCLE = timedelta(seconds=30)
DAYS, CYCLES, NEW_TRADES = 89, 15, 10
TRADES_A_PAIR = 300

Tell = Callable[[str], None]


class _Clock:
    """A clock that the bench moves."""

    def __init__(self) -> None:
        self.at = END

    def now(self) -> datetime:
        return self.at


def controller(folder: Path, *, quick: bool, tell: Tell, market: Path | None) -> Section:
    """Return what the cycles cost. market : real candles for the day's look at exits; None leaves it out."""
    folder.mkdir(parents=True, exist_ok=True)
    share = 50 if quick else 1
    trades = [
        one
        for number, (bot, count) in enumerate(SEED_TRADES.items())
        for one in synthetic_trades(bot, count // share, days=DAYS, seed=number)
    ]
    store, clock = SqlStore(f"sqlite:///{folder / 'learning.sqlite'}"), _Clock()
    try:
        store.record_closed_trades(trades)
        tell("controller, from nothing")
        learner = Controller(store=store, settings=load_settings(folder), clock=clock)
        first = learner.cycle()
        if first.trades != len(trades) or not first.recorded:
            raise BenchError(f"{first.trades} of {len(trades)} trades were learned from")
        tell("controller, cycles")
        idle = [_cycle(learner, clock) for _ in range(CYCLES)]
        more = []
        for number in range(CYCLES):
            store.record_closed_trades(_just_closed(number, clock))
            more.append(_cycle(learner, clock))
    finally:
        store.close()
    _check(idle, more)
    levels = f"{len(PAIRS)} pairs x {len(Side)} sides x {len(LEVERAGE_BINS)} bins"
    work = (
        f"controller relearns from nothing, {len(trades):,} trades, {levels}",
        f"controller, a cycle with {NEW_TRADES} new trades",
        "controller, a cycle with nothing new",
    )
    ms = tuple(1e3 * median(one.cpu_seconds for one in cycles) for cycles in (more, idle))
    if quick:
        rows = [
            Row(work=work[0], measured=f"{first.cpu_seconds:.2f} CPU-s"),
            Row(work=work[1], measured=f"{ms[0]:.1f} CPU-ms"),
            Row(work=work[2], measured=f"{ms[1]:.1f} CPU-ms"),
        ]
    else:
        rows = [
            at_most(work[0], first.cpu_seconds, RELEARN_BAR_SECONDS, "CPU-s"),
            at_most(work[1], ms[0], MORE_BAR_MS, "CPU-ms"),
            at_most(work[2], ms[1], IDLE_BAR_MS, "CPU-ms"),
        ]
    if market is not None:
        tell("controller, exits")
        rows.append(_exits(folder, market, pairs=3 if quick else None))
    return Section(
        title="Controller",
        rows=tuple(rows),
        notes=(
            f"On SQLite; the medians of {CYCLES} cycles. The first cycle of a day also judges stops and "
            "targets by bin: candles are read, trades replayed, all bins stand before the gate.",
        ),
    )


def _cycle(learner: Controller, clock: _Clock) -> Cycle:
    clock.at += CYCLE
    return learner.cycle()


def _just_closed(number: int, clock: _Clock) -> list[ClosedTrade]:
    made = synthetic_trades("BOT1", NEW_TRADES, days=1, seed=100 + number, first_id=10**6 + 100 * number)
    return [
        replace(one, opened_at=clock.at - timedelta(hours=4), closed_at=clock.at + timedelta(seconds=at))
        for at, one in enumerate(made)
    ]


def _check(idle: Sequence[Cycle], more: Sequence[Cycle]) -> None:
    if any(one.new_trades for one in idle) or any(one.new_trades != NEW_TRADES for one in more):
        raise BenchError(f"cycles learned from {[one.new_trades for one in (*idle, *more)]} new trades")


def _exits(folder: Path, market: Path, *, pairs: int | None) -> Row:
    """Return the day's look on real candles: seeded entries, leverages over all bins."""
    files = CandleFiles(market)
    rng, trades, ends = np.random.default_rng(7), [], []
    chosen = files.pairs()[:pairs]
    for number, pair in enumerate(chosen):
        candles = files.load(pair)
        ends.append(int(candles.time_ms[-1]))
        made = trades_of(candles, count=TRADES_A_PAIR, reserve_candles=288, seed=7, number=number)
        trades += [replace(one, leverage=round(float(rng.uniform(1.0, 10.0)), 1)) for one in made]
    store, clock = SqlStore(f"sqlite:///{folder / 'exits.sqlite'}"), FixedClock(from_ms(max(ends)))
    settings = load_settings(folder)
    settings = settings.model_copy(
        update={"optimizer": settings.optimizer.model_copy(update={"days_back": 10_000})}
    )
    exits = BinExits(
        store=store, candles=files, settings=settings, clock=clock, standings=StandingsInMemory()
    )
    try:
        store.record_closed_trades(trades)
        cycle = Controller(store=store, settings=settings, clock=clock, exits=exits).cycle()
    finally:
        store.close()
    if cycle.exits is None or not cycle.exits.findings:
        raise BenchError("no bin stood before the gate")
    return Row(
        work=f"controller, the first cycle of a day with {len(trades):,} trades of {len(chosen)} real pairs",
        measured=f"{cycle.cpu_seconds:.1f} CPU-s, {len(cycle.exits.findings)} bins judged",
    )


def real_market(shared: Path | None) -> Path | None:
    """Return the datadir of the shared market, None where there is none."""
    datadir = shared / "market" / "bench" / "binance" if shared is not None else None
    return datadir if datadir is not None and datadir.is_dir() else None


@click.command()
@click.option("--quick", is_flag=True, help="A small run that shows that everything works; no bar is judged.")
@click.option(
    "--shared",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(os.environ.get("FREQFLEET_SHARED", ROOT.parent / "shared")),
    help="A folder with market/bench; without one the look at exits is left out.",
)
def main(quick: bool, shared: Path) -> None:
    """Measure the leverage-bin controller."""
    with tempfile.TemporaryDirectory(prefix="freqfleet-bench-") as folder:
        section = controller(
            Path(folder),
            quick=quick,
            tell=lambda text: click.echo(text, err=True),
            market=real_market(shared),
        )
    show([section])
    sys.exit(1 if missed([section]) else 0)


if __name__ == "__main__":
    main()
