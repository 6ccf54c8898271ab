"""What a run of `freqfleet optimize` is made of, and how it shows how far it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from freqfleet.learning.optimizer import Optimizer
    from freqfleet.learning.optimizer_run import OptimizerRun
    from freqfleet.learning.pair_work import PairOutcome
    from freqfleet.learning.standings import Standings
    from freqfleet.learning.study import Study
    from freqfleet.learning.workers import Workers
    from freqfleet.market.candles import CandleFiles
    from freqfleet.settings import Settings
    from freqfleet.store.one_at_a_time import OneAtATime
    from freqfleet.store.promise import LearningStore

LOCK = Path("user_data") / "heartbeats" / "optimize.lock"


def alone(settings: Settings) -> OneAtATime:
    """Return the lock of what a run reads at its begin and writes at its end: accounts, waiting results."""
    from freqfleet.clock import SystemClock
    from freqfleet.store.one_at_a_time import OneAtATime

    return OneAtATime(settings.path(LOCK), "`freqfleet optimize`", SystemClock().now())


def make_optimizer(
    settings: Settings,
    store: LearningStore,
    study: Study,
    *,
    search: str,
    dry_run: bool,
    importance: bool,
    workers: Workers,
    notes: Sequence[str],
) -> Optimizer:
    """Return the optimizer of a study; one about the past knows no candle, account or result of later."""
    from freqfleet.learning.optimizer import Optimizer
    from freqfleet.learning.pending import PENDING_FILE, PendingParameters
    from freqfleet.market.candles import CandleFiles
    from freqfleet.market.leverage_tiers import load_leverage_tiers

    known = study.as_of if study.point_in_time else None
    return Optimizer(
        store=store,
        candles=CandleFiles(settings.datadir, settings.market.timeframe, as_of=known),
        settings=settings,
        clock=study.clock,
        as_of=study.as_of,
        search=search,
        dry_run=dry_run,
        pending=None if study.point_in_time else PendingParameters(settings.path(PENDING_FILE)),
        workers=workers,
        record=study.record,
        resumed=study.resumed,
        importance=importance,
        tiers=load_leverage_tiers(),
        detail=_detail(settings, search, known),
        standings=_standings(settings, search, point_in_time=study.point_in_time),
        notes=notes,
    )


def bring_in_waiting(settings: Settings, store: LearningStore, *, dry_run: bool) -> tuple[str, ...]:
    """Publish what an earlier run could not; returns what to say. Comes before a run takes its time."""
    from freqfleet.clock import SystemClock
    from freqfleet.learning.pending import PENDING_FILE, PendingParameters
    from freqfleet.learning.waiting_results import publish_waiting, still_waiting

    pending = PendingParameters(settings.path(PENDING_FILE))
    if dry_run:
        return still_waiting(pending)
    return publish_waiting(pending, store, defaults=settings.defaults.parameters(), clock=SystemClock())


def _detail(settings: Settings, search: str, as_of: datetime | None) -> CandleFiles | None:
    """Return where finer candles are; a path is followed candle by candle of the strategy, as bots do."""
    from freqfleet.learning.path_lattice import PATH_SEARCH
    from freqfleet.market.candles import CandleFiles

    timeframe = settings.market.detail_timeframe
    if timeframe == "none" or search == PATH_SEARCH:
        return None
    return CandleFiles(settings.datadir, timeframe, as_of=as_of)


def _standings(settings: Settings, search: str, *, point_in_time: bool) -> Standings | None:
    """Return the paper accounts of this fleet; a run about the past opens none and leaves these alone."""
    from freqfleet.learning.path_lattice import PATH_SEARCH
    from freqfleet.learning.standings import PATH_STANDINGS_FILE, STANDINGS_FILE, StandingsFile

    file = PATH_STANDINGS_FILE if search == PATH_SEARCH else STANDINGS_FILE
    return None if point_in_time else StandingsFile(settings.path(file))


def workers_of(jobs: int, scheduler: str | None) -> Workers:
    """Return who works on pairs: this process, more of them, or those of a cluster."""
    from freqfleet.learning.workers import Cluster, InProcess, Processes

    if scheduler is not None:
        return Cluster(scheduler)
    return InProcess() if jobs == 1 else Processes(jobs)


def run_with_bar(optimizer: Optimizer, pairs: Sequence[str]) -> OptimizerRun:
    """Run with a progress bar on stderr; an interrupted run says how far it came.

    Versions are counted where pairs are published one by one; the gate publishes when it has seen all pairs.
    """
    from freqfleet.cli.progress import progress_bar
    from freqfleet.report.formats import plural

    done: list[PairOutcome] = []
    with progress_bar() as progress:
        task = progress.add_task("pairs", total=len(pairs))

        def advance(outcome: PairOutcome) -> None:
            done.append(outcome)
            progress.update(task, advance=1, description=outcome.pair)

        try:
            return optimizer.run(pairs, advance)
        except KeyboardInterrupt:
            stored = sum(one.decision.version is not None for outcome in done for one in outcome.findings)
            finished = f"{len(done)} of {plural(len(pairs), 'pair')} finished"
            published = f", {plural(stored, 'version')} published" if stored else ""
            click.echo(f"{finished}{published}; --resume goes on from here", err=True)
            raise
