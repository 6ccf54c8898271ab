"""Candles in which nothing can happen are not asked about, and freqtrade's export is the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fleet_runs import Stretch, backtest, fleet_userdir
from freqfleet.domain.sides import Side
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.parameters.version import ParameterVersion
from freqfleet.settings import DefaultSettings
from freqfleet.store.sql import SqlStore
from freqfleet.testing.trades import version
from freqfleet.trades.backtest_export import open_backtest

pytestmark = pytest.mark.acceptance

BOT3, ASKING = "BOT3MetaStrategyAdaptive", "AskingBOT3"
# A callback of its own has every candle asked about.
ASKING_STRATEGY = f"""
from bot3_meta import {BOT3}


class {ASKING}({BOT3}):
    def custom_exit(self, **asked):
        return super().custom_exit(**asked)
"""
DEFAULTS = DefaultSettings().parameters()
EVERY = timedelta(days=1)


def nearer_stops(stretch: Stretch, run: str) -> list[ParameterVersion]:
    """A version a day for every pair and side, so that open positions are tightened."""
    found = []
    for day in range((stretch.ends_at - stretch.starts_at) // EVERY):
        at = stretch.starts_at + day * EVERY + timedelta(hours=1)
        exits = replace(DEFAULTS, stop_loss=(-0.02, -0.012)[day % 2], time_limit_minutes=300)
        found += [
            version(pair=pair, side=side, parameters=exits, recorded_at=at, run_id=f"{run} {day}")
            for pair in stretch.pairs
            for side in Side
        ]
    return found


def test_a_backtest_that_skips_quiet_candles_exports_the_same(
    real_or_sample: Stretch, tmp_path: Path
) -> None:
    with LoopbackExchange(real_or_sample.datadir) as exchange:
        userdir = fleet_userdir(tmp_path, exchange, real_or_sample.pairs)
        (userdir / "strategies" / "asking.py").write_text(ASKING_STRATEGY, encoding="utf-8")
        store = SqlStore(f"sqlite:///{userdir / 'learning.sqlite'}")
        store.publish_parameters(nearer_stops(real_or_sample, "quiet"))
        store.close()

        backtest(userdir, real_or_sample, [BOT3, ASKING])

    exported = open_backtest(userdir / "backtest_results").trades_by_strategy
    assert len(exported[BOT3]) > 50
    assert any(tightened(trade) for trade in exported[BOT3])
    assert exported[BOT3] == exported[ASKING]


def tightened(trade: dict[str, Any]) -> bool:
    """True where the stop was moved while the position was open."""
    return bool(trade["stop_loss_abs"] != trade["initial_stop_loss_abs"])
