"""TradeColumns: the closed trades of the fleet as arrays, by pair, side and leverage bin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from freqfleet.clock import to_ms
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.leverage_bins import LEVERAGE_BINS, LEVERAGE_EDGES, leverage_bin
from freqfleet.domain.sides import Side
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.validation.weights import SourceWeights

DAY_MS = 86_400_000
SIDES = tuple(Side)
_SIDE_AT = {side: at for at, side in enumerate(SIDES)}
_BIN_AT = {step: at for at, step in enumerate(LEVERAGE_BINS)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TradeColumns:
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
    def of(cls, trades: Sequence[ClosedTrade], pairs: Sequence[str] = ()) -> TradeColumns:
        """Return the columns of `trades`. pairs : that are to have a code though nobody traded them."""
        known = tuple(sorted({*pairs, *(one.pair for one in trades)}))
        bots = tuple(sorted({one.bot for one in trades}))
        pair_at = {pair: at for at, pair in enumerate(known)}
        bot_at = {bot: at for at, bot in enumerate(bots)}
        return cls(
            pairs=known,
            bots=bots,
            pair=np.array([pair_at[one.pair] for one in trades], dtype=np.int64),
            side=np.array([_SIDE_AT[one.side] for one in trades], dtype=np.int64),
            step=np.array([_BIN_AT[leverage_bin(one.leverage)] for one in trades], dtype=np.int64),
            bot=np.array([bot_at[one.bot] for one in trades], dtype=np.int64),
            closed_ms=np.array([to_ms(one.closed_at) for one in trades], dtype=np.int64),
            profit=np.array([one.position_profit_ratio for one in trades], dtype=np.float64),
            clamped=sum(not LEVERAGE_EDGES[0] <= one.leverage <= LEVERAGE_EDGES[-1] for one in trades),
        )

    def joined(self, trades: Sequence[ClosedTrade]) -> TradeColumns | None:
        """Return the columns with more trades; None where one brings a pair or a bot without a code."""
        if not {one.pair for one in trades} <= {*self.pairs} or not {one.bot for one in trades} <= {
            *self.bots
        }:
            return None
        more = TradeColumns.of(trades, self.pairs)
        bot_at = np.array([self.bots.index(bot) for bot in more.bots], dtype=np.int64)
        return TradeColumns(
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
