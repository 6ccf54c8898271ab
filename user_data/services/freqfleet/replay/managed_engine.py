"""What every managed engine gives, and its net profit.

A fill of a managed position costs what an exit of an unmanaged one costs, times its share; so every
column of fills is priced by `Costs` itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from freqfleet.domain.managed_exits import ManagedExits
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.replay.costs import Costs
from freqfleet.replay.engine import ReplayedExits
from freqfleet.replay.exit_rule import ExitKind
from freqfleet.replay.managed_rule import FillKind
from freqfleet.replay.paths import TradePaths

NO_FILL = -1
# How `Costs` is to see each fill: targets rest in the book, everything else takes what the book offers.
_PRICED_AS = np.array(
    [
        ExitKind.STOP,
        ExitKind.TARGET,
        ExitKind.TIME_LIMIT,
        ExitKind.END_OF_DATA,
        ExitKind.LIQUIDATION,
        ExitKind.STOP,  # BREAK_EVEN
        ExitKind.STOP,  # TRAILING_STOP
        ExitKind.TIME_LIMIT,  # GIVEBACK: at an open, at the market
        ExitKind.TARGET,  # PARTIAL_TARGET
        ExitKind.TIME_LIMIT,  # REGIME: at an open, at the market
    ],
    dtype=np.int8,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedFills:
    """The fills of n trades under p vectors, in their order along the last axis: shape (p, n, s).

    candle_index : 0 is the entry candle; -1 where there is no fill. rate : before costs; NaN without fill.
    share : of the whole position; 0 without fill. kind : codes of `FillKind`; -1 without fill.
    ambiguous : stop and target lay in the candle of the last fill; (p, n).
    """

    candle_index: IntArray
    rate: FloatArray
    share: FloatArray
    kind: NDArray[np.int8]
    ambiguous: BoolArray

    @classmethod
    def none_yet(cls, vectors: int, trades: int, slots: int) -> ManagedFills:
        """Return arrays without any fill."""
        shape = (vectors, trades, slots)
        return cls(
            candle_index=np.full(shape, NO_FILL, dtype=np.int64),
            rate=np.full(shape, np.nan),
            share=np.zeros(shape),
            kind=np.full(shape, NO_FILL, dtype=np.int8),
            ambiguous=np.zeros(shape[:2], dtype=np.bool_),
        )

    @property
    def last_kind(self) -> NDArray[np.int8]:
        """What closed the last part of every position; shape (p, n)."""
        last = (self.kind != NO_FILL).sum(axis=2) - 1
        kinds: NDArray[np.int8] = np.take_along_axis(self.kind, last[:, :, None], axis=2)[:, :, 0]
        return kinds

    def count(self, kind: FillKind) -> IntArray:
        """Return how many trades of every vector have a fill of that kind; shape (p,)."""
        counts: IntArray = (self.kind == kind).any(axis=2).sum(axis=1)
        return counts

    def net_profit_ratio(self, costs: Costs, paths: TradePaths) -> FloatArray:
        """Return the net position-level profit of every vector and trade; shape (p, n)."""
        profit = np.zeros(self.ambiguous.shape)
        for slot in range(self.share.shape[2]):
            filled = self.kind[:, :, slot] != NO_FILL
            if not filled.any():
                break
            rate = np.where(filled, self.rate[:, :, slot], paths.entry_rate)
            exits = ReplayedExits(
                candle_index=np.where(filled, self.candle_index[:, :, slot], 0),
                rate=rate,
                kind=_PRICED_AS[self.kind[:, :, slot]],
                ambiguous=self.ambiguous,
                optimistic_rate=rate,  # not asked for here
            )
            profit += self.share[:, :, slot] * costs.net_profit_ratio(exits, paths)
        return profit


class ManagedEngine(Protocol):
    """Replays managed positions over the paths it was made for.

    Every engine gives the same bits as `managed_rule.managed_exit` for every trade and vector.
    """

    @property
    def paths(self) -> TradePaths:
        """The trades that are replayed."""
        ...

    def fills(self, parameters: Sequence[ManagedExits]) -> ManagedFills:
        """Return the fills of every trade under every vector."""
        ...
