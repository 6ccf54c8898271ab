"""Small markets and trades for tests of replay and learning: tables, random walks, closed trades."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from freqfleet.clock import from_ms, to_ms
from freqfleet.domain.closed_trade import ClosedTrade, TradeMode
from freqfleet.domain.sides import Side
from freqfleet.market.series import Candles, Funding

START = datetime(2025, 10, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
STEP_MS = 300_000
BTC = "BTC/USDT:USDT"


def candle_table(table: str, pair: str = BTC) -> Candles:
    """Read `minute open high low close` rows; lines that start with # are the header."""
    lines = (line.split("#")[0].split() for line in table.splitlines())
    rows = np.array([[float(value) for value in line] for line in lines if line])
    return candles_of(to_ms(START) + (rows[:, 0] * 60_000).astype(np.int64), rows[:, 1:], pair)


def candles_of(time_ms: Any, prices: Any, pair: str = BTC) -> Candles:
    """Return candles from open times and rows of open, high, low, close."""
    open_, high, low, close = np.asarray(prices, dtype=np.float64).T
    return Candles(
        pair=pair,
        timeframe_ms=STEP_MS,
        time_ms=np.asarray(time_ms, dtype=np.int64),
        open=open_.copy(),
        high=high.copy(),
        low=low.copy(),
        close=close.copy(),
        volume=np.ones(len(open_)),
    )


def random_walk(count: int, seed: int, *, step: float = 0.002, pair: str = BTC) -> Candles:
    """Return a market without any edge: independent steps, gaps between candles, no drift."""
    rng = np.random.default_rng(seed)
    moves = rng.standard_t(4, size=(count, 4)) * step / 2
    levels = 100.0 * np.exp(np.cumsum(moves.ravel())).reshape(count, 4)
    prices = np.stack([levels[:, 0], levels.max(axis=1), levels.min(axis=1), levels[:, 3]], axis=1)
    return candles_of(to_ms(START) + np.arange(count) * STEP_MS, prices, pair)


def funding_of(minutes: Sequence[float], rates: Sequence[float], pair: str = BTC) -> Funding:
    """Return funding payments at minutes after START."""
    time_ms = to_ms(START) + (np.asarray(minutes) * 60_000).astype(np.int64)
    return Funding(pair=pair, timeframe="1h", time_ms=time_ms, rate=np.asarray(rates, dtype=np.float64))


def closed_trade(
    trade_id: int = 1, *, minute: float = 0.0, held: float = 60.0, **changes: Any
) -> ClosedTrade:
    """Return a BOT1 long trade that opened `minute` minutes after START."""
    opened_at = START + timedelta(minutes=minute)
    values: dict[str, Any] = {
        "bot": "BOT1",
        "instance": "test",
        "trade_id": trade_id,
        "pair": BTC,
        "side": Side.LONG,
        "leverage": 3.0,
        "opened_at": opened_at,
        "closed_at": opened_at + timedelta(minutes=held),
        "open_rate": 100.0,
        "close_rate": 100.0,
        "stake_quote": 100.0,
        "margin_profit_ratio": 0.0,
        "profit_quote": 0.0,
        "fee_open_ratio": 0.0005,
        "fee_close_ratio": 0.0005,
        "funding_fees_quote": 0.0,
        "exit_reason": "roi",
        "mode": TradeMode.BACKTEST,
    }
    return ClosedTrade(**{**values, **changes})


def trades_on(
    candles: Candles, count: int, seed: int, *, last: int | None = None, **changes: Any
) -> list[ClosedTrade]:
    """Return trades that entered at the open of random candles and were held for up to five hours."""
    rng = np.random.default_rng(seed)
    entries = np.sort(rng.choice(np.arange(20, last or len(candles) - 61), size=count, replace=False))
    trades = []
    for number, entry in enumerate(entries.tolist(), start=1):
        leave = entry + int(rng.integers(1, 60))
        values: dict[str, Any] = {
            "pair": candles.pair,
            "opened_at": from_ms(int(candles.time_ms[entry])),
            "closed_at": from_ms(int(candles.time_ms[leave])),
            "open_rate": float(candles.open[entry]),
            "close_rate": float(candles.open[leave]),
        }
        sign = Side(changes.get("side", Side.LONG)).sign
        move = sign * (values["close_rate"] / values["open_rate"] - 1.0)
        trades.append(closed_trade(number, **{**values, "margin_profit_ratio": 3.0 * move, **changes}))
    return trades


def after(minutes: float) -> datetime:
    """Return the moment that many minutes after START."""
    return START + timedelta(minutes=minutes)
