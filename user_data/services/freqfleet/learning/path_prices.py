"""PathPrices: what the trades of one pair and side earn under every variant of a path lattice."""

from __future__ import annotations

from dataclasses import dataclass

from freqfleet.domain.exits import ExitParameters
from freqfleet.market.arrays import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathPrices:
    """Of n trades in every cell.

    exits : what each cell comes to for this pair and side. profit : (n, cells), net position-level ratios.
    ambiguous : (n, cells), stop and target lay in one candle and the stop was taken.
    """

    exits: tuple[ExitParameters, ...]
    profit: FloatArray
    ambiguous: BoolArray

    def __len__(self) -> int:
        return len(self.profit)
