"""BinColumns: the closed trades of the fleet, by pair, side and leverage bin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from freqfleet.domain.leverage_bins import LEVERAGE_BINS, LEVERAGE_EDGES
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.validation.weights import SourceWeights

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BinColumns:
    """n closed trades. pairs, bots : what the codes stand for.

    pair, side, step, bot : (n,), codes; step is the place in LEVERAGE_BINS.
    closed_ms : (n,). profit : (n,), position-level, net of fees and funding.
    clamped : how many had a leverage outside 1..10, which counts in the nearest bin.
    """

    pairs: tuple[str, ...]
    bots: tuple[str, ...]
    pair: IntArray
    side: IntArray
    step: IntArray
    bot: IntArray
    closed_ms: IntArray
    profit: FloatArray
    clamped: int

    def __len__(self) -> int:
        return len(self.profit)

    @classmethod
    def of(cls, trades: TradeColumns, pairs: Sequence[str] = ()) -> BinColumns:
        """Return the columns of `trades`. pairs : that are to have a code though nobody traded them."""
        own = trades.compact()
        known = tuple(sorted({*pairs, *own.pairs}))
        pair_at = {pair: at for at, pair in enumerate(known)}
        outside = (own.leverage < LEVERAGE_EDGES[0]) | (own.leverage > LEVERAGE_EDGES[-1])
        return cls(
            pairs=known,
            bots=own.bots,
            pair=np.array([pair_at[pair] for pair in own.pairs], dtype=np.int64)[own.pair],
            side=own.side,
            step=bin_codes(own.leverage),
            bot=own.bot,
            closed_ms=own.closed_ms,
            profit=own.position_profit_ratio,
            clamped=int(outside.sum()),
        )

    def joined(self, trades: TradeColumns) -> BinColumns | None:
        """Return the columns with more trades; None where one brings a pair or a bot without a code."""
        own = trades.compact()
        if not {*own.pairs} <= {*self.pairs} or not {*own.bots} <= {*self.bots}:
            return None
        more = BinColumns.of(own, self.pairs)
        bot_at = np.array([self.bots.index(bot) for bot in more.bots], dtype=np.int64)
        return BinColumns(
            pairs=self.pairs,
            bots=self.bots,
            pair=np.concatenate([self.pair, more.pair]),
            side=np.concatenate([self.side, more.side]),
            step=np.concatenate([self.step, more.step]),
            bot=np.concatenate([self.bot, bot_at[more.bot]]),
            closed_ms=np.concatenate([self.closed_ms, more.closed_ms]),
            profit=np.concatenate([self.profit, more.profit]),
            clamped=self.clamped + more.clamped,
        )

    def weights(self, bot_weights: Mapping[str, float], mode: SourceWeights) -> FloatArray:
        """Return one weight a trade, mean 1, as `validation.weights.trade_weights` does; (n,)."""
        if not len(self):
            return np.empty(0)
        counts = np.bincount(self.bot, minlength=len(self.bots))
        each = np.array([bot_weights[bot] for bot in self.bots], dtype=np.float64)
        if mode == "share":
            each = each / np.maximum(counts, 1)
        weights = each[self.bot]
        normal: FloatArray = weights / weights.mean()
        return normal


def bin_codes(leverage: FloatArray) -> IntArray:
    """Return the place of each leverage in LEVERAGE_BINS, as `leverage_bin` puts it; (n,), none of it NaN."""
    steps: IntArray = np.searchsorted(LEVERAGE_EDGES, leverage, side="right") - 1
    return np.clip(steps, 0, len(LEVERAGE_BINS) - 1)
