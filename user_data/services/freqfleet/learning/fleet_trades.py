"""The closed trades a run learns from, by pair and side, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from freqfleet.clock import from_ms, iso
from freqfleet.domain.sides import Side
from freqfleet.learning.memory import LearningMemory
from freqfleet.market.trade_columns import NO_TRADES, SIDES, TradeColumns

PairSide = tuple[str, Side]


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetTrades:
    """Trades by pair and side, oldest close first.

    strangers : how many trades came from bots that were not asked for; they take no part.
    missing : why there is not one trade, and what to do; None where there are some.
    """

    by_pair_side: Mapping[PairSide, TradeColumns]
    strangers: Mapping[str, int]
    missing: str | None = None

    def of(self, pair: str, side: Side) -> TradeColumns:
        """Return the trades of one pair and side, none where there are none."""
        return self.by_pair_side.get((pair, side), NO_TRADES)

    @property
    def entries_ms(self) -> tuple[int, int] | None:
        """When the first and the last of them were entered; None without trades."""
        if not self.by_pair_side:
            return None
        times = [one.opened_ms for one in self.by_pair_side.values()]
        return int(min(one.min() for one in times)), int(max(one.max() for one in times))

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
    trades = store.trade_columns(closed_from=as_of - timedelta(days=days_back), closed_to=as_of, pairs=pairs)
    ours = trades.of_bots(bots)
    strangers = trades.subset(~ours).bot_counts()
    if strangers:
        trades = trades.subset(ours)
    parts = trades.groups(trades.pair * len(SIDES) + trades.side)
    grouped = {(one.pairs[one.pair[0]], SIDES[one.side[0]]): one for one in parts}
    missing = None
    if not grouped and not strangers:
        earlier = store.trade_columns(closed_to=as_of, pairs=pairs)
        newest = from_ms(int(earlier.closed_ms.max())) if len(earlier) else None
        missing = why_no_trades(newest, as_of=as_of, days_back=days_back)
    return FleetTrades(by_pair_side=grouped, strangers=strangers, missing=missing)


def why_no_trades(newest: datetime | None, *, as_of: datetime, days_back: int) -> str:
    """Say why a window has no trade. newest : when the last one before the window closed, if there is one."""
    if newest is None:
        return "no closed trade to learn from; `freqfleet sync` brings those of the bots"
    day_after = newest.date() + timedelta(days=1)
    return (
        f"no trade closed in the last {days_back} days, the newest did at {iso(newest)}; to learn "
        f"from older ones: optimize --as-of {day_after}, or [optimizer] days_back = "
        f"{(as_of - newest).days + days_back}"
    )
