"""ReplayEngine: what every engine promises, so that faster ones can take the place of the NumPy one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from freqfleet.domain.exits import ExitParameters
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.replay.paths import TradePaths


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedExits:
    """The exits of n trades under p parameter vectors; every array has the shape (p, n).

    candle_index : 0 is the entry candle.
    rate : the price of the fill, before costs.
    kind : codes of `ExitKind`.
    ambiguous : stop and target lay in the exit candle.
    """

    candle_index: IntArray
    rate: FloatArray
    kind: NDArray[np.int8]
    ambiguous: BoolArray


class ReplayEngine(Protocol):
    """Replays the exit rule over the paths it was made for.

    Every engine gives the same bits as `exit_rule.first_exit` for every trade and vector.
    """

    @property
    def paths(self) -> TradePaths:
        """The trades that are replayed."""
        ...

    def exits(self, parameters: Sequence[ExitParameters]) -> ReplayedExits:
        """Return the exit of every trade under every vector."""
        ...
