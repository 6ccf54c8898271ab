"""Books for bots in tests: a walk through a stretch of candles, over seeded trades on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from fleet_runs import Stretch
from freqfleet.clock import to_ms
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.sides import Side
from freqfleet.learning.walk_forward import WalkForward, walk_times
from freqfleet.market.past import PastCandles
from freqfleet.parameters.version import ParameterVersion
from freqfleet.settings import DefaultSettings, GateSettings, OptimizerSettings, load_settings
from freqfleet.store.sql import SqlStore
from replaycases import trades_on

EVERY = timedelta(hours=12)
TRADES_A_SIDE = 60


def seeded_trades(stretch: Stretch, *, before: datetime, seed: int = 5) -> list[ClosedTrade]:
    """Return trades of BOT3 on every pair and side, at random opens before a time."""
    found: list[ClosedTrade] = []
    for number, pair in enumerate(stretch.pairs):
        candles = stretch.candles(pair)
        last = min(int(np.searchsorted(candles.time_ms, to_ms(before))), len(candles) - 61)
        for side in Side:
            own = trades_on(
                candles,
                TRADES_A_SIDE,
                seed + 2 * number + (side is Side.LONG),
                last=last,
                side=side,
                bot="BOT3",
            )
            first_id = len(found)
            found += [replace(one, trade_id=first_id + one.trade_id) for one in own]
    return found


def walk_through(
    file: Path, stretch: Stretch, trades: Sequence[ClosedTrade], *, until: datetime
) -> list[ParameterVersion]:
    """Record trades in a new SQLite store, walk over the stretch until a time, return what was published.

    Through the hold-out gate, which publishes chance too: a test of look-ahead needs many versions, not
    good ones.
    """
    settings = load_settings(
        Path("nowhere"),
        gate=GateSettings(method="holdout"),
        optimizer=OptimizerSettings(min_trades=15, time_limit_minutes=(60, 240), trials=20),
        defaults=DefaultSettings(time_limit_minutes=240),
    )
    store = SqlStore(f"sqlite:///{file}")
    try:
        assert store.record_closed_trades(trades).accepted == len(trades)
        walk = WalkForward(
            store=store,
            market=PastCandles(stretch.datadir, "5m", "none"),
            settings=settings,
            times=walk_times(stretch.starts_at + EVERY, until, EVERY),
            search="random",
        )
        for _ in walk.steps():
            pass
        return store.parameter_versions()
    finally:
        store.close()
