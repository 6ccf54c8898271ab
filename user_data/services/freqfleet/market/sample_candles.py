"""From simulated paths to candles: ticks, volume, mark prices and funding as an exchange shows them."""

from __future__ import annotations

import numpy as np

from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.market.sample_pairs import ListedPair
from freqfleet.market.series import Candles
from freqfleet.market.synthetic import BAR_MINUTES, Paths, extremes, refine
from freqfleet.market.timeframes import HOUR_MS, MINUTE_MS

FUNDING_INTERVAL_MS = 8 * HOUR_MS
QUIET_FUNDING_RATE = 0.0001  # per 8 hours, what Binance charges when perpetual and spot agree
FUNDING_RATE_LIMIT = 0.003
VOLUME_DECIMALS = 3


def minute_candles(paths: Paths, listed: ListedPair, start_ms: int, rng: np.random.Generator) -> Candles:
    """Return 1m candles of the one series in `paths`, from `start_ms` on, with prices on the tick.

    Volume follows how far the price moved within the minute, with noise.
    """
    minutes = refine(paths, BAR_MINUTES, rng)
    log_high, log_low = extremes(minutes, rng)
    open_, close, high, low = (
        np.round(listed.start_price * np.exp(logs[:, 0]), listed.price_decimals)
        for logs in (minutes.start, minutes.end, log_high, log_low)
    )
    moved = (log_high - log_low)[:, 0]
    noise = np.exp(0.5 * rng.standard_normal(len(moved)) - 0.125)
    turnover = listed.daily_turnover / (24 * 60) * moved / moved.mean() * noise
    return Candles(
        pair=listed.pair,
        timeframe_ms=MINUTE_MS,
        time_ms=start_ms + MINUTE_MS * np.arange(len(moved), dtype=np.int64),
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=np.round(turnover / close, VOLUME_DECIMALS),
    )


def aggregate(candles: Candles, parts: int) -> Candles:
    """Return candles `parts` times as long; the series must hold a whole number of them."""
    return Candles(
        pair=candles.pair,
        timeframe_ms=candles.timeframe_ms * parts,
        time_ms=candles.time_ms[::parts].copy(),
        open=candles.open[::parts].copy(),
        high=candles.high.reshape(-1, parts).max(axis=1),
        low=candles.low.reshape(-1, parts).min(axis=1),
        close=candles.close[parts - 1 :: parts].copy(),
        volume=np.round(candles.volume.reshape(-1, parts).sum(axis=1), VOLUME_DECIMALS),
    )


def funding_of(minutes: Candles, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
    """Return (time_ms, rate): every 8 hours a quiet rate, higher after a rise and lower after a fall.

    A rate knows the prices before its time and nothing later.
    """
    settled = np.flatnonzero(minutes.time_ms % FUNDING_INTERVAL_MS == 0)
    before = np.maximum(settled - FUNDING_INTERVAL_MS // MINUTE_MS, 0)
    moved = np.log(minutes.open[settled] / minutes.open[before])
    rate = QUIET_FUNDING_RATE + 0.003 * moved + 3e-5 * rng.standard_normal(len(settled))
    limited = np.clip(rate, -FUNDING_RATE_LIMIT, FUNDING_RATE_LIMIT)
    return minutes.time_ms[settled], np.asarray(np.round(limited, 8), dtype=np.float64)
