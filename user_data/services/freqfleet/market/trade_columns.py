"""TradeColumns: closed trades as arrays, as far as learning reads them.

When to use which: who learns from a window of trades takes these columns, `LearningStore.trade_columns`; who
copies, compares or shows single trades takes `ClosedTrade`, `LearningStore.closed_trades`. Columns hold no
exit, no fee and no tag, because nothing is learned from those.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, Self

import numpy as np

from freqfleet.clock import to_ms
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.sides import Side
from freqfleet.errors import TradeSourceError
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray

SIDES = tuple(Side)
TradeIdentity = tuple[str, str, int]

_NAMES = ("pairs", "bots", "instances")
_SIDE_AT = {side: at for at, side in enumerate(SIDES)}


# eq=False: arrays do not compare to one truth value.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TradeColumns:
    """n closed trades; all arrays have shape (n,) and are read-only. None of them is NaN.

    From a store they come in its order, by closed_ms, bot, instance and trade_id; whatever is made of them
    keeps the order they had.

    pairs, bots, instances : names, sorted, each once; in a part of the trades also names that have none.
    pair, bot, instance : of each trade, the place of its name there; names compare as their places do.
    side : the place in SIDES.
    opened_ms, closed_ms : milliseconds since 1970-01-01 UTC.
    open_rate : the price of the entry. stake_quote : the margin, in stake currency.
    margin_profit_ratio : leverage-inclusive, net of fees and funding, as in `ClosedTrade`.
    """

    pairs: tuple[str, ...]
    bots: tuple[str, ...]
    instances: tuple[str, ...]
    pair: IntArray
    bot: IntArray
    instance: IntArray
    side: IntArray
    trade_id: IntArray
    opened_ms: IntArray
    closed_ms: IntArray
    leverage: FloatArray
    open_rate: FloatArray
    stake_quote: FloatArray
    margin_profit_ratio: FloatArray

    def __post_init__(self) -> None:
        rows = len(self.trade_id)
        for name in array_names():
            column = getattr(self, name)
            if column.shape != (rows,):
                raise TradeSourceError(
                    f"{name} must have as many rows as trade_id, {rows}, had {column.shape}"
                )
            column.setflags(write=False)

    def __len__(self) -> int:
        return len(self.trade_id)

    @classmethod
    def of(cls, trades: Iterable[ClosedTrade]) -> Self:
        """Return the columns of `trades`, in their order."""
        listed = tuple(trades)
        pairs, pair = coded([one.pair for one in listed])
        bots, bot = coded([one.bot for one in listed])
        instances, instance = coded([one.instance for one in listed])
        return cls(
            pairs=pairs,
            bots=bots,
            instances=instances,
            pair=pair,
            bot=bot,
            instance=instance,
            side=np.array([_SIDE_AT[one.side] for one in listed], dtype=np.int64),
            trade_id=np.array([one.trade_id for one in listed], dtype=np.int64),
            opened_ms=np.array([to_ms(one.opened_at) for one in listed], dtype=np.int64),
            closed_ms=np.array([to_ms(one.closed_at) for one in listed], dtype=np.int64),
            leverage=np.array([one.leverage for one in listed], dtype=np.float64),
            open_rate=np.array([one.open_rate for one in listed], dtype=np.float64),
            stake_quote=np.array([one.stake_quote for one in listed], dtype=np.float64),
            margin_profit_ratio=np.array([one.margin_profit_ratio for one in listed], dtype=np.float64),
        )

    @classmethod
    def joined(cls, parts: Sequence[TradeColumns]) -> Self:
        """Return parts of the same columns as one, in the order of `parts`.

        Raises TradeSourceError where they do not share their names: their codes would mean others.
        """
        first = parts[0]
        if any(getattr(one, name) != getattr(first, name) for one in parts[1:] for name in _NAMES):
            raise TradeSourceError("only parts of the same columns can be joined, these have other names")
        arrays = {name: np.concatenate([getattr(one, name) for one in parts]) for name in array_names()}
        return cls(pairs=first.pairs, bots=first.bots, instances=first.instances, **arrays)

    @property
    def position_profit_ratio(self) -> FloatArray:
        """Net profit on price: margin-level profit over leverage; (n,)."""
        ratios: FloatArray = self.margin_profit_ratio / self.leverage
        return ratios

    def subset(self, rows: IntArray | BoolArray | slice) -> Self:
        """Return some trades: by a mask, by places in their order, or a slice, which copies nothing."""
        arrays = {name: getattr(self, name)[rows] for name in array_names()}
        return type(self)(pairs=self.pairs, bots=self.bots, instances=self.instances, **arrays)

    def groups(self, key: IntArray) -> list[Self]:
        """Return the trades that share a number of `key`, (n,), as one part each.

        Parts come in the order in which their numbers appear; trades keep theirs. Nothing is copied twice.
        """
        order = np.argsort(key, kind="stable")
        starts = np.flatnonzero(np.diff(key[order], prepend=key.min(initial=0) - 1))
        ends = np.append(starts[1:], len(self))
        laid = self.subset(order)
        return [laid.subset(slice(starts[at], ends[at])) for at in np.argsort(order[starts])]

    def compact(self) -> Self:
        """Return the same trades without the names that none of them has."""
        changed: dict[str, Any] = {}
        for names, codes in (("pairs", "pair"), ("bots", "bot"), ("instances", "instance")):
            used, places = np.unique(getattr(self, codes), return_inverse=True)
            changed[names] = tuple(getattr(self, names)[at] for at in used.tolist())
            changed[codes] = places
        return replace(self, **changed)

    def of_bots(self, bots: Sequence[str]) -> BoolArray:
        """Return the mask of the trades of these bots."""
        return np.isin(self.bot, [at for at, name in enumerate(self.bots) if name in bots])

    def of_pairs(self, pairs: Sequence[str]) -> BoolArray:
        """Return the mask of the trades of these pairs."""
        return np.isin(self.pair, [at for at, name in enumerate(self.pairs) if name in pairs])

    def bot_counts(self) -> dict[str, int]:
        """Return how many trades came from each bot, by name; bots without trades are not in it."""
        counts = np.bincount(self.bot, minlength=len(self.bots)).tolist()
        return {name: count for name, count in zip(self.bots, counts, strict=True) if count}

    def bot_names(self) -> list[str]:
        """Return the bot of each trade."""
        return [self.bots[at] for at in self.bot.tolist()]

    def identities(self) -> list[TradeIdentity]:
        """Return bot, instance and id of each trade."""
        instances = (self.instances[at] for at in self.instance.tolist())
        return list(zip(self.bot_names(), instances, self.trade_id.tolist(), strict=True))

    def label(self, row: int) -> str:
        """Return how messages name a trade, as `ClosedTrade.label` does."""
        return f"{self.bots[self.bot[row]]} trade {self.trade_id[row]} {self.pairs[self.pair[row]]}"


@cache
def array_names() -> tuple[str, ...]:
    """Return the names of the arrays of `TradeColumns`."""
    return tuple(one.name for one in fields(TradeColumns) if one.name not in _NAMES)


def coded(values: Sequence[str]) -> tuple[tuple[str, ...], IntArray]:
    """Return the names among `values`, sorted, and the place of each value in them."""
    names = tuple(sorted(set(values)))
    place = {name: at for at, name in enumerate(names)}
    return names, np.array([place[one] for one in values], dtype=np.int64)


NO_TRADES = TradeColumns.of(())
