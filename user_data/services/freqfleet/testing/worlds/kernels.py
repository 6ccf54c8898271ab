"""The loops over candles, in machine code. Import it only where it is used: Numba takes its time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np

from freqfleet.market.arrays import FloatArray, IntArray

F = TypeVar("F", bound=Callable[..., object])
LEVEL, REVERSION, MOMENTUM = 1, 2, 3  # 0: no edge
NEVER = 1 << 30


def _compiled(function: F) -> F:
    return cast("F", numba.njit(cache=True, error_model="numpy", nogil=True)(function))


@_compiled
def grow(
    rng: np.random.Generator,
    sigmas: FloatArray,
    common: float,
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
) -> None:
    """Fill (pairs, candles) with a martingale of one common and one own factor per pair.

    Both volatilities cluster and have Student-t(5)-like shocks. High and low are drawn from the Brownian
    bridge of the candle, so a barrier inside it is hit exactly as often as in continuous time.
    """
    pairs, candles = high.shape
    factor = np.empty(candles)
    factor_sigma = np.empty(candles)
    a = 0.0
    for at in range(candles):
        a = 0.997 * a + 0.03 * rng.standard_normal()
        mixing = rng.standard_gamma(2.5) / 2.5
        sigma = min(math.exp(a - 0.05) * math.sqrt(0.6 / mixing), 5.0)
        factor_sigma[at] = sigma
        factor[at] = sigma * rng.standard_normal()
    with_factor, alone = math.sqrt(common), math.sqrt(1.0 - common)
    for pair in range(pairs):
        b = 0.0
        price = 0.0
        for at in range(candles):
            b = 0.99 * b + 0.05 * rng.standard_normal()
            mixing = rng.standard_gamma(2.5) / 2.5
            own = sigmas[pair] * alone * min(math.exp(b - 0.06) * math.sqrt(0.6 / mixing), 6.0)
            shared = sigmas[pair] * with_factor
            variance = own * own + (shared * factor_sigma[at]) ** 2
            move = shared * factor[at] + own * rng.standard_normal() - variance / 2.0
            up = (move + math.sqrt(move * move - 2.0 * variance * math.log(1.0 - rng.random()))) / 2.0
            down = (move - math.sqrt(move * move - 2.0 * variance * math.log(1.0 - rng.random()))) / 2.0
            high[pair, at] = math.exp(price + up)
            low[pair, at] = math.exp(price + down)
            price += move
            close[pair, at] = math.exp(price)


@_compiled
def _pull(kind: int, strength: float, latent: float, now: float, reached: bool) -> float:
    """Return by how much an edge moves the return of a trade in one candle."""
    if kind == LEVEL:
        return -strength if reached else strength
    if kind == REVERSION:
        return -strength * now
    if kind == MOMENTUM:
        return strength * latent
    return 0.0


@_compiled
def _settle(
    stop_at: IntArray,
    target_at: IntArray,
    stops: FloatArray,
    targets: FloatArray,
    at_end: float,
    profits: FloatArray,
) -> None:
    """Fill the profits of one trade from the candles in which its barriers were first touched."""
    for i in range(len(stops)):
        for j in range(len(targets)):
            cell = i * len(targets) + j
            if stop_at[i] <= target_at[j] and stop_at[i] != NEVER:
                profits[cell] = -stops[i]
            elif target_at[j] != NEVER:
                profits[cell] = targets[j]
            else:
                profits[cell] = at_end


@_compiled
def walk(
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    pair: IntArray,
    entry: IntArray,
    side: FloatArray,
    latent: FloatArray,
    kind: IntArray,
    level: FloatArray,
    strength: FloatArray,
    stops: FloatArray,
    targets: FloatArray,
    hold: int,
    profits: FloatArray,
) -> None:
    """Fill profits (n, stops x targets): what each trade earned in each cell.

    Trades are entered at the close of candle `entry`, side +1 or -1. A planted edge adds a drift, which
    grows by `strength` a candle, to the trade's return; kind and level say how. The stop is taken first
    where both barriers lie in one candle; barriers fill at their level; the rest leaves after `hold` candles.
    """
    for trade in range(len(pair)):
        row = pair[trade]
        rate = close[row, entry[trade]]
        sign = side[trade]
        stop_at = np.full(len(stops), NEVER)
        target_at = np.full(len(targets), NEVER)
        stopped = 0
        taken = 0
        drift = 0.0
        now = 0.0
        reached = False
        for step in range(1, hold + 1):
            at = entry[trade] + step
            drift += _pull(kind[trade], strength[trade], latent[trade], now, reached)
            if sign > 0.0:
                best = high[row, at] / rate - 1.0 + drift
                worst = low[row, at] / rate - 1.0 + drift
            else:
                best = 1.0 - low[row, at] / rate + drift
                worst = 1.0 - high[row, at] / rate + drift
            now = sign * (close[row, at] / rate - 1.0) + drift
            while stopped < len(stops) and worst <= -stops[stopped]:
                stop_at[stopped] = step
                stopped += 1
            while taken < len(targets) and best >= targets[taken]:
                target_at[taken] = step
                taken += 1
            if best > level[trade]:
                reached = True
            if stopped == len(stops) or taken == len(targets):
                break
        _settle(stop_at, target_at, stops, targets, now, profits[trade])
