"""The whole loop, in the order of the architecture: candles, bots, sync, optimize, BOT3 again, report."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from freqfleet.clock import Clock, FixedClock
from freqfleet.demo.backtests import Backtest, DemoBacktests, Job
from freqfleet.demo.feeders import FeedersTrained, train_feeders
from freqfleet.demo.market import DemoMarket, open_market
from freqfleet.errors import InputError
from freqfleet.learning.optimizer import Optimizer
from freqfleet.learning.optimizer_run import OptimizerRun
from freqfleet.market.candles import CandleFiles
from freqfleet.market.leverage_tiers import load_leverage_tiers
from freqfleet.report.demo_page import Phase, StepTiming
from freqfleet.settings import MarketSettings, Settings, StoreSettings, load_settings
from freqfleet.skeleton import place_skeleton
from freqfleet.store.promise import LearningStore
from freqfleet.trades.sync import SyncReport, sync_reading
from freqfleet.wiring import open_store

MARKER = ".freqfleet-demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRun:
    """Everything that happened; `demo.page` turns it into the report."""

    market: DemoMarket
    settings: Settings
    backtests: tuple[Backtest, ...]
    first_sync: tuple[SyncReport, ...]
    second_sync: tuple[SyncReport, ...]
    optimizer: OptimizerRun
    feeders: FeedersTrained
    steps: tuple[StepTiming, ...]

    def of(self, phase: Phase, bot: str = "BOT3") -> Backtest:
        """Return the backtest of a bot in a phase."""
        return next(one for one in self.backtests if one.job.phase is phase and one.job.bot == bot)


class Watcher(Protocol):
    """Who is told how far the demo is."""

    def step(self, name: str) -> None:
        """A step begins; the one before it has ended."""
        ...

    def decided(self, pair: str, pairs: int) -> None:
        """One of `pairs` pairs has been decided."""
        ...


@dataclass(slots=True)
class _Stopwatch:
    watcher: Watcher
    timings: list[StepTiming] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.watcher.step(name)
        began = time.monotonic()
        yield
        self.timings.append(StepTiming(name=name, seconds=time.monotonic() - began))


def run_demo(
    datadir: Path | None, out: Path, watcher: Watcher, *, store: StoreSettings | None = None
) -> DemoRun:
    """Run the loop below `out` and return what happened.

    datadir : freqtrade candles; None makes the synthetic sample.
    out : a folder of the demo's own. An earlier demo there is replaced; anything else is refused.
    store : the learning store to use; None makes one below `out`. What it holds is learned from, too.

    Raises InputError for an `out` that holds other things, MarketError for unusable candles. Nothing is
    removed before both are known to be right.
    """
    _require_own_folder(out, datadir)
    watch = _Stopwatch(watcher)
    with watch.step("candles" if datadir is not None else "candles (synthetic sample)"):
        given = None if datadir is None else open_market(datadir, out)
        _make_room(out)
        market = given if given is not None else open_market(None, out)
    userdir = out / "user_data"
    place_skeleton(userdir)
    settings = _settings(userdir, market, store or StoreSettings())
    backtests = DemoBacktests(market, userdir, settings)
    with watch.step("three bots trade on the defaults"):
        learning = backtests.run(
            [
                Job(bot=bot, phase=Phase.LEARNING, starts_at=market.starts_at, ends_at=market.split_at)
                for bot in settings.bots
            ]
        )
    market = market.without(backtests.not_served)
    opened = open_store(settings)
    try:
        with watch.step("sync, twice"):
            first_sync = _sync(opened, learning)
            second_sync = _sync(opened, learning)
        with watch.step("optimize as of the split"):
            learned = _optimize(opened, market, settings, watcher)
    finally:
        opened.close()
    with watch.step("train feeders as of the split"):
        feeders = train_feeders(market, settings)
    phases = [Phase.DEFAULTS, Phase.LEARNED, *([Phase.FEEDERS] if feeders.trained else [])]
    with watch.step("BOT3 on the last third: rules twice, trained feeders"):
        tested = backtests.run(
            [
                Job(bot="BOT3", phase=phase, starts_at=market.split_at, ends_at=market.ends_at)
                for phase in phases
            ]
        )
    return DemoRun(
        market=market,
        settings=settings,
        backtests=(*learning, *tested),
        first_sync=first_sync,
        second_sync=second_sync,
        optimizer=learned,
        feeders=feeders,
        steps=tuple(watch.timings),
    )


def _require_own_folder(out: Path, datadir: Path | None) -> None:
    """Refuse an `out` whose files are not ours to replace."""
    if out.exists() and any(out.iterdir()) and not (out / MARKER).exists():
        raise InputError(f"{out} holds files that no demo made; give --out another folder")
    if datadir is not None and datadir.resolve().is_relative_to(out.resolve()):
        raise InputError(
            f"the candles at {datadir} lie inside {out}, which every demo replaces; give --out another folder"
        )


def _make_room(out: Path) -> None:
    """Make `out` ready: what an earlier demo made there is removed.

    The folder itself stays: it may be a link or a mounted volume. The marker stays too, so that a demo
    that was interrupted here can be started again.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / MARKER).write_text(
        "Everything in this folder is replaced by the next `freqfleet demo`.\n", encoding="utf-8"
    )
    for old in out.iterdir():
        if old.name == MARKER:
            continue
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old)
        else:
            old.unlink()


def _settings(userdir: Path, market: DemoMarket, store: StoreSettings) -> Settings:
    settings = load_settings(userdir)
    return settings.model_copy(
        update={
            "store": store,
            "market": MarketSettings(datadir=market.datadir.resolve()),
        }
    )


def _sync(store: LearningStore, backtests: list[Backtest]) -> tuple[SyncReport, ...]:
    return tuple(sync_reading(store, one.reading) for one in backtests)


def _optimize(store: LearningStore, market: DemoMarket, settings: Settings, watcher: Watcher) -> OptimizerRun:
    clock: Clock = FixedClock(market.split_at)
    optimizer = Optimizer(
        store=store,
        candles=CandleFiles(market.datadir),
        settings=settings,
        clock=clock,
        tiers=load_leverage_tiers(),
    )
    pairs = market.pairs
    return optimizer.run(pairs, lambda outcome: watcher.decided(outcome.pair, len(pairs)))
