"""Planted edges: how strong a drift is worth so many basis points, and what every cell truly earns.

`DRIFTS` was found by bisection; `python -m freqfleet.testing.worlds.calibrate` prints it anew, and a test
recomputes some of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import numpy as np

from freqfleet.errors import InputError
from freqfleet.market.arrays import FloatArray
from freqfleet.testing.worlds.drifts import DRIFTS
from freqfleet.testing.worlds.grid import CELLS, DEFAULT_CELL
from freqfleet.testing.worlds.market import SIGMAS, Trades, WorldMarket, draw_trades, replayed

TRUTH_SEED = 20_260_101
TRUTH_PAIRS = 120
TRUTH_TRADES = 500  # a pair: 60,000 in all
TRUTH_DAYS = 60


class Kind(StrEnum):
    """What a planted edge rewards."""

    NULL = "null"  # nothing
    LEVEL_5 = "level-5"  # a target at 5 %: the price runs there and turns
    LEVEL_8 = "level-8"
    REVERSION = "reversion"  # a near target: the price returns to the entry
    MOMENTUM = "momentum"  # a far target and a near stop: trades keep their direction, good or bad

    @property
    def code(self) -> int:
        """How the kernel calls it."""
        return {Kind.NULL: 0, Kind.LEVEL_5: 1, Kind.LEVEL_8: 1, Kind.REVERSION: 2, Kind.MOMENTUM: 3}[self]

    @property
    def level(self) -> float:
        """Where a level edge turns; beyond every price for the others."""
        return {Kind.LEVEL_5: 0.05, Kind.LEVEL_8: 0.08}.get(self, np.inf)


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge of a kind, worth `bps` a trade in its best cell over the default."""

    kind: Kind
    bps: int = 0

    def drift(self, sigma: float) -> float:
        """Return the drift per candle on a pair of this 5m volatility.

        Raises InputError for a strength that was not calibrated.
        """
        if self.kind is Kind.NULL:
            return 0.0
        found = DRIFTS.get((self.kind.value, self.bps, SIGMAS.index(sigma)))
        if found is None:
            known = sorted({bps for kind, bps, _ in DRIFTS if kind == self.kind.value})
            raise InputError(f"{self.kind} edges are planted with {known} bps, was {self.bps}")
        return found


@cache
def truth(edge: Edge, sigma: float) -> FloatArray:
    """Return (CELLS,): what each cell truly earns over the default, ratio per trade; read-only.

    By Monte Carlo over 60,000 trades, minus what the same trades earn without the edge: the price being a
    martingale, that is zero in truth, so most of the noise cancels.
    """
    planted = edge.kind is not Kind.NULL
    gains = improvement(edge.kind, edge.drift(sigma), sigma) if planted else np.zeros(CELLS)
    gains.setflags(write=False)
    return gains


def improvement(kind: Kind, drift: float, sigma: float) -> FloatArray:
    """Return (CELLS,): what each cell earns over the default with this drift, by Monte Carlo."""
    market, trades, without = _truth_market(sigma)
    count = len(trades.entry)
    profits = replayed(
        market,
        trades,
        kind=np.full(count, kind.code),
        level=np.full(count, kind.level),
        drift=np.full(count, drift),
    )
    gains = profits.mean(axis=0) - without
    over_default: FloatArray = gains - gains[DEFAULT_CELL]
    return over_default


@cache
def _truth_market(sigma: float) -> tuple[WorldMarket, Trades, FloatArray]:
    rng = np.random.default_rng([TRUTH_SEED, SIGMAS.index(sigma)])
    market = WorldMarket.grown(rng, np.full(TRUTH_PAIRS, sigma), days=TRUTH_DAYS)
    trades = draw_trades(rng, pairs=TRUTH_PAIRS, per_pair=TRUTH_TRADES, days=TRUTH_DAYS, burst_share=0.0)
    count = len(trades.entry)
    nothing = np.zeros(count)
    without = replayed(
        market, trades, kind=np.zeros(count, np.int64), level=nothing + np.inf, drift=nothing
    ).mean(axis=0)
    return market, trades, without
