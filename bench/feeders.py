"""`python -m bench.feeders`: what features, training and scoring of the learned feeders cost.

Prints the table, writes docs/benchmarks-feeders.md, ends with 1 where a bar is missed. CPU seconds of one
process with one thread.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import numpy as np
import pandas as pd

from bench.__main__ import SHARED
from bench.machine import surroundings
from bench.market import Market, write_market
from bench.measure import ROOT, BenchError, peak_memory_mb
from bench.table import Row, Section, at_most, conclude, to_markdown
from freqfleet.clock import SystemClock
from freqfleet.learning.feeder_training.plan import TrainingPlan
from freqfleet.learning.feeder_training.trainer import FeederTrainer
from freqfleet.learning.feeder_training.versions import write_version
from freqfleet.market.candles import CandleFiles
from freqfleet.market.features.cache import FeatureFiles, FeatureMemory
from freqfleet.market.features.source import FeatureSource, PairFeatures
from freqfleet.signals.feeders.registry import FEEDERS, RECIPES
from freqfleet.signals.learned import LearnedFeeder, opened_ms
from freqfleet.signals.models.bank import FeederBank

PAGE = ROOT / "docs" / "benchmarks-feeders.md"
FEATURE_BAR, TRAIN_BAR, MEMORY_BAR = 60.0, 600.0, 4096.0
LIVE_BAR, BACKTEST_BAR = 150.0, 1.0
BOT_CANDLES = 999  # what freqtrade holds of a pair
AGELESS = timedelta(days=100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured; bars apply to the full size only."""

    judged: bool
    windows: int
    days: int
    train_windows: int
    train_days: int


FULL = Size(judged=True, windows=150, days=90, train_windows=61, train_days=120)
QUICK = Size(judged=False, windows=3, days=12, train_windows=3, train_days=14)


class AlignedSource(FeatureSource):
    """Pair-windows of different times, moved so that all of them end together, as pairs of a fleet do."""

    def load(self, pair: str, *, until_ms: int | None = None) -> PairFeatures:
        """Return a window's candles, moved by whole days, and its features."""
        found = super().load(pair, until_ms=until_ms)
        day_ms, end = 86_400_000, int(found.candles.time_ms[-1])
        moved = (1_800_000_000_000 - end) // day_ms * day_ms
        return replace(found, candles=replace(found.candles, time_ms=found.candles.time_ms + moved))


@click.command()
@click.option("--quick", is_flag=True, help="A small run that shows that everything works; no bar is judged.")
@click.option("--shared", type=click.Path(path_type=Path, file_okay=False), default=SHARED)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Where the page goes.")
def main(quick: bool, shared: Path, out: Path | None) -> None:
    """Measure features, training and scoring."""
    size, target = (QUICK, out) if quick else (FULL, out or PAGE)
    with tempfile.TemporaryDirectory(prefix="freqfleet-bench-feeders-") as name:
        folder = Path(name)
        try:
            many = write_market(folder / "many", windows=size.windows, days=size.days, shared=shared, seed=7)
            long = write_market(
                folder / "long", windows=size.train_windows, days=size.train_days, shared=shared, seed=7
            )
        except BenchError as error:
            click.echo(f"bench: {error}", err=True)
            sys.exit(1)
        where = surroundings(
            f"{datetime.now(UTC):%Y-%m-%d}", f"{many.described}; for training {long.described}"
        )
        features, frames = _features(size, many, folder / "cache")
        training, bank = _training(size, long, folder / "bank")
        sections = [features, training, _scoring(frames, bank)]
    if target is not None:
        page = to_markdown(sections, where).replace("`make bench`", "`make bench-feeders`")
        target.write_text(page, encoding="utf-8")
    sys.exit(conclude(sections, target, judged=size.judged))


