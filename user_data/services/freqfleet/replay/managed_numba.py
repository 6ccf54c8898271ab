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
from freqfleet.replay.managed_engine import ManagedFills
from freqfleet.replay.managed_levels import LevelMaker
from freqfleet.replay.managed_rule import FillKind
from freqfleet.replay.paths import TradePaths

_TARGET = int(FillKind.TARGET)
_TIME_LIMIT = int(FillKind.TIME_LIMIT)
_END_OF_DATA = int(FillKind.END_OF_DATA)
_BREAK_EVEN = int(FillKind.BREAK_EVEN)
_TRAILING_STOP = int(FillKind.TRAILING_STOP)
_GIVEBACK = int(FillKind.GIVEBACK)
_PARTIAL_TARGET = int(FillKind.PARTIAL_TARGET)
# How many candles are looked through at once for an event; the compiler makes vectors of them.
_BLOCK = 16


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
        candles = (sign * paths.open, worst, best, sign * paths.close)
        self._candles = tuple(np.ascontiguousarray(one, dtype=np.float64) for one in candles)
        self._entry = sign * paths.entry_rate

    def fills(self, parameters: Sequence[ManagedExits]) -> ManagedFills:
        """Return the fills of every trade under every vector."""
        levels = self._maker.levels(parameters)
        found = ManagedFills.none_yet(*levels.targets.shape)
        _walk_all(
            *self._candles,
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
            found.candle_index,
            found.rate,
            found.share,
            found.kind,
            found.ambiguous,
        )
        return found


@_compiled
def _walk_all(
    open_: FloatArray,
    worst: FloatArray,
    best: FloatArray,
    close: FloatArray,
    entry: FloatArray,
    sign: float,
    stop: FloatArray,
    stop_kind: NDArray[np.int8],
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
    out_index: IntArray,
    out_rate: FloatArray,
    out_share: FloatArray,
    out_kind: NDArray[np.int8],
    out_ambiguous: BoolArray,
) -> None:
    for v in range(stop.shape[0]):
        for t in range(stop.shape[1]):
            out_ambiguous[v, t] = _walk(
                open_[t],
                worst[t],
                best[t],
                close[t],
                entry[t],
                sign,
                stop[v, t],
                stop_kind[v, t],
                targets[v, t],
                shares[v],
                target_count[v],
                trailing_activation[v, t],
                trailing_factor[v, t],
                giveback_activation[v, t],
                giveback_share[v],
                break_even_after[v, t],
                break_even[t] if protects[v] else -np.inf,
                deadline[v, t],
                out_index[v, t],
                out_rate[v, t],
                out_share[v, t],
                out_kind[v, t],
            )


