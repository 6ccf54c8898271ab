"""The NumPy engine for managed positions: all trades and vectors at once, candle by candle.

What it costs grows with the candles until the last position is closed; `managed_numba` walks every
trade on its own and is much faster for more than a few vectors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from freqfleet.domain.managed_exits import SHARE_TOLERANCE, ManagedExits
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.replay.managed_engine import ManagedFills
from freqfleet.replay.managed_levels import LevelMaker, ManagedLevels
from freqfleet.replay.managed_rule import FillKind
from freqfleet.replay.paths import TradePaths


class ManagedNumpyEngine:
    """Replays managed positions over one set of paths; `fee_ratio` moves the break-even price."""

    def __init__(self, paths: TradePaths, *, fee_ratio: float) -> None:
        self.paths = paths
        self._maker = LevelMaker(paths, fee_ratio)

    def fills(self, parameters: Sequence[ManagedExits]) -> ManagedFills:
        """Return the fills of every trade under every vector."""
        return _Walk(self.paths, self._maker.levels(parameters)).fills()


class _Walk:
    """All positions of one call; every array is flat, position k is trade k % n under vector k // n."""

    def __init__(self, paths: TradePaths, levels: ManagedLevels) -> None:
        vectors, trades, slots = levels.targets.shape
        sign = paths.side.sign
        worst, best = (paths.low, paths.high) if sign > 0 else (-paths.high, -paths.low)
        self._prices = (sign * paths.open, worst, best, sign * paths.close)
        self._entry = sign * paths.entry_rate
        self._sign, self._width, self._trades, self._slots = sign, paths.width, trades, slots
        self._levels = levels
        self._targets = levels.targets.reshape(-1, slots)
        self._found = ManagedFills.none_yet(vectors, trades, slots)
        count = vectors * trades
        self._open = np.arange(count)  # positions that are not closed
        self._left = np.ones(count)
        self._taken = np.zeros(count, dtype=np.int64)  # targets filled
        self._best = np.full(count, -np.inf)
        self._best_close = np.full(count, -np.inf)
        self._last_close = np.full(count, -np.inf)

    def fills(self) -> ManagedFills:
        for index in range(self._width):
            if not len(self._open):
                return self._found
            self._step(index)
        everything = np.ones(len(self._open), dtype=np.bool_)
        last_close = self._prices[3][self._open % self._trades, -1] if len(self._open) else self._left[:0]
        self._close(everything, self._width - 1, last_close, FillKind.END_OF_DATA)
        return self._found

    def _step(self, index: int) -> None:
        trade = self._open % self._trades
        stop, stop_kind = self._stop_in_force(trade)
        if index > 0:
            price = self._prices[0][trade, index]
            timed_out = index >= self._levels.deadline.ravel()[self._open]
            stopped = ~timed_out & (price <= stop)
            kind = np.where(timed_out, self._levels.deadline_kind.ravel()[self._open], stop_kind)
            gave_back = self._gave_back(trade)
            keep = self._close(timed_out | stopped, index, price, kind)
            self._take_targets(index, price[keep], at_limit=False)
            gave_back = gave_back[keep] & (self._left[self._open] > SHARE_TOLERANCE)
            keep = keep[self._close(gave_back, index, price[keep], FillKind.GIVEBACK)]
            keep = keep[self._drop_finished()]
            trade, stop, stop_kind = trade[keep], stop[keep], stop_kind[keep]
        _, worst, best, close = (prices[trade, index] for prices in self._prices)
        stopped = worst <= stop
        ambiguous = self._open[stopped & (best >= self._next_target())]
        self._found.ambiguous.ravel()[ambiguous] = True
        keep = self._close(stopped, index, stop, stop_kind)
        self._take_targets(index, best[keep], at_limit=True)
        keep = keep[self._drop_finished()]
        self._see(best[keep], close[keep])

    def _stop_in_force(self, trade: IntArray) -> tuple[FloatArray, NDArray[np.int8]]:
        levels, now = self._levels, self._open
        best, vector = self._best[now], now // self._trades
        stop, kind = levels.stop.ravel()[now], levels.stop_kind.ravel()[now]
        even = np.where(levels.protects[vector], levels.break_even[trade], -np.inf)
        reached = (self._taken[now] > 0) | (best >= levels.break_even_after.ravel()[now])
        moved = reached & (even > stop)
        stop, kind = np.where(moved, even, stop), np.where(moved, FillKind.BREAK_EVEN, kind)
        follows = best >= levels.trailing_activation.ravel()[now]
        trailing = np.where(follows, best, 0.0) * levels.trailing_factor.ravel()[now]
        moved = follows & (trailing > stop)
        return np.where(moved, trailing, stop), np.where(moved, FillKind.TRAILING_STOP, kind)

    def _gave_back(self, trade: IntArray) -> BoolArray:
        levels, now = self._levels, self._open
        best, share = self._best_close[now], levels.giveback_share[now // self._trades]
        level = best - share * (best - self._entry[trade])
        reached = best >= levels.giveback_activation.ravel()[now]
        gave_back: BoolArray = reached & (self._last_close[now] <= level)
        return gave_back

    def _next_target(self) -> FloatArray:
        following: FloatArray = self._targets[self._open, self._taken[self._open]]
        return following

    def _take_targets(self, index: int, price: FloatArray, *, at_limit: bool) -> None:
        """Fill every target that `price` has reached: at the target or, at an open, at the price."""
        counts = self._levels.target_count
        reached = np.ones(len(self._open), dtype=np.bool_)
        for _ in range(self._slots):
            reached = reached & (self._left[self._open] > SHARE_TOLERANCE)
            target = self._targets[self._open, np.minimum(self._taken[self._open], self._slots - 1)]
            reached = reached & (price >= target)
            now = self._open[reached]
            slot, vector = self._taken[now], now // self._trades
            share = np.minimum(self._levels.shares[vector, slot], self._left[now])
            kind = np.where(slot == counts[vector] - 1, FillKind.TARGET, FillKind.PARTIAL_TARGET)
            self._write(now, index, (target if at_limit else price)[reached], share, kind)
            self._left[now] -= share
            self._taken[now] += 1

    def _close(
        self, mask: BoolArray, index: int, rate: FloatArray, kind: NDArray[np.int8] | FillKind
    ) -> IntArray:
        """Close what is left where `mask` says so; return which of the open positions go on."""
        now = self._open[mask]
        kinds = np.broadcast_to(kind, mask.shape)[mask]
        self._write(now, index, rate[mask], self._left[now], kinds)
        going_on = np.flatnonzero(~mask)
        self._open = self._open[going_on]
        return going_on

    def _drop_finished(self) -> IntArray:
        """Forget positions whose targets took everything; return which of the open positions go on."""
        going_on = np.flatnonzero(self._left[self._open] > SHARE_TOLERANCE)
        self._open = self._open[going_on]
        return going_on

    def _write(
        self, now: IntArray, index: int, rate: FloatArray, share: FloatArray, kind: NDArray[np.int8]
    ) -> None:
        at = now * self._slots + self._taken[now]
        self._found.candle_index.ravel()[at] = index
        self._found.rate.ravel()[at] = self._sign * rate
        self._found.share.ravel()[at] = share
        self._found.kind.ravel()[at] = kind

    def _see(self, best: FloatArray, close: FloatArray) -> None:
        now = self._open
        self._best[now] = np.maximum(self._best[now], best)
        self._best_close[now] = np.maximum(self._best_close[now], close)
        self._last_close[now] = close
