"""The Numba engine for managed positions: every trade is walked from its entry to its last fill, alone.

Between two events nothing of a position changes, so the walk reads on until a price reaches one: the
stop, the next target, a new best price. Only there is the rule gone through. Candles must be sound
(low <= open <= high), which `gather_paths` sees to: an open beyond a level then shows in the extremes.

Import this module only where it is used: Numba takes half a second to load, and some seconds to compile
on the first run; what it compiled is cached beside this file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from freqfleet.domain.managed_exits import SHARE_TOLERANCE, ManagedExits
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.replay.managed_engine import NO_FILL, ManagedFills
from freqfleet.replay.managed_levels import LevelMaker
from freqfleet.replay.managed_rule import FillKind
from freqfleet.replay.paths import TradePaths

_NONE = NO_FILL
_TARGET = int(FillKind.TARGET)
_END_OF_DATA = int(FillKind.END_OF_DATA)
_BREAK_EVEN = int(FillKind.BREAK_EVEN)
_TRAILING_STOP = int(FillKind.TRAILING_STOP)
_GIVEBACK = int(FillKind.GIVEBACK)
_PARTIAL_TARGET = int(FillKind.PARTIAL_TARGET)
# How many candles are looked through at once for an event, without a branch between them (measured: the
# shorter test is fastest unrolled, the longer one where the compiler makes a loop over vectors of it).
_TOUCH_BLOCK = 8
_EVENT_BLOCK = 32
_PADDING = max(_TOUCH_BLOCK, _EVENT_BLOCK)


F = TypeVar("F", bound=Callable[..., object])


def _compiled(function: F) -> F:
    return cast("F", numba.njit(cache=True, nogil=True)(function))


class ManagedNumbaEngine:
    """Replays managed positions over one set of paths; `fee_ratio` moves the break-even price."""

    def __init__(self, paths: TradePaths, *, fee_ratio: float) -> None:
        self.paths = paths
        self._maker = LevelMaker(paths, fee_ratio)
        sign = paths.side.sign
        worst, best = (paths.low, paths.high) if sign > 0 else (-paths.high, -paths.low)
        self._open, self._worst = _padded(sign * paths.open), _padded(worst)
        self._best, self._close = _padded(best), _padded(sign * paths.close)
        self._entry = sign * paths.entry_rate

    def fills(self, parameters: Sequence[ManagedExits]) -> ManagedFills:
        """Return the fills of every trade under every vector."""
        levels = self._maker.levels(parameters)
        found = ManagedFills.none_yet(*levels.targets.shape)
        _walk_all(
            self._open,
            self._worst,
            self._best,
            self._close,
            self._entry,
            float(self.paths.side.sign),
            levels.stop,
            levels.stop_kind,
            levels.targets,
            levels.shares,
            levels.target_count,
            levels.trailing_activation,
            levels.trailing_factor,
            levels.giveback_activation,
            levels.giveback_share,
            levels.break_even_after,
            levels.break_even,
            levels.protects,
            levels.deadline,
            levels.deadline_kind,
            found.candle_index,
            found.rate,
            found.share,
            found.kind,
            found.ambiguous,
        )
        return found


def _padded(prices: FloatArray) -> FloatArray:
    """Return rows with candles behind them that touch nothing, so that a block never ends outside."""
    return np.pad(prices, ((0, 0), (0, _PADDING)), constant_values=np.nan)


@_compiled
def _walk_all(  # noqa: PLR0912, PLR0915 - one position from entry to exit; a call costs more than its steps
    open_: FloatArray,
    worst: FloatArray,
    best: FloatArray,
    close: FloatArray,
    entry: FloatArray,
    sign: float,
    fixed_stop: FloatArray,
    fixed_kind: NDArray[np.int8],
    targets: FloatArray,
    shares: FloatArray,
    target_count: IntArray,
    trailing_activation: FloatArray,
    trailing_factor: FloatArray,
    giveback_activation: FloatArray,
    giveback_share: FloatArray,
    break_even_after: FloatArray,
    break_even: FloatArray,
    protects: BoolArray,
    deadline: IntArray,
    deadline_kind: NDArray[np.int8],
    out_index: IntArray,
    out_rate: FloatArray,
    out_share: FloatArray,
    out_kind: NDArray[np.int8],
    out_ambiguous: BoolArray,
) -> None:
    """Write the fills of all positions, in the order of the rule.

    The trades are the outer loop: the candles of one stay in the nearest cache for all its vectors.
    Arrays are indexed, never sliced: a slice of a row costs more than the steps of a short position.
    """
    vectors, trades = fixed_stop.shape
    width = open_.shape[1] - _PADDING  # the rest is padding
    for t in range(trades):
        for v in range(vectors):
            end = min(width, deadline[v, t])
            stop, stop_kind = fixed_stop[v, t], fixed_kind[v, t]
            trailing_from, giveback_from = trailing_activation[v, t], giveback_activation[v, t]
            even_after = break_even_after[v, t]
            even = break_even[t] if protects[v] else -np.inf  # never the nearer stop then
            last = target_count[v] - 1
            taken, left = 0, 1.0
            best_rate, best_close = -np.inf, -np.inf
            leave = False
            rate, kind = np.nan, _NONE  # of the fill that closes what is left
            i = 0
            while i < end:
                if i > 0:
                    price = open_[t, i]
                    if price <= stop:
                        rate, kind = price, stop_kind
                        break
                    while left > SHARE_TOLERANCE and price >= targets[v, t, taken]:
                        share = min(shares[v, taken], left)
                        out_index[v, t, taken] = i
                        out_rate[v, t, taken] = sign * price
                        out_share[v, t, taken] = share
                        out_kind[v, t, taken] = _TARGET if taken == last else _PARTIAL_TARGET
                        left -= share
                        taken += 1
                    if left <= SHARE_TOLERANCE:
                        break
                    if leave:
                        rate, kind = price, _GIVEBACK
                        break
                if worst[t, i] <= stop:
                    rate, kind = stop, stop_kind
                    out_ambiguous[v, t] = best[t, i] >= targets[v, t, taken]
                    break
                while left > SHARE_TOLERANCE and best[t, i] >= targets[v, t, taken]:
                    share = min(shares[v, taken], left)
                    out_index[v, t, taken] = i
                    out_rate[v, t, taken] = sign * targets[v, t, taken]
                    out_share[v, t, taken] = share
                    out_kind[v, t, taken] = _TARGET if taken == last else _PARTIAL_TARGET
                    left -= share
                    taken += 1
                if left <= SHARE_TOLERANCE:
                    break

                # The candle has closed: where is the stop now, and which prices are the next events?
                best_rate, best_close = max(best_rate, best[t, i]), max(best_close, close[t, i])
                stop, stop_kind = fixed_stop[v, t], fixed_kind[v, t]
                up = targets[v, t, taken]
                if taken > 0 or best_rate >= even_after:
                    if even > stop:
                        stop, stop_kind = even, _BREAK_EVEN
                else:
                    up = min(up, even_after)
                if best_rate >= trailing_from:
                    trailing = best_rate * trailing_factor[v, t]
                    if trailing > stop:
                        stop, stop_kind = trailing, _TRAILING_STOP
                    up = min(up, best_rate)  # an equal price changes nothing, and is looked at in vain
                else:
                    up = min(up, trailing_from)
                if giveback_from < np.inf:
                    close_up, close_down = giveback_from, -np.inf
                    if best_close >= giveback_from:
                        close_up = best_close
                        close_down = best_close - giveback_share[v] * (best_close - entry[t])
                        leave = close[t, i] <= close_down
                    if leave:
                        i += 1
                    else:
                        i = _next_event(worst, best, close, t, stop, up, close_up, close_down, i + 1, end)
                else:
                    i = _next_touch(worst, best, t, stop, up, i + 1, end)
            if left <= SHARE_TOLERANCE:
                continue
            if kind == _NONE:
                if deadline[v, t] < width:
                    i, rate, kind = end, open_[t, end], deadline_kind[v, t]
                else:
                    i, rate, kind = width - 1, close[t, width - 1], _END_OF_DATA
            out_index[v, t, taken] = i
            out_rate[v, t, taken] = sign * rate
            out_share[v, t, taken] = left
            out_kind[v, t, taken] = kind


@_compiled
def _next_touch(
    worst: FloatArray, best: FloatArray, t: int, stop: float, up: float, start: int, end: int
) -> int:
    """Return the first candle that comes down to `stop` or up to `up`; `end` where none does."""
    for i in range(start, end, _TOUCH_BLOCK):
        hits = 0
        first = np.uint64(i)  # unsigned: no test for indices from the end
        for j in range(_TOUCH_BLOCK):
            k = first + np.uint64(j)
            hits += (worst[t, k] <= stop) | (best[t, k] >= up)
        if hits:
            for j in range(i, min(i + _TOUCH_BLOCK, end)):
                if worst[t, j] <= stop or best[t, j] >= up:
                    return j
    return end


@_compiled
def _next_event(
    worst: FloatArray,
    best: FloatArray,
    close: FloatArray,
    t: int,
    stop: float,
    up: float,
    close_up: float,
    close_down: float,
    start: int,
    end: int,
) -> int:
    """Return the first candle as `_next_touch` does, or the first that closes beyond one of two levels."""
    for i in range(start, end, _EVENT_BLOCK):
        hits = 0
        first = np.uint64(i)
        for j in range(_EVENT_BLOCK):
            k = first + np.uint64(j)
            touched = (worst[t, k] <= stop) | (best[t, k] >= up)
            hits += touched | (close[t, k] >= close_up) | (close[t, k] <= close_down)
        if hits:
            for j in range(i, min(i + _EVENT_BLOCK, end)):
                if worst[t, j] <= stop or best[t, j] >= up:
                    return j
                if close[t, j] >= close_up or close[t, j] <= close_down:
                    return j
    return end
