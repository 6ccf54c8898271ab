"""Costs: from a replayed exit to the net profit of the position.

Both fills pay the fee. Slippage makes stop and time-limit fills worse, because they take what the book
offers; a target fills at its price, and the entry is already the recorded fill. A target pays the taker's
fee all the same, because our bots leave by orders that cross the book; where targets rest on the exchange,
`target_fee_ratio` is the maker's. Funding comes from history, for every payment from the entry candle to
the exit candle, both included, as freqtrade counts it. The formula is freqtrade's own close_profit at
leverage 1, so that both can be laid side by side.

A liquidation takes the whole margin, whatever the price: -1 / leverage of the position, fees included.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.replay.engine import ReplayedExits
from freqfleet.replay.exit_rule import ExitKind
from freqfleet.replay.paths import TradePaths
from freqfleet.settings import CostSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a position pays, as ratios of its value.

    fee_ratio : of each fill. slippage_ratio : of a fill at the market.
    funding : False leaves funding out on purpose; True charges what the history knows.
    target_fee_ratio : of the fill of a target; None is `fee_ratio`.
    """

    fee_ratio: float
    slippage_ratio: float
    funding: bool
    target_fee_ratio: float | None = None

    @classmethod
    def of(cls, settings: CostSettings) -> Costs:
        """Return the costs these settings ask for."""
        return cls(
            fee_ratio=settings.fee,
            slippage_ratio=settings.slippage,
            funding=settings.funding == "history",
            target_fee_ratio=settings.maker_fee if settings.target_fee == "maker" else None,
        )

    def scaled(self, factor: float) -> Costs:
        """Return costs with fees and slippage `factor` times as high; funding is what history says."""
        return replace(
            self,
            fee_ratio=self.fee_ratio * factor,
            slippage_ratio=self.slippage_ratio * factor,
            target_fee_ratio=None if self.target_fee_ratio is None else self.target_fee_ratio * factor,
        )

    @property
    def target_fill_fee_ratio(self) -> float:
        """The fee of the fill of a target."""
        return self.fee_ratio if self.target_fee_ratio is None else self.target_fee_ratio

    def net_profit_ratio(self, exits: ReplayedExits, paths: TradePaths) -> FloatArray:
        """Return the net position-level profit of every vector and trade; shape (p, n)."""
        return self._net(exits.rate, exits.kind == ExitKind.TARGET, exits, paths)

    def optimistic_profit_ratio(self, exits: ReplayedExits, paths: TradePaths) -> FloatArray:
        """Return what `net_profit_ratio` were if ambiguous candles came to the target first; (p, n).

        The exit candle is the same one, so funding is too.
        """
        at_target = (exits.kind == ExitKind.TARGET) | exits.ambiguous
        return self._net(exits.optimistic_rate, at_target, exits, paths)

    def _net(
        self, rate: FloatArray, at_target: BoolArray, exits: ReplayedExits, paths: TradePaths
    ) -> FloatArray:
        return self.net_of_fills(
            rate,
            exits.candle_index,
            paths,
            np.arange(len(paths)),
            at_target=at_target,
            liquidated=(exits.kind == ExitKind.LIQUIDATION) & ~at_target,
        )

    def net_of_fills(
        self,
        rate: FloatArray,
        candle_index: IntArray,
        paths: TradePaths,
        trades: IntArray,
        *,
        at_target: BoolArray | bool,
        liquidated: BoolArray | None = None,
    ) -> FloatArray:
        """Return the net profit of fills at these rates in these candles; (k, trades).

        rate, candle_index, liquidated : (k, trades). trades : which of the paths the columns are.
        at_target : which fills are a target's; of all of them alike, or (k, trades).
        """
        sign = paths.side.sign
        fill = rate * np.where(at_target, 1.0, 1.0 - sign * self.slippage_ratio)
        fee = np.where(at_target, self.target_fill_fee_ratio, self.fee_ratio)
        opened = 1.0 + sign * self.fee_ratio
        closed = fill / paths.entry_rate[trades] * (1.0 - sign * fee)
        if self.funding:
            paid_by_long = paths.funding_ratio[trades, candle_index]
            closed = closed - paid_by_long
        profit: FloatArray = sign * (closed / opened - 1.0)
        if liquidated is not None and liquidated.any():
            profit = np.where(liquidated, -1.0 / paths.leverage[trades], profit)
        return profit

    def trades_without_funding(self, paths: TradePaths, trades: IntArray | None = None) -> int:
        """Return how many trades funding history should cover and does not: theirs is too low.

        trades : look at these alone; None looks at all.
        """
        known = paths.funding_known if trades is None else paths.funding_known[trades]
        return int((~known).sum()) if self.funding else 0

    def trades_without_liquidation(self, paths: TradePaths, trades: IntArray | None = None) -> int:
        """Return of how many trades it is not known where they are liquidated: theirs never happens."""
        known = paths.liquidation_known if trades is None else paths.liquidation_known[trades]
        return int((~known).sum())
