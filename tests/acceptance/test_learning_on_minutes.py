"""Learning on real 1m candles: what minutes tell apart, and that nothing else changes. Skips without them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from freqfleet.clock import FixedClock, from_ms
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.learning.optimizer import Optimizer
from freqfleet.market.candles import CandleFiles
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.replay.exit_rule import ExitKind
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.replay.paths import gather_paths
from freqfleet.settings import DefaultSettings, OptimizerSettings, Settings
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.trades import closed_trade
from realdata import market_dir

HORIZON_MINUTES = 240
PAIRS = ("BTC/USDT:USDT", "SOL/USDT:USDT")
NEAR = ExitParameters(stop_loss=-0.0025, take_profit=0.005, time_limit_minutes=HORIZON_MINUTES)


def entries(candles, count, first_id):
    """Return trades of both sides, entered at opens: half spread over all candles, half at the wildest."""
    last = len(candles.time_ms) - HORIZON_MINUTES // 5 - 3
    wildest = 20 + np.argsort(-(candles.high / candles.low)[20:last])[: count // 2]
    rows = np.unique([*np.linspace(20, last, count - count // 2).astype(int), *wildest])
    return [
        closed_trade(
            pair=candles.pair,
            side=side,
            trade_id=first_id + 2 * number + (side is Side.SHORT),
            open_rate=float(candles.open[row]),
            opened_at=from_ms(int(candles.time_ms[row])),
            closed_at=from_ms(int(candles.time_ms[row])) + timedelta(minutes=HORIZON_MINUTES),
        )
        for number, row in enumerate(rows.tolist())
        for side in Side
    ]


@pytest.mark.parametrize(("name", "settled"), [("m1-2025", 20), ("ci-1m", 0)])  # ten calm days settle none
@pytest.mark.parametrize("side", list(Side))
def test_minutes_settle_what_five_minutes_leave_open_and_change_no_other_exit(name, settled, side):
    datadir = market_dir(name)
    coarse, ambiguous = {}, {}
    for pair in PAIRS:
        candles, minutes = CandleFiles(datadir, "5m").load(pair), CandleFiles(datadir, "1m").load(pair)
        trades = TradeColumns.of(one for one in entries(candles, 300, 0) if one.side is side)
        as_of = from_ms(int(candles.time_ms[-1])) + timedelta(minutes=5)
        found = {}
        for detail in (None, minutes):
            gathered = gather_paths(
                candles, trades, side=side, horizon_minutes=HORIZON_MINUTES, as_of=as_of, funding=None,
                detail=detail,
            )  # fmt: skip
            assert gathered.detailed == (0 if detail is None else len(gathered.kept))
            found[detail is None] = gathered.kept, NumpyEngine(gathered.paths).exits([NEAR])
        (kept, by_fives), (same, by_minutes) = found[True], found[False]

        assert np.array_equal(kept, same)
        open_ = by_fives.ambiguous[0]
        assert np.array_equal(by_minutes.kind[0][~open_], by_fives.kind[0][~open_])
        assert set(by_minutes.kind[0][open_].tolist()) <= {ExitKind.STOP, ExitKind.TARGET}
        coarse[pair], ambiguous[pair] = int(open_.sum()), int(by_minutes.ambiguous.sum())

    assert sum(coarse.values()) - sum(ambiguous.values()) >= settled


def test_the_optimizer_learns_on_minutes_where_there_are_some_and_says_so():
    datadir = market_dir("m1-2025")
    files, store = CandleFiles(datadir, "5m"), MemoryStore()
    for number, pair in enumerate(PAIRS):
        store.record_closed_trades(entries(files.load(pair), 80, 1_000 * number))
    as_of = from_ms(int(files.load(PAIRS[0]).time_ms[-1])) + timedelta(minutes=5)
    settings = Settings(
        optimizer=OptimizerSettings(time_limit_minutes=(60, HORIZON_MINUTES), trials=30),
        defaults=DefaultSettings(time_limit_minutes=HORIZON_MINUTES),
    )

    def evidence(detail):
        run = Optimizer(
            store=store, candles=files, settings=settings, clock=FixedClock(as_of), search="grid",
            dry_run=True, detail=detail,
        ).run(PAIRS)  # fmt: skip
        return [one.decision.evidence for one in run.findings]

    on_fives, on_minutes = evidence(None), evidence(CandleFiles(datadir, "1m"))

    assert [one.trades for one in on_fives] == [one.trades for one in on_minutes]
    assert [one.detail_trades for one in on_minutes] == [one.trades for one in on_minutes]
    assert [one.detail_trades for one in on_fives] == [None] * 4
    for fives, minutes in zip(on_fives, on_minutes, strict=True):
        # Minutes decide some trades otherwise, not what a market is like: a few basis points.
        assert abs(fives.incumbent_test_profit - minutes.incumbent_test_profit) < 5e-4
        assert fives.data_hash != minutes.data_hash
