"""Runs of an optimizer over waves, without the gate: what one pair says by itself."""

from __future__ import annotations

from pathlib import Path

from freqfleet.clock import FixedClock
from freqfleet.domain.sides import Side
from freqfleet.learning.optimizer import Optimizer
from freqfleet.learning.optimizer_run import OptimizerRun
from freqfleet.learning.pair_side import Finding
from freqfleet.settings import DefaultSettings, GateSettings, OptimizerSettings, Settings, load_settings
from freqfleet.testing.memory_store import MemoryStore
from replaycases import BTC, WAVE_CANDLES, after

ETH = "ETH/USDT:USDT"
WAVES = 80
RISING = [0.06] * WAVES
# After the training part the market turns: peaks end between the default target and the learned one.
TURNING = [0.06] * 56 + [0.035] * 24
END = after(5 * WAVE_CANDLES * (WAVES + 2))


def settings_for(**optimizer) -> Settings:
    """Without the gate: what one pair says by itself. test_certification.py has the gate."""
    return load_settings(
        Path("nowhere"),
        gate=GateSettings(method="holdout"),
        optimizer=OptimizerSettings(**{"time_limit_minutes": (240,), "trials": 40, **optimizer}),
        defaults=DefaultSettings(time_limit_minutes=240),
    )


def store_of(*trades) -> MemoryStore:
    store = MemoryStore()
    store.record_closed_trades([trade for some in trades for trade in some])
    return store


def optimize(store, candles, *, as_of=END, pairs=None, settings=None, **options) -> OptimizerRun:
    optimizer = Optimizer(
        store=store,
        candles=candles,
        settings=settings or settings_for(),
        clock=FixedClock(as_of),
        search=options.pop("search", "random"),
        **options,
    )
    return optimizer.run(pairs)


def finding_of(run: OptimizerRun, pair: str = BTC, side: Side = Side.LONG) -> Finding:
    (found,) = (one for one in run.findings if (one.decision.pair, one.decision.side) == (pair, side))
    return found
