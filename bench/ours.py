"""One measured run of our optimizer in a process of its own: `python -m bench.ours '{"datadir": ...}'`.

From the trades in the store and the candle files on disk to decisions that a gate has judged on held-out
trades; nothing is published. Prints one JSON document. What is counted begins when the modules are loaded
and ends with the last decision; Numba, which the exact search loads by itself, is inside.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.measure import children_cpu_seconds, peak_memory_mb
from freqfleet.clock import FixedClock
from freqfleet.domain.decisions import Verdict
from freqfleet.learning.grid import ExactGrid
from freqfleet.learning.optimizer import Optimizer
from freqfleet.learning.optimizer_run import OptimizerRun
from freqfleet.learning.search_space import SearchSpace
from freqfleet.learning.workers import InProcess, Processes
from freqfleet.market.candles import CandleFiles
from freqfleet.settings import DefaultSettings, MarketSettings, OptimizerSettings, Settings, StoreSettings
from freqfleet.store.sql import SqlStore

# Windows lie in 2022 and in 2025; every one of them takes part.
DAYS_BACK = 3650
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A run over every pair of a datadir. horizon_candles : the longest time limit of `limits`."""

    datadir: str
    store: str
    search: str
    horizon_candles: int
    limits: int = 12
    trials: int = 100
    jobs: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a run took and what it came to.

    trades_cpu_seconds : of cpu_seconds, reading the trades. worker_memory_mb : the peak of each worker.
    grid_cells : of every pair and side, for the exact search. judged : findings that reached the gate.
    """

    cpu_seconds: float
    wall_seconds: float
    trades_cpu_seconds: float
    memory_mb: float | None
    worker_memory_mb: list[float | None]
    pairs: int
    trades: int
    grid_cells: int
    candidates: int
    judged: int
    published: int
    skipped: dict[str, int]
    dropped: int
    without_funding: int


def limits_to(horizon_minutes: int, count: int) -> tuple[int, ...]:
    """Return so many time limits, evenly spread on whole 5m candles, the last one the horizon."""
    steps = (5 * round(horizon_minutes * step / count / 5) for step in range(1, count + 1))
    return tuple(sorted({max(5, one) for one in steps}))


def settings_for(ask: Ask) -> Settings:
    """Return the product's settings, but for where things are and how long positions may last."""
    minutes = 5 * ask.horizon_candles
    return Settings(
        store=StoreSettings(url=ask.store),
        market=MarketSettings(datadir=Path(ask.datadir)),
        defaults=DefaultSettings(time_limit_minutes=minutes),
        optimizer=OptimizerSettings(
            days_back=DAYS_BACK, time_limit_minutes=limits_to(minutes, ask.limits), trials=ask.trials
        ),
    )


def measure(ask: Ask) -> Told:
    """Do the run and return what it took."""
    settings = settings_for(ask)
    began, cpu_began = time.perf_counter(), time.process_time()
    store = SqlStore(settings.store.url)
    optimizer = Optimizer(
        store=store,
        candles=CandleFiles(settings.datadir),
        settings=settings,
        clock=FixedClock(AS_OF),
        search=ask.search,
        dry_run=True,
        workers=InProcess() if ask.jobs == 1 else Processes(ask.jobs),
    )
    pairs = optimizer.pairs  # reads the trades
    trades_cpu = time.process_time() - cpu_began
    run = optimizer.run(pairs)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    store.close()
    workers = _end_workers() if ask.jobs > 1 else []
    return _told(settings, run, cpu + children_cpu_seconds(), wall, trades_cpu, workers)


def _end_workers() -> list[float | None]:
    """End the worker processes, so that their CPU seconds are ours, and return the peak memory of each."""
    from joblib.externals.loky import get_reusable_executor  # noqa: PLC0415

    executor = get_reusable_executor(reuse=True)
    peaks = [peak_memory_mb(pid) for pid in executor._processes]
    executor.shutdown(wait=True)
    return peaks


def _told(
    settings: Settings,
    run: OptimizerRun,
    cpu: float,
    wall: float,
    trades_cpu: float,
    workers: list[float | None],
) -> Told:
    skipped: dict[str, int] = {}
    for finding in run.findings:
        if finding.decision.verdict is Verdict.SKIPPED:
            skipped[finding.decision.reason] = skipped.get(finding.decision.reason, 0) + 1
    grid = ExactGrid.of(SearchSpace.of(settings.optimizer, atr_reference_ratio=0.01))
    return Told(
        cpu_seconds=cpu,
        wall_seconds=wall,
        trades_cpu_seconds=trades_cpu,
        memory_mb=peak_memory_mb(),
        worker_memory_mb=workers,
        pairs=len(run.outcomes),
        trades=sum(finding.decision.evidence.trades for finding in run.findings),
        grid_cells=grid.axes.cells if run.search == "exact" else 0,
        candidates=run.candidates,
        judged=len(run.findings) - sum(skipped.values()),
        published=run.count(Verdict.PUBLISHED),
        skipped=skipped,
        dropped=sum(sum(finding.dropped.values()) for finding in run.findings),
        without_funding=sum(finding.without_funding for finding in run.findings),
    )


def main() -> None:
    """Read the ask, print what was told."""
    ask: dict[str, Any] = json.loads(sys.argv[1])
    print(json.dumps(asdict(measure(Ask(**ask)))))


if __name__ == "__main__":
    main()
