"""Are the bot's own database and the learning store in step? Day by day, and repaired where not.

The bot's database is the source of truth. Both sides are brought to one digest per UTC day (count, profit
sum, hash of the contents); only days that differ are looked at trade by trade. Missing and changed trades
are recorded again. A trade that only the store has is named and kept: the store forgets nothing, and it
may be the last copy of what a person deleted from the bot by mistake.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.errors import TradeSourceError
from freqfleet.store.digests import DAY_MS, DayDigest, digest_days, digest_row
from freqfleet.store.promise import LearningStore
from freqfleet.store.rows import Row, trade_row
from freqfleet.trades.reading import TradeSource

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayDifference:
    """One UTC day on which the two sides differed, as it was before the repair.

    missing, changed, only_in_store : ids of the bot's trades. A day may differ without any of them: then
        it is the hash of a stored row that was wrong, and recording the day again puts it right.
    """

    day: date
    source_trades: int
    store_trades: int
    source_profit_quote: float
    store_profit_quote: float
    missing: tuple[int, ...] = ()
    changed: tuple[int, ...] = ()
    only_in_store: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What was compared, what differed, and what became of it.

    restored, amended : trades that the repair added to the store, or put right in it.
    unrepaired : days that lack a trade or hold a changed one even after the repair.
    other_instances : trades the store holds of this bot from earlier databases and backtests, by instance;
        they cannot be compared with today's database, whose ids began anew.
    """

    bot: str
    source: str
    instance: str
    days: int
    trades: int
    differences: tuple[DayDifference, ...]
    restored: int
    amended: int
    unrepaired: tuple[date, ...]
    other_instances: Mapping[str, int]
    rejected: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def only_in_store(self) -> int:
        """How many trades the store has and the bot's database does not."""
        return sum(len(one.only_in_store) for one in self.differences)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        values = {**asdict(self), "other_instances": dict(self.other_instances)}
        values["unrepaired"] = [day.isoformat() for day in self.unrepaired]
        for one in values["differences"]:
            one["day"] = one["day"].isoformat()
        return values


def reconcile_bot(store: LearningStore, source: TradeSource) -> Reconciliation:
    """Compare a bot's database with the store, day by day, and record what the store lacks.

    Raises what the source raises before anything is written, and StoreError where the store fails.
    """
    reading = source.read()
    instance = source.inventory().instance
    rows, rejected = _rows(reading.trades)
    ours = {one.day: one for one in digest_days(digest_row(row) for row in rows)}
    stored = store.day_digests(source.bot)
    theirs = {one.day: one for one in stored if one.instance == instance}
    days = sorted({day for day in {*ours, *theirs} if ours.get(day) != theirs.get(day)})
    differences = _differences(store, source.bot, instance, days, rows, (ours, theirs))
    wanted = {one.trade_id: one for one in reading.trades}
    differing = set(days)
    suspect = [wanted[row["trade_id"]] for row in rows if _day(row) in differing]
    receipt = store.record_closed_trades(suspect)
    return Reconciliation(
        bot=source.bot,
        source=source.description,
        instance=instance,
        days=len({*ours, *theirs}),
        trades=len(rows),
        differences=differences,
        restored=receipt.accepted,
        amended=receipt.amended,
        unrepaired=_unrepaired(store, source.bot, instance, differences, ours) if days else (),
        other_instances=_counts(one for one in stored if one.instance != instance),
        rejected=(*rejected, *receipt.rejected),
        dropped=reading.dropped,
    )


def _rows(trades: Sequence[ClosedTrade]) -> tuple[list[Row], tuple[str, ...]]:
    rows: list[Row] = []
    rejected: list[str] = []
    for trade in trades:
        try:
            rows.append(trade_row(trade))
        except TradeSourceError as error:
            rejected.append(str(error))
    return rows, tuple(rejected)


def _differences(
    store: LearningStore,
    bot: str,
    instance: str,
    days: Sequence[date],
    rows: Sequence[Row],
    digests: tuple[Mapping[date, DayDigest], Mapping[date, DayDigest]],
) -> tuple[DayDifference, ...]:
    if not days:
        return ()
    ours, theirs = digests
    wanted = {row["trade_id"]: row for row in rows}
    held = _held(store, bot, instance, [theirs[day] for day in days if day in theirs])
    wanted_by_day, held_by_day = _by_day(wanted), _by_day(held)
    differences = []
    for day in days:
        ours_today, held_today = wanted_by_day.get(day, {}), held_by_day.get(day, {})
        differences.append(
            DayDifference(
                day=day,
                source_trades=ours[day].trades if day in ours else 0,
                store_trades=theirs[day].trades if day in theirs else 0,
                source_profit_quote=ours[day].profit_quote if day in ours else 0.0,
                store_profit_quote=theirs[day].profit_quote if day in theirs else 0.0,
                missing=tuple(sorted(set(ours_today) - set(held))),
                changed=tuple(
                    sorted(
                        one
                        for one, row in ours_today.items()
                        if one in held and held[one]["content_hash"] != row["content_hash"]
                    )
                ),
                only_in_store=tuple(sorted(set(held_today) - set(wanted))),
            )
        )
    return tuple(differences)


def _by_day(rows: Mapping[int, Row]) -> dict[date, dict[int, Row]]:
    days: dict[date, dict[int, Row]] = {}
    for trade_id, row in rows.items():
        days.setdefault(_day(row), {})[trade_id] = row
    return days


def _held(store: LearningStore, bot: str, instance: str, days: Sequence[DayDigest]) -> dict[int, Row]:
    """Return what the store holds of these days, by id; neighbouring days are read in one go."""
    held: dict[int, Row] = {}
    for first, last in _spans(days):
        for trade in store.closed_trades(bots=[bot], closed_from=first.starts_at, closed_to=last.ends_at):
            if trade.instance == instance:
                held[trade.trade_id] = trade_row(trade)
    return held


def _spans(days: Sequence[DayDigest]) -> list[tuple[DayDigest, DayDigest]]:
    spans: list[tuple[DayDigest, DayDigest]] = []
    for one in days:
        if spans and spans[-1][1].ends_at == one.starts_at:
            spans[-1] = (spans[-1][0], one)
        else:
            spans.append((one, one))
    return spans


def _unrepaired(
    store: LearningStore,
    bot: str,
    instance: str,
    differences: Sequence[DayDifference],
    ours: Mapping[date, DayDigest],
) -> tuple[date, ...]:
    after = {one.day: one for one in store.day_digests(bot) if one.instance == instance}
    unrepaired = []
    for one in differences:
        kept = len(one.only_in_store)
        if kept and one.day in after:  # cannot be equal: the store has more, and keeps it
            repaired = after[one.day].trades - kept == (ours[one.day].trades if one.day in ours else 0)
        else:
            repaired = after.get(one.day) == ours.get(one.day)
        if not repaired:
            unrepaired.append(one.day)
    return tuple(unrepaired)


def _counts(digests: Iterable[DayDigest]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in digests:
        counts[one.instance] = counts.get(one.instance, 0) + one.trades
    return counts


def _day(row: Row) -> date:
    return date.fromordinal(date(1970, 1, 1).toordinal() + row["closed_ms"] // DAY_MS)