@_compiled
def _walk(  # noqa: PLR0912, PLR0915 - one position from entry to exit, in the order of the rule
    open_: FloatArray,
    worst: FloatArray,
    best: FloatArray,
    close: FloatArray,
    entry: float,
    sign: float,
    fixed_stop: float,
    fixed_kind: int,
    targets: FloatArray,
    shares: FloatArray,
    target_count: int,
    trailing_activation: float,
    trailing_factor: float,
    giveback_activation: float,
    giveback_share: float,
    break_even_after: float,
    break_even: float,
    deadline: int,
    out_index: IntArray,
    out_rate: FloatArray,
    out_share: FloatArray,
    out_kind: NDArray[np.int8],
) -> bool:
    """Write the fills of one position; return whether its end is ambiguous.

    break_even : -inf where nothing protects at break-even, so that it never is the nearer stop.
    """
    width = len(open_)
    end = min(width, deadline)
    stop, stop_kind = fixed_stop, fixed_kind
    taken, left = 0, 1.0
    best_rate, best_close = -np.inf, -np.inf
    leave = False
    i = 0
    while i < end:
        if i > 0:
            price = open_[i]
            if price <= stop:
                _fill(taken, i, sign * price, left, stop_kind, out_index, out_rate, out_share, out_kind)
                return False
            while left > SHARE_TOLERANCE and price >= targets[taken]:
                share = min(shares[taken], left)
                kind = _TARGET if taken == target_count - 1 else _PARTIAL_TARGET
                _fill(taken, i, sign * price, share, kind, out_index, out_rate, out_share, out_kind)
                left -= share
                taken += 1
            if left <= SHARE_TOLERANCE:
                return False
            if leave:
                _fill(taken, i, sign * price, left, _GIVEBACK, out_index, out_rate, out_share, out_kind)
                return False
        if worst[i] <= stop:
            _fill(taken, i, sign * stop, left, stop_kind, out_index, out_rate, out_share, out_kind)
            return bool(best[i] >= targets[taken])
        while left > SHARE_TOLERANCE and best[i] >= targets[taken]:
            share = min(shares[taken], left)
            kind = _TARGET if taken == target_count - 1 else _PARTIAL_TARGET
            _fill(taken, i, sign * targets[taken], share, kind, out_index, out_rate, out_share, out_kind)
            left -= share
            taken += 1
        if left <= SHARE_TOLERANCE:
            return False

        # The candle has closed: where is the stop now, and from which prices on does anything happen?
        best_rate = max(best_rate, best[i])
        best_close = max(best_close, close[i])
        stop, stop_kind = fixed_stop, fixed_kind
        up = targets[taken]
        if taken > 0 or best_rate >= break_even_after:
            if break_even > stop:
                stop, stop_kind = break_even, _BREAK_EVEN
        else:
            up = min(up, break_even_after)
        if best_rate >= trailing_activation:
            trailing = best_rate * trailing_factor
            if trailing > stop:
                stop, stop_kind = trailing, _TRAILING_STOP
            up = min(up, best_rate)  # an equal price changes nothing; the rule is gone through once more
        else:
            up = min(up, trailing_activation)
        close_up, close_down = np.inf, -np.inf
        if giveback_activation < np.inf:
            close_up = giveback_activation
            if best_close >= giveback_activation:
                close_up = best_close
                close_down = best_close - giveback_share * (best_close - entry)
                leave = close[i] <= close_down
        if leave:
            i += 1
        elif close_up == np.inf:
            i = _next_touch(worst, best, stop, up, i + 1, end)
        else:
            i = _next_event(worst, best, close, stop, up, close_up, close_down, i + 1, end)
    if deadline < width:
        rate, kind = sign * open_[deadline], _TIME_LIMIT
    else:
        rate, kind = sign * close[width - 1], _END_OF_DATA
    _fill(
        taken,
        end if deadline < width else width - 1,
        rate,
        left,
        kind,
        out_index,
        out_rate,
        out_share,
        out_kind,
    )
    return False


@_compiled
def _fill(
    slot: int,
    index: int,
    rate: float,
    share: float,
    kind: int,
    out_index: IntArray,
    out_rate: FloatArray,
    out_share: FloatArray,
    out_kind: NDArray[np.int8],
) -> None:
    out_index[slot] = index
    out_rate[slot] = rate
    out_share[slot] = share
    out_kind[slot] = kind


@_compiled
def _next_touch(worst: FloatArray, best: FloatArray, stop: float, up: float, start: int, end: int) -> int:
    """Return the first candle that comes down to `stop` or up to `up`; `end` where none does."""
    i = start
    while i + _BLOCK <= end:
        hits = 0
        for j in range(i, i + _BLOCK):
            hits += (worst[j] <= stop) | (best[j] >= up)
        if hits:
            break
        i += _BLOCK
    while i < end and worst[i] > stop and best[i] < up:
        i += 1
    return i


@_compiled
def _next_event(
    worst: FloatArray,
    best: FloatArray,
    close: FloatArray,
    stop: float,
    up: float,
    close_up: float,
    close_down: float,
    start: int,
    end: int,
) -> int:
    """Return the first candle as `_next_touch` does, or the first that closes beyond one of two levels."""
    i = start
    while i + _BLOCK <= end:
        hits = 0
        for j in range(i, i + _BLOCK):
            hits += (worst[j] <= stop) | (best[j] >= up) | (close[j] >= close_up) | (close[j] <= close_down)
        if hits:
            break
        i += _BLOCK
    while i < end and worst[i] > stop and best[i] < up and close_down < close[i] < close_up:
        i += 1
    return i
