"""ReplayEngine: what every engine promises, so that faster ones can take the place of the NumPy one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from freqfleet.domain.exits import ExitParameters
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.replay.fills import Fills
from freqfleet.replay.paths import TradePaths

if TYPE_CHECKING:
    from freqfleet.replay.costs import Costs  # which reads the exits below


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedExits:
    """The exits of n trades under p parameter vectors; every array has the shape (p, n).

    candle_index : 0 is the entry candle.
    rate : the price of the fill, before costs.
    kind : codes of `ExitKind`.
    ambiguous : stop and target lay in the exit candle; the stop was taken.
    optimistic_rate : the target's fill where ambiguous, the same as `rate` elsewhere.
    """

    candle_index: IntArray
    rate: FloatArray
    kind: NDArray[np.int8]
    ambiguous: BoolArray
    optimistic_rate: FloatArray

    def row(self, vector: int) -> Self:
        """Return the exits under one of the vectors."""
        row = slice(vector, vector + 1)
        return type(self)(
            candle_index=self.candle_index[row],
            rate=self.rate[row],
            kind=self.kind[row],
            ambiguous=self.ambiguous[row],
            optimistic_rate=self.optimistic_rate[row],
        )

    @classmethod
    def stacked(cls, several: Sequence[Self]) -> Self:
        """Return the exits of the same trades under all of the vectors, in their order."""
        if len(several) == 1:
            return several[0]
        return cls(
            candle_index=np.concatenate([one.candle_index for one in several]),
            rate=np.concatenate([one.rate for one in several]),
            kind=np.concatenate([one.kind for one in several]),
            ambiguous=np.concatenate([one.ambiguous for one in several]),
            optimistic_rate=np.concatenate([one.optimistic_rate for one in several]),
        )


class ReplayEngine(Protocol):
    """Replays the exit rule over the paths it was made for.

    Every engine gives the same bits as `exit_rule.first_exit` for every trade and vector, and the same
    bits of the means as every other engine.
    """

    @property
    def paths(self) -> TradePaths:
        """The trades that are replayed."""
        ...

    @property
    def fills(self) -> Fills:
        """At which prices positions are let out."""
        ...

    def exits(self, parameters: Sequence[ExitParameters]) -> ReplayedExits:
        """Return the exit of every trade under every vector."""
        ...

    def mean_profits(
        self,
        parameters: Sequence[ExitParameters],
        weights: FloatArray,
        costs: Costs,
        trades: IntArray | None = None,
    ) -> FloatArray:
        """Return the weighted mean net profit of every vector, position-level; shape (p,).

        weights : one per trade, above zero. Without trades every mean is NaN.
        trades : which of the trades to look at; None is all of them.
        """
        ...