def _features(size: Size, market: Market, folder: Path) -> tuple[Section, list[pd.DataFrame]]:
    source = FeatureSource(CandleFiles(market.datadir), leader=market.pairs[0])
    frames = [source.frame(pair) for pair in market.pairs]
    files = FeatureFiles(folder)
    rows = sum(len(frame) for frame in frames)

    def every() -> None:
        for pair, frame in zip(market.pairs, frames, strict=True):
            files.table(pair, frame)

    cold, warm = _cpu_seconds(every), _cpu_seconds(every)
    work = f"features of {len(frames)} pairs x {size.days} days, {rows:,} rows"
    return Section(
        title="Features",
        rows=(
            at_most(f"{work}, computed and written", cold, FEATURE_BAR, "CPU s"),
            Row(work=f"{work}, from the cache", measured=f"{warm:.2f} CPU s"),
        ),
    ), frames


def _training(size: Size, market: Market, bank: Path) -> tuple[Section, Path]:
    source = AlignedSource(CandleFiles(market.datadir), leader=market.pairs[0])
    rows = size.train_windows * size.train_days * 288

    def everything() -> None:
        plan = TrainingPlan(window=timedelta(days=size.train_days + 2))
        trainer = FeederTrainer(source, recipes=RECIPES, rules=FEEDERS, plan=plan, clock=SystemClock())
        write_version(bank, [fit.trained for fit in trainer.fit(trainer.last_close())])

    seconds = _cpu_seconds(everything)
    memory = peak_memory_mb() or 0.0
    work = f"ten feeders on {size.train_windows} pairs x {size.train_days} days, {rows:,} candles"
    return Section(
        title="Training",
        rows=(
            at_most(f"{work}, features, labels, folds and baselines included", seconds, TRAIN_BAR, "CPU s"),
            at_most(f"{work}, most memory held", memory, MEMORY_BAR, "MiB"),
        ),
        notes=("The features were not in the cache. A feeder learns from every second to twelfth candle.",),
    ), bank


def _scoring(frames: list[pd.DataFrame], bank: Path) -> Section:
    """Score with models that are valid for all candles, whatever their dates."""
    version = next(bank.iterdir())
    earlier = version.rename(bank / ("20200101T000000Z-" + version.name.partition("-")[2]))
    models = FeederBank(earlier.parent, max_age=AGELESS)
    memory = FeatureMemory(frames=len(frames))
    newest = [LearnedFeeder(recipe, models, features=memory, newest=1) for recipe in RECIPES]
    every = [LearnedFeeder(recipe, models, features=memory) for recipe in RECIPES]
    lately = [frame.iloc[-BOT_CANDLES:].reset_index(drop=True) for frame in frames]
    computed = _cpu_seconds(lambda: [memory.table(frame) for frame in lately])
    ready = [(opened_ms(frame), memory.table(frame)) for frame in lately]

    def live() -> None:
        for opened, table in ready:
            for feeder in newest:
                feeder.score_table(opened, table)

    live()  # models are read from their files once
    live_ms = 1000.0 * float(np.median([_cpu_seconds(live) for _ in range(5)]))
    opened, table = opened_ms(frames[0]), memory.table(frames[0])

    def backtest() -> None:
        for feeder in every:
            feeder.score_table(opened, table)

    row_us = 1e6 * float(np.median([_cpu_seconds(backtest) for _ in range(5)])) / len(every) / len(opened)
    heads = sum(head is not None for feeder in every for head in _heads(models, feeder))
    pairs = len(frames)
    return Section(
        title="Scoring",
        rows=(
            at_most(
                f"ten feeders on one new candle of {pairs} pairs, from features", live_ms, LIVE_BAR, "CPU ms"
            ),
            Row(
                work=f"their features, {BOT_CANDLES} candles of {pairs} pairs",
                measured=f"{1000.0 * computed:.0f} CPU ms",
            ),
            at_most("backtest, a row and feeder, both sides, from features", row_us, BACKTEST_BAR, "us"),
        ),
        notes=(f"{heads} of {2 * len(every)} heads have a model; one that abstains costs nothing.",),
    )


def _heads(bank: FeederBank, feeder: LearnedFeeder) -> list[object]:
    model = bank.model(bank.versions()[-1], feeder.recipe)
    return [] if model is None else list(model.heads.values())


def _cpu_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
