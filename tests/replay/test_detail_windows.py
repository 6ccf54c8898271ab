"""Paths of trades of which some are covered by finer candles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from freqfleet.clock import to_ms
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.market.series import Candles
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.replay.costs import Costs
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.replay.paths import GatheredPaths, gather_paths
from replaycases import BTC, START, after, closed_trade, funding_of, random_walk

MINUTES = 60 * 24
HORIZON = 60
COSTS = Costs(fee_ratio=0.0005, slippage_ratio=0.0002, funding=True)


def minutes_and_fives(count: int = MINUTES, seed: int = 3) -> tuple[Candles, Candles]:
    """Return a random walk in 1m candles, and the 5m candles that they make."""
    fine = replace(
        random_walk(count, seed), timeframe_ms=60_000, time_ms=to_ms(START) + np.arange(count) * 60_000
    )
    rows = {name: getattr(fine, name).reshape(-1, 5) for name in ("open", "high", "low", "close", "volume")}
    coarse = Candles(
        pair=BTC,
        timeframe_ms=300_000,
        time_ms=fine.time_ms[::5].copy(),
        open=rows["open"][:, 0].copy(),
        high=rows["high"].max(axis=1),
        low=rows["low"].min(axis=1),
        close=rows["close"][:, -1].copy(),
        volume=rows["volume"].sum(axis=1),
    )
    return fine, coarse


def part(candles: Candles, first: int, last: int) -> Candles:
    columns = ("time_ms", "open", "high", "low", "close", "volume")
    return replace(candles, **{name: getattr(candles, name)[first:last].copy() for name in columns})


def trades_on(candles: Candles, minutes: list[int]) -> list[Any]:
    opens = {int(at): float(price) for at, price in zip(candles.time_ms, candles.open, strict=True)}
    return [
        closed_trade(number, minute=minute, open_rate=opens[to_ms(after(minute))])
        for number, minute in enumerate(minutes)
    ]


def gather(candles: Candles, trades: list[Any], detail: Candles | None = None) -> GatheredPaths:
    return gather_paths(
        candles,
        TradeColumns.of(trades),
        side=Side.LONG,
        horizon_minutes=HORIZON,
        as_of=after(MINUTES),
        funding=funding_of([0, 480, 960], [0.001, 0.002, -0.001]),
        detail=detail,
    )


def profits(gathered: GatheredPaths, stop: float, target: float, minutes: int = HORIZON) -> np.ndarray:
    vector = ExitParameters(stop_loss=stop, take_profit=target, time_limit_minutes=minutes)
    exits = NumpyEngine(gathered.paths).exits([vector])
    return COSTS.net_profit_ratio(exits, gathered.paths)[0]


def test_a_stop_and_a_target_in_one_candle_are_told_apart_by_its_minutes() -> None:
    fine, coarse = minutes_and_fives(30)
    flat = {name: np.full(30, 100.0) for name in ("open", "high", "low", "close")}
    flat["high"][6], flat["low"][8] = 102.0, 98.0  # the target first, then the stop, both before 12:10
    fine = replace(fine, **flat)
    coarse = replace(
        coarse,
        open=np.full(6, 100.0),
        high=np.array([100, 102, 100, 100, 100, 100.0]),
        low=np.array([100, 98, 100, 100, 100, 100.0]),
        close=np.full(6, 100.0),
    )
    trades = TradeColumns.of([closed_trade(open_rate=100.0)])
    vector = [ExitParameters(stop_loss=-0.01, take_profit=0.01, time_limit_minutes=10)]

    def exits(detail: Candles | None) -> Any:
        gathered = gather_paths(
            coarse, trades, side=Side.LONG, horizon_minutes=10, as_of=after(30), funding=None, detail=detail
        )
        return gathered.detailed, NumpyEngine(gathered.paths).exits(vector)

    (none, blind), (one, told) = exits(None), exits(fine)

    assert (none, one) == (0, 1)
    assert blind.ambiguous.tolist() == [[True]]
    assert blind.rate.tolist() == [[99.0]]
    assert told.ambiguous.tolist() == [[False]]
    assert told.rate.tolist() == [[101.0]]


def test_trades_that_no_finer_candle_covers_keep_their_exits_beside_those_that_are_covered() -> None:
    fine, coarse = minutes_and_fives()
    trades = trades_on(coarse, list(range(100, 1300, 15)))
    covered_from = 720

    mixed = gather(coarse, trades, detail=part(fine, covered_from, MINUTES))
    plain = gather(coarse, trades)
    outside = np.array([trade.opened_at < after(covered_from) for trade in trades])

    assert mixed.paths.timeframe_ms == 60_000
    assert mixed.detailed == int((~outside).sum())
    assert 0 < mixed.detailed < len(trades)
    for stop, target in ((-0.0025, 0.005), (-0.005, 0.01), (-0.03, 0.03)):
        for minutes in (5, 30, HORIZON):
            np.testing.assert_allclose(
                profits(mixed, stop, target, minutes)[outside],
                profits(plain, stop, target, minutes)[outside],
                rtol=0,
                atol=1e-15,
            )


def test_covered_trades_are_those_of_the_finer_candles_alone() -> None:
    fine, coarse = minutes_and_fives()
    trades = trades_on(fine, [103, 250, 612])

    mixed = gather(coarse, trades, detail=fine)
    alone = gather_paths(
        fine,
        TradeColumns.of(trades),
        side=Side.LONG,
        horizon_minutes=HORIZON,
        as_of=after(MINUTES),
        funding=funding_of([0, 480, 960], [0.001, 0.002, -0.001]),
    )

    assert mixed.detailed == 3
    assert mixed.paths.first_open_ms.tolist() == alone.paths.first_open_ms.tolist()
    np.testing.assert_array_equal(profits(mixed, -0.005, 0.005), profits(alone, -0.005, 0.005))


def test_volatility_at_entry_stays_that_of_the_candles_bots_trade_on() -> None:
    fine, coarse = minutes_and_fives()
    trades = trades_on(coarse, [300, 600])

    np.testing.assert_array_equal(
        gather(coarse, trades, detail=fine).paths.atr_ratio, gather(coarse, trades).paths.atr_ratio
    )


@pytest.mark.parametrize("hole", ["gap", "nan", "ends"])
def test_a_window_that_finer_candles_do_not_cover_whole_is_replayed_on_the_candles(hole: str) -> None:
    fine, coarse = minutes_and_fives()
    trades = trades_on(coarse, [300])
    if hole == "gap":
        keep = np.arange(MINUTES) != 330
        columns = ("time_ms", "open", "high", "low", "close", "volume")
        fine = replace(fine, **{name: getattr(fine, name)[keep] for name in columns})
    elif hole == "nan":
        low = fine.low.copy()
        low[330] = np.nan
        fine = replace(fine, low=low)
    else:
        fine = part(fine, 0, 340)

    gathered = gather(coarse, trades, detail=fine)

    assert gathered.detailed == 0
    assert gathered.paths.timeframe_ms == 300_000
