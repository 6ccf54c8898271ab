"""Two pairs of waves that turn in the middle, and walks through their past."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np

from freqfleet.clock import to_ms
from freqfleet.domain.bin_record import BinRecord
from freqfleet.learning.walk_forward import Step, WalkForward, walk_times
from freqfleet.market.series import Candles, Funding
from freqfleet.parameters.version import ParameterVersion
from freqfleet.settings import DefaultSettings, GateSettings, OptimizerSettings, load_settings
from freqfleet.testing.memory_store import MemoryStore
from replaycases import BTC, STEP_MS, WAVE_CANDLES, FakeCandleFiles, after, funding_of, waves

ETH = "ETH/USDT:USDT"
WAVES = 80
WAVE_MINUTES = 5 * WAVE_CANDLES
# The markets turn: there is something new to learn in the middle.
PEAKS = {BTC: [0.06] * 35 + [0.10] * 45, ETH: [0.05] * 30 + [0.09] * 25 + [0.13] * 25}
SEARCHES = {"holdout": "random", "certified": "exact"}  # by the method of the gate
FUNDING = [funding_of([60.0 * hour for hour in range(0, 320, 8)], [0.0001] * 40)]
FIRST, LAST, EVERY = after(WAVE_MINUTES * 30), after(WAVE_MINUTES * 78), timedelta(days=2)


class PastFakes:
    """Fake candle files, of which a time sees the candles that it knew."""

    def __init__(self, candles: list[Candles], funding: list[Funding] | None = None) -> None:
        self._candles = candles
        self._funding = funding or []

    def candles(self, as_of: datetime) -> FakeCandleFiles:
        known = [cut(one, int((one.time_ms + STEP_MS <= to_ms(as_of)).sum())) for one in self._candles]
        paid = [
            replace(one, time_ms=one.time_ms[rows], rate=one.rate[rows])
            for one in self._funding
            for rows in [one.time_ms <= to_ms(as_of)]
        ]
        return FakeCandleFiles(*known, funding=paid)

    def detail(self, as_of: datetime) -> None:
        return None


def cut(candles: Candles, rows: int) -> Candles:
    columns = ("time_ms", "open", "high", "low", "close", "volume")
    return replace(candles, **{name: getattr(candles, name)[:rows] for name in columns})


def settings_for(method: str = "holdout", **optimizer):
    return load_settings(
        Path("nowhere"),
        gate=GateSettings(method=method),
        optimizer=OptimizerSettings(
            **{"time_limit_minutes": (240,), "min_trades": 20, "trials": 20, "days_back": 5, **optimizer}
        ),
        defaults=DefaultSettings(time_limit_minutes=240),
    )


@cache
def make_world():
    """Two pairs of waves, and every trade on them."""
    candles, trades = [], []
    for number, (pair, peaks) in enumerate(PEAKS.items()):
        spread = np.random.default_rng(number).normal(0.0, 0.012, WAVES)
        one, own = waves((np.array(peaks) + spread).clip(0.005, 0.2), pair=pair)
        candles.append(one)
        trades += [replace(trade, trade_id=trade.trade_id + 1000 * number) for trade in own]
    return candles, trades


def store_of(trades) -> MemoryStore:
    store = MemoryStore()
    store.record_closed_trades(trades)
    return store


def walk(store, candles, *, times=None, search="random", funding=None, **options) -> list[Step]:
    chosen = options.pop("settings", None) or settings_for()
    return list(
        WalkForward(
            store=store,
            market=PastFakes(candles, funding),
            settings=chosen,
            times=times or walk_times(FIRST, LAST, EVERY),
            search=search,
            **options,
        ).steps()
    )


def records_until(store: MemoryStore, at: datetime) -> list[BinRecord]:
    return store.bin_records(recorded_to=at)


def versions_until(store: MemoryStore, at: datetime) -> list[ParameterVersion]:
    return sorted(store.parameter_versions(recorded_to=at), key=lambda one: (one.recorded_at, one.key.label))
