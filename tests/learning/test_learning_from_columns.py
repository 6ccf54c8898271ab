"""What is learned from the rows of a file is, to the last bit, what is learned from trades as objects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from freqfleet.clock import FixedClock
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.sides import Side
from freqfleet.learning.controller import Controller
from freqfleet.learning.optimizer import Optimizer
from freqfleet.learning.optimizer_run import OptimizerRun
from freqfleet.market.series import Candles
from freqfleet.settings import DefaultSettings, GateSettings, OptimizerSettings, load_settings
from freqfleet.store.promise import LearningStore
from freqfleet.store.sql import SqlStore
from freqfleet.testing.memory_store import MemoryStore
from replaycases import WAVE_CANDLES, FakeCandleFiles, after, waves

PAIRS = ("BTC/USDT:USDT", "ETH/USDT:USDT")
WAVES = 90
END = after(5 * WAVE_CANDLES * (WAVES + 2))
SETTINGS = load_settings(
    Path("nowhere"),
    gate=GateSettings(method="holdout"),
    optimizer=OptimizerSettings(time_limit_minutes=(120, 240)),
    defaults=DefaultSettings(time_limit_minutes=240),
)


def fleet() -> tuple[list[Candles], list[ClosedTrade]]:
    """Return two pairs that several bots traded at the same moments, at many leverages."""
    candles, trades = [], []
    for number, pair in enumerate(PAIRS):
        market, made = waves([0.06 - 0.01 * ((at + number) % 3) for at in range(WAVES)], pair=pair)
        candles.append(market)
        trades += [
            replace(
                one,
                bot=f"BOT{1 + 2 * ((at + number) % 2)}",
                trade_id=1_000 * number + at // 2,
                leverage=1.0 + 0.37 * (at % 20),
                margin_profit_ratio=0.01 * (at % 7 - 2.5),
            )
            for at, one in enumerate(made)
        ]
    return candles, trades


@pytest.fixture
def stores(tmp_path: Path):
    in_a_file, of_objects = SqlStore(f"sqlite:///{tmp_path / 'learning.sqlite'}"), MemoryStore()
    candles, trades = fleet()
    # Stored in another order than that of their closes, so that a reader has to sort.
    in_a_file.record_closed_trades(trades[::-1])
    of_objects.record_closed_trades(trades)
    yield candles, in_a_file, of_objects
    in_a_file.close()


def learned(store: LearningStore, candles: list[Candles], search: str) -> OptimizerRun:
    clock = FixedClock(END)
    files = FakeCandleFiles(*candles)
    return Optimizer(store=store, candles=files, settings=SETTINGS, clock=clock, search=search).run()


@pytest.mark.parametrize("search", ["exact", "random"])
def test_every_finding_is_the_same(stores, search: str):
    candles, in_a_file, of_objects = stores

    found, expected = (learned(one, candles, search) for one in (in_a_file, of_objects))

    assert found.findings == expected.findings
    longs = [one.decision for one in found.findings if one.decision.side is Side.LONG]
    assert [one.evidence.bot_trades for one in longs] == [{"BOT1": 45, "BOT3": 45}] * 2
    assert all(one.parameters is not None for one in longs)


def test_every_record_of_a_leverage_bin_is_the_same(stores):
    _, in_a_file, of_objects = stores

    found, expected = (
        Controller(store=one, settings=SETTINGS, clock=FixedClock(END)).cycle()
        for one in (in_a_file, of_objects)
    )

    assert found.trades == 2 * WAVES
    assert found.recorded == expected.recorded
    assert len({one.leverage_bin for one in found.recorded}) > 4
