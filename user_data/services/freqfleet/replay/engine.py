"""ReplayEngine: what every engine promises, so that faster ones can take the place of the NumPy one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

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
        self, parameters: Sequence[ExitParameters], weights: FloatArray, costs: Costs
    ) -> FloatArray:
        """Return the weighted mean net profit of every vector, position-level; shape (p,).

        weights : one per trade, above zero. Without trades every mean is NaN.
        """
        ...
