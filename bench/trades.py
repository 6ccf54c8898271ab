"""Seeded closed trades over a market: entries at random opens, both sides, every bot of the fleet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.market import Market
from freqfleet.clock import from_ms
from freqfleet.domain.closed_trade import ClosedTrade, TradeMode
from freqfleet.domain.sides import Side
from freqfleet.market.candles import CandleFiles
from freqfleet.market.series import Candles

# ATR(14) is known from here on, and freqtrade could have started.
WARM_UP_CANDLES = 20
LEVERAGE = 3.0
FEE_RATIO = 0.0005
STAKE_QUOTE = 100.0
_BOTS = {Side.LONG: ("BOT1", "BOT3"), Side.SHORT: ("BOT2", "BOT3")}


def seeded_trades(
    market: Market, *, count: int, reserve_candles: int, seed: int, one_side: bool = False
) -> Iterator[list[ClosedTrade]]:
    """Yield the trades of one pair-window after the other.

    one_side : long and short in turn from window to window, in place of both sides in each.

    reserve_candles : every entry has so many candles after it, whatever horizon is asked: growth over
        horizons replays the same trades.
    """
    files = CandleFiles(market.datadir)
    for number, pair in enumerate(market.pairs):
        yield trades_of(
            files.load(pair),
            count=count,
            reserve_candles=reserve_candles,
            seed=seed,
            number=number,
            sides=(tuple(Side)[number % 2],) if one_side else tuple(Side),
        )


def over_all_bins(
    batches: Iterator[list[ClosedTrade]], *, seed: int, leverages: tuple[float, float] = (1.0, 10.0)
) -> Iterator[list[ClosedTrade]]:
    """Yield the same trades with leverages over all bins; on price they stay as they are."""
    rng = np.random.default_rng(seed)
    for batch in batches:
        yield [_at_leverage(one, round(float(rng.uniform(*leverages)), 1)) for one in batch]


def _at_leverage(trade: ClosedTrade, leverage: float) -> ClosedTrade:
    margin_profit = leverage * trade.position_profit_ratio
    return replace(
        trade,
        leverage=leverage,
        margin_profit_ratio=margin_profit,
        profit_quote=trade.stake_quote * margin_profit,
    )


def write_store(file: Path, trades: Iterator[list[ClosedTrade]]) -> int:
    """Record trades in a new SQLite store and return how many it took."""
    from freqfleet.store.sql import SqlStore  # noqa: PLC0415 - SQLAlchemy

    store, accepted = SqlStore(f"sqlite:///{file}"), 0
    try:
        for batch in trades:
            accepted += store.record_closed_trades(batch).accepted
    finally:
        store.close()
    return accepted


def trades_of(
    candles: Candles,
    *,
    count: int,
    reserve_candles: int,
    seed: int,
    number: int = 0,
    sides: Sequence[Side] = tuple(Side),
) -> list[ClosedTrade]:
    """Return the trades of one window, oldest first. number : gives it its own random numbers and ids."""
    rng = np.random.default_rng([seed, number])
    room = np.arange(WARM_UP_CANDLES, len(candles) - reserve_candles - 2)
    # No two entries in one candle: freqtrade could not open them.
    entries = np.sort(rng.choice(room, size=min(count, len(room)), replace=False)).tolist()
    first_id = 1 + number * count
    return [
        _trade(candles, sides[int(rng.integers(len(sides)))], entry, reserve_candles, rng, first_id + at)
        for at, entry in enumerate(entries)
    ]


def _trade(
    candles: Candles, side: Side, entry: int, reserve: int, rng: np.random.Generator, trade_id: int
) -> ClosedTrade:
    left = entry + int(rng.integers(1, max(2, min(reserve, 288))))
    opened, closed = float(candles.open[entry]), float(candles.close[left])
    margin_profit = LEVERAGE * (side.sign * (closed / opened - 1.0) - 2.0 * FEE_RATIO)
    return ClosedTrade(
        bot=_BOTS[side][int(rng.integers(2))],
        instance="bench",
        trade_id=trade_id,
        pair=candles.pair,
        side=side,
        leverage=LEVERAGE,
        opened_at=from_ms(int(candles.time_ms[entry])),
        closed_at=from_ms(int(candles.time_ms[left]) + candles.timeframe_ms),
        open_rate=opened,
        close_rate=closed,
        stake_quote=STAKE_QUOTE,
        margin_profit_ratio=margin_profit,
        profit_quote=STAKE_QUOTE * margin_profit,
        fee_open_ratio=FEE_RATIO,
        fee_close_ratio=FEE_RATIO,
        funding_fees_quote=0.0,
        exit_reason="bench",
        mode=TradeMode.BACKTEST,
    )
