"""Small markets and trades for tests of replay and learning: random walks and trades on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from freqfleet.clock import from_ms, to_ms
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.sides import Side
from freqfleet.errors import MarketError
from freqfleet.market.series import Candles, Funding
from freqfleet.testing import trades

START = datetime(2025, 10, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
STEP_MS = 300_000
BTC = "BTC/USDT:USDT"


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


def closed_trade(trade_id: int = 1, *, minute: float = 0.0, held: int = 60, **changes: Any) -> ClosedTrade:
    """Return a BOT1 long trade at 100 that opened `minute` minutes after START."""
    opened_at = START + timedelta(minutes=minute)
    values: dict[str, Any] = {
        "trade_id": trade_id,
        "opened_at": opened_at,
        "closed_at": opened_at + timedelta(minutes=held),
        "open_rate": 100.0,
        "close_rate": 100.0,
        "margin_profit_ratio": 0.0,
    }
    return trades.closed_trade(**{**values, **changes})


def trades_on(
    candles: Candles, count: int, seed: int, *, last: int | None = None, **changes: Any
) -> list[ClosedTrade]:
    """Return trades that entered at the open of random candles and were held for up to five hours."""
    rng = np.random.default_rng(seed)
    entries = np.sort(rng.choice(np.arange(20, last or len(candles) - 61), size=count, replace=False))
    found = []
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
        found.append(closed_trade(number, **{**values, "margin_profit_ratio": 3.0 * move, **changes}))
    return found


def after(minutes: float) -> datetime:
    """Return the moment that many minutes after START."""
    return START + timedelta(minutes=minutes)


WAVE_CANDLES = 48


def waves(
    peaks: Sequence[float], *, dip: float = -0.025, pair: str = BTC
) -> tuple[Candles, list[ClosedTrade]]:
    """Return a market of four-hour waves around 100, and one long trade at the start of each.

    Every wave dips first, then rises to its peak, then comes back. Two quiet waves end the market, so that
    the horizon of every trade is inside. BOT3 makes every fourth trade, BOT1 the others.
    """
    corners = [0, 12, 30, 40, WAVE_CANDLES]
    moves = [
        np.interp(np.arange(WAVE_CANDLES + 1), corners, [0.0, dip, peak, 0.0, 0.0])
        for peak in (*peaks, 0.0, 0.0)
    ]
    opens = 100.0 * (1.0 + np.concatenate([one[:-1] for one in moves]))
    closes = 100.0 * (1.0 + np.concatenate([one[1:] for one in moves]))
    high, low = np.maximum(opens, closes) + 0.05, np.minimum(opens, closes) - 0.05
    time_ms = to_ms(START) + np.arange(len(opens)) * STEP_MS
    candles = candles_of(time_ms, np.stack([opens, high, low, closes], axis=1), pair)
    entered = [
        closed_trade(
            number,
            minute=5 * WAVE_CANDLES * number,
            pair=pair,
            bot="BOT3" if number % 4 == 0 else "BOT1",
            open_rate=float(opens[WAVE_CANDLES * number]),
        )
        for number in range(len(peaks))
    ]
    return candles, entered


class FakeCandleFiles:
    """Candles and funding by pair; a pair that is absent is a missing file."""

    def __init__(
        self, *candles: Candles, funding: Sequence[Funding] = (), broken: Sequence[str] = ()
    ) -> None:
        self._candles = {one.pair: one for one in candles}
        self._funding = {one.pair: one for one in funding}
        self._broken = broken

    def pairs(self) -> list[str]:
        return sorted([*self._candles, *self._broken])

    def load(self, pair: str) -> Candles:
        if pair not in self._candles:
            raise MarketError(f"{pair}: 3 candles hold NaN")
        return self._candles[pair]

    def load_if_there(self, pair: str) -> Candles | None:
        return self.load(pair) if pair in self.pairs() else None

    def load_funding(self, pair: str) -> Funding | None:
        return self._funding.get(pair)
