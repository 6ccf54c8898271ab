"""Costs: from a replayed exit to the net profit of the position.

Both fills pay the fee. Slippage makes stop and time-limit fills worse, because they take what the book
offers; a target is a resting order, and the entry is already the recorded fill. Funding comes from
history, for every payment from the entry candle to the exit candle, both included, as freqtrade counts
it. The formula is freqtrade's own close_profit at leverage 1, so that both can be laid side by side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from freqfleet.market.arrays import FloatArray
from freqfleet.replay.engine import ReplayedExits
from freqfleet.replay.exit_rule import ExitKind
from freqfleet.replay.paths import TradePaths
from freqfleet.settings import CostSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a position pays, as ratios of its value.

    fee_ratio : of each fill. slippage_ratio : of a fill at the market.
    funding : False leaves funding out on purpose; True charges what the history knows.
    """

    fee_ratio: float
    slippage_ratio: float
    funding: bool

    @classmethod
    def of(cls, settings: CostSettings) -> Costs:
        """Return the costs these settings ask for."""
        return cls(
            fee_ratio=settings.fee,
            slippage_ratio=settings.slippage,
            funding=settings.funding == "history",
        )

    def net_profit_ratio(self, exits: ReplayedExits, paths: TradePaths) -> FloatArray:
        """Return the net position-level profit of every vector and trade; shape (p, n)."""
        sign = paths.side.sign
        at_market = exits.kind != ExitKind.TARGET
        fill = exits.rate * np.where(at_market, 1.0 - sign * self.slippage_ratio, 1.0)
        opened = 1.0 + sign * self.fee_ratio
        closed = fill / paths.entry_rate * (1.0 - sign * self.fee_ratio)
        if self.funding:
            paid_by_long = paths.funding_ratio[np.arange(len(paths)), exits.candle_index]
            closed = closed - paid_by_long
        profit: FloatArray = sign * (closed / opened - 1.0)
        return profit

    def trades_without_funding(self, paths: TradePaths) -> int:
        """Return how many trades funding history should cover and does not: theirs is too low."""
        return int((~paths.funding_known).sum()) if self.funding else 0
