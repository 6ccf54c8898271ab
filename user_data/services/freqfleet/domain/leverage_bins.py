"""LeverageBin: the five steps of leverage by which the fleet keeps what it learns.

Half open, the last one closed: [1,2) [2,3.5) [3.5,5) [5,7.5) [7.5,10] (seed 002 let the edges
belong to two bins). A leverage outside is clamped; who clamps counts it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from freqfleet.errors import InputError

LEVERAGE_EDGES: tuple[float, ...] = (1.0, 2.0, 3.5, 5.0, 7.5, 10.0)


@dataclass(frozen=True, slots=True, order=True)
class LeverageBin:
    """One step of leverage, from `low` (in) to `high` (out, but in for the last bin)."""

    low: float
    high: float

    @property
    def label(self) -> str:
        """The seed's tag value, for example `2.0-3.5`."""
        return f"{self.low:.1f}-{self.high:.1f}"

    def __str__(self) -> str:
        return self.label


LEVERAGE_BINS: tuple[LeverageBin, ...] = tuple(
    LeverageBin(low, high) for low, high in pairwise(LEVERAGE_EDGES)
)
_BY_LABEL = {one.label: one for one in LEVERAGE_BINS}


def leverage_bin(leverage: float) -> LeverageBin:
    """Return the one bin that holds `leverage`; outside 1..10 the nearest one.

    Raises InputError for NaN: it is near nothing, and would be sorted into the highest bin.
    """
    if math.isnan(leverage):
        raise InputError(f"leverage must be a number, was {leverage}")
    index = bisect_right(LEVERAGE_EDGES, leverage) - 1
    return LEVERAGE_BINS[min(max(index, 0), len(LEVERAGE_BINS) - 1)]


def parse_leverage_bin(label: str) -> LeverageBin:
    """Read a bin's label; raises InputError that lists the known ones."""
    found = _BY_LABEL.get(label)
    if found is None:
        raise InputError(f"no leverage bin {label!r}; the bins are {', '.join(_BY_LABEL)}")
    return found
