"""The closed trades a run learns from, by pair and side, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from freqfleet.clock import to_ms
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.sides import Side
from freqfleet.learning.memory import LearningMemory

PairSide = tuple[str, Side]


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetTrades:
    """Trades by pair and side, oldest close first.

    strangers : how many trades came from bots that were not asked for; they take no part.
    """

    by_pair_side: Mapping[PairSide, Sequence[ClosedTrade]]
    strangers: Mapping[str, int]

    def of(self, pair: str, side: Side) -> Sequence[ClosedTrade]:
        """Return the trades of one pair and side, none where there are none."""
        return self.by_pair_side.get((pair, side), ())

    @property
    def entries_ms(self) -> tuple[int, int] | None:
        """When the first and the last of them were entered; None without trades."""
        times = [to_ms(trade.opened_at) for trades in self.by_pair_side.values() for trade in trades]
        return (min(times), max(times)) if times else None

    @property
    def pairs(self) -> tuple[str, ...]:
        """Every pair that was traded, sorted."""
        return tuple(sorted({pair for pair, _ in self.by_pair_side}))


def load_fleet_trades(
    store: LearningMemory,
    *,
    bots: Sequence[str],
    as_of: datetime,
    days_back: int,
    pairs: Sequence[str] | None = None,
) -> FleetTrades:
    """Return the trades closed in the `days_back` days before `as_of`; nothing at or after it.

    pairs : of these pairs only; None means all.

    Raises StoreUnavailable where the store does not answer.
    """
    trades = store.closed_trades(closed_from=as_of - timedelta(days=days_back), closed_to=as_of, pairs=pairs)
    grouped: dict[PairSide, list[ClosedTrade]] = {}
    strangers: Counter[str] = Counter()
    for trade in trades:
        if trade.bot in bots:
            grouped.setdefault((trade.pair, trade.side), []).append(trade)
        else:
            strangers[trade.bot] += 1
    return FleetTrades(by_pair_side=grouped, strangers=dict(sorted(strangers.items())))
