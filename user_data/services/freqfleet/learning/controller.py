"""Controller: what closed trades say of every leverage bin, published so that bots choose leverage by it.

A cycle looks for new trades, forms the beliefs of every level anew (`bin_posteriors`), and records those that
hysteresis lets pass (`bin_hysteresis`). The first cycle of a day also judges stops and targets by bin
(`bin_exits`). It writes records and versions, never orders: only freqtrade trades.

Failure. The store does not answer: StoreUnavailable goes to the caller, and the next cycle begins where this
one did. A record that the store refuses is said; the others are stored.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol

from freqfleet.clock import Clock, from_ms, iso
from freqfleet.domain.bin_record import BinRecord, ProfitPosterior
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.known import known
from freqfleet.domain.leverage_bins import LEVERAGE_BINS, LeverageBin
from freqfleet.domain.sides import Side
from freqfleet.learning.bin_columns import BinColumns
from freqfleet.learning.bin_exits import BinExitsRun
from freqfleet.learning.bin_hysteresis import Hysteresis
from freqfleet.learning.bin_posteriors import BINS, Belief, Beliefs, believe
from freqfleet.learning.fleet_trades import why_no_trades
from freqfleet.learning.memory import BinMemory
from freqfleet.learning.trade_feed import Kind, Look, TradeFeed
from freqfleet.market.trade_columns import NO_TRADES, SIDES, TradeColumns
from freqfleet.parameters.book import ParameterBook
from freqfleet.parameters.version import ParameterKey
from freqfleet.settings import Settings
from freqfleet.store.promise import StoreHealth
from freqfleet.store.rows import whole_ms

logger = logging.getLogger(__name__)

_Place = tuple[str | None, Side, LeverageBin | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """What one cycle did. trades : in the window. new_trades : of this cycle; all of them where it read anew.

    recorded : what was published. waiting : levels that hysteresis holds back.
    exits : what the day's look at stops and targets came to; None in cycles without one.
    cpu_seconds, wall_seconds : of this cycle. notes : what a person should be told.
    """

    at: datetime
    read: Kind
    trades: int
    new_trades: int
    recorded: tuple[BinRecord, ...] = ()
    waiting: int = 0
    exits: BinExitsRun | None = None
    cpu_seconds: float
    wall_seconds: float
    notes: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """What the heartbeat says: what was learned, from how many trades, and how long that took."""
        held = f", {self.waiting} held back" if self.waiting else ""
        exits = f"; {self.exits.line}" if self.exits is not None else ""
        return (
            f"learned from {self.trades} trades, {self.new_trades} new: {len(self.recorded)} levels "
            f"recorded{held}{exits}, {1e3 * self.wall_seconds:.0f} ms"
        )


class ExitsLook(Protocol):
    """What judges stops and targets; `bin_exits.BinExits` is one."""

    def look(self, trades: TradeColumns, notes: list[str]) -> BinExitsRun:
        """Judge every bin and publish what holds; raises StoreUnavailable."""
        ...


@dataclass(slots=True)
class _Known:
    """What a cycle leaves for the next one."""

    columns: BinColumns
    published: dict[_Place, BinRecord] = field(default_factory=dict)
    exits: dict[_Place, ExitParameters] = field(default_factory=dict)
    versions: int = -1


class Controller:
    """Runs cycles; holds the trades and what is published between them.

    exits : looks at stops and targets in the first cycle of every day; None leaves them alone.
    warns : what a person should be told is a warning in the log, once; False where `Cycle.notes` are shown.
    """

    def __init__(
        self,
        *,
        store: BinMemory,
        settings: Settings,
        clock: Clock,
        exits: ExitsLook | None = None,
        warns: bool = True,
    ) -> None:
        self._level = logging.WARNING if warns else logging.INFO
        self._exits = exits
        self._looked_on: date | None = None
        self._store = store
        self._settings = settings
        self._clock = clock
        self._weights = {name: bot.weight for name, bot in settings.bots.items()}
        self._feed = self._new_feed()
        self._hysteresis = Hysteresis()
        self._known = _Known(BinColumns.of(NO_TRADES))
        self._said: set[str] = set()

    def cycle(self) -> Cycle:
        """Look, learn, record.

        Raises StoreUnavailable where the store does not answer; nothing is lost, the next cycle learns anew.
        """
        cpu, wall = time.process_time(), time.perf_counter()
        now = self._clock.now()
        notes: list[str] = []
        recorded: tuple[BinRecord, ...] = ()
        try:
            look = self._feed.look(now)
            if look.kind is not Kind.NOTHING or self._hysteresis.is_due(now):
                self._take(look, now, notes)
                recorded = self._record(now, notes)
            exits = self._look_at_exits(look, now, notes)
        except BaseException:
            # What was read and not learned from is read again; and it may be another store that answers next.
            self._feed = self._new_feed()
            raise
        return Cycle(
            at=now,
            read=look.kind,
            trades=len(self._known.columns),
            new_trades=len(look.trades),
            recorded=recorded,
            waiting=self._hysteresis.waiting,
            exits=exits,
            cpu_seconds=time.process_time() - cpu,
            wall_seconds=time.perf_counter() - wall,
            notes=tuple(notes),
        )

    def _look_at_exits(self, look: Look, now: datetime, notes: list[str]) -> BinExitsRun | None:
        if self._exits is None or look.kind is not Kind.ALL or self._looked_on == now.date():
            return None
        said: list[str] = []
        run = self._exits.look(look.trades, said)
        for text in said:
            self._note(text, notes)
        for reason, count in sorted(run.left_out.items()):
            logger.info("exits: %d bins left out, %s", count, reason)
        self._looked_on = now.date()
        return run

    def _new_feed(self) -> TradeFeed:
        return TradeFeed(
            self._store, bots=tuple(self._settings.bots), days_back=self._settings.optimizer.days_back
        )

    def _take(self, look: Look, now: datetime, notes: list[str]) -> None:
        """Bring the trades and what is published up to date."""
        known = self._known
        joined = known.columns.joined(look.trades) if look.kind is not Kind.ALL else None
        if joined is not None:
            known.columns = joined
        else:
            self._read_published(now, notes)
            trades = look.trades
            if look.kind is Kind.MORE:  # a pair that was never traded before
                trades = self._window(now)
            pairs = {pair for pair, _, _ in known.published if pair is not None}
            known.columns = BinColumns.of(trades, tuple(pairs))
        self._refresh_exits(look.health, now, notes)
        for bot, count in look.strangers.items():
            bots = ", ".join(self._settings.bots)
            self._note(f"{count} trades of {bot} take no part: this controller learns from {bots}", notes)
        if not (len(known.columns) or look.strangers or look.ahead):
            newest, days_back = look.health.last_trade_closed_at, self._settings.optimizer.days_back
            self._note(why_no_trades(newest, as_of=now, days_back=days_back), notes)
        if look.ahead:
            self._note(f"{look.ahead} trades close after this clock says it is; set the clocks", notes)
        if known.columns.clamped:
            self._note(
                f"{known.columns.clamped} trades have a leverage outside 1..10; they count in the nearest "
                "bin",
                notes,
            )

    def _window(self, now: datetime) -> TradeColumns:
        since = now - timedelta(days=self._settings.optimizer.days_back)
        read = self._store.trade_columns(closed_from=since, bots=tuple(self._settings.bots))
        return read.subset(read.closed_ms <= whole_ms(now))

    def _read_published(self, now: datetime, notes: list[str]) -> None:
        """Read what the store holds; what somebody else has recorded meanwhile is said."""
        before = self._known.published
        found: dict[_Place, BinRecord] = {}
        ahead = sum(one.recorded_at > now for one in self._store.bin_records(newest_only=True))
        for one in self._store.bin_records(recorded_to=now, newest_only=True):
            found[one.pair, one.side, one.leverage_bin] = one
        foreign = [place for place, one in found.items() if before and before.get(place) != one]
        if foreign:
            self._note(
                f"another controller records into this store, {len(foreign)} levels since the last full "
                "look; stop one of the two",
                notes,
            )
        if ahead:
            self._note(f"{ahead} bin records are dated after {iso(now)}; set the clock that is wrong", notes)
        self._known.published = found

    def _refresh_exits(self, health: StoreHealth, now: datetime, notes: list[str]) -> None:
        """Read which exits are in force, where a version was published since."""
        newest = health.last_version_recorded_at
        if newest is not None and newest > now:
            self._note(f"a parameter version is dated {iso(newest)}, after this clock; it waits", notes)
        if self._known.versions == health.versions:
            return
        book = ParameterBook(
            self._store.parameters_in_force(now), defaults=self._settings.defaults.parameters(), as_of=now
        )
        self._known.exits = {place: self._in_force(book, place, now) for place in self._places()}
        self._known.versions = health.versions

    def _places(self) -> Iterator[_Place]:
        for pair in (None, *self._known.columns.pairs):
            for side in SIDES:
                for step in (None, *LEVERAGE_BINS):
                    yield pair, side, step

    def _in_force(self, book: ParameterBook, place: _Place, now: datetime) -> ExitParameters:
        pair, side, step = place
        if pair is not None:
            leverage = self._settings.runtime.leverage if step is None else step.low
            return book.resolve(pair, side, leverage, now).parameters
        for one in (None, step):
            version = book.in_force(ParameterKey(side=side, leverage_bin=one), now)
            if version is not None:
                return version.parameters
        return book.defaults

    def _record(self, now: datetime, notes: list[str]) -> tuple[BinRecord, ...]:
        columns = self._known.columns
        weights = columns.weights(self._weights, self._settings.optimizer.source_weights)
        published = self._known.published
        due = [
            record
            for record in self._records(believe(columns, weights), now)
            if self._hysteresis.publishes(
                published.get((record.pair, record.side, record.leverage_bin)), record, now
            )
        ]
        if not due:
            return ()
        receipt = self._store.record_bins(due)
        for reason in receipt.rejected:
            self._note(f"the store refused a record: {reason}", notes)
        for record in due:
            published[record.pair, record.side, record.leverage_bin] = record
        return tuple(due)

    def _records(self, beliefs: Beliefs, now: datetime) -> Iterator[BinRecord]:
        """Yield a record of every level that has trades, or had some when it was published."""
        pairs = self._known.columns.pairs
        for at, side in enumerate(SIDES):
            yield from self._levels(beliefs.fleet, beliefs.bins, None, side, at, now)
        for number, pair in enumerate(pairs):
            for at, side in enumerate(SIDES):
                yield from self._levels(
                    beliefs.pairs, beliefs.cells, pair, side, number * len(SIDES) + at, now
                )

    def _levels(
        self, whole: Belief, by_bin: Belief, pair: str | None, side: Side, at: int, now: datetime
    ) -> Iterator[BinRecord]:
        if self._speaks(whole, at, (pair, side, None)):
            yield self._one(whole, at, (pair, side, None), now)
        for number, step in enumerate(LEVERAGE_BINS):
            if self._speaks(by_bin, at * BINS + number, (pair, side, step)):
                yield self._one(by_bin, at * BINS + number, (pair, side, step), now)

    def _speaks(self, belief: Belief, at: int, place: _Place) -> bool:
        return bool(belief.level.trades[at]) or place in self._known.published

    def _one(self, belief: Belief, at: int, place: _Place, now: datetime) -> BinRecord:
        pair, side, step = place
        level = belief.level
        exits = self._known.exits.get(place)
        trades = int(level.trades[at])
        return BinRecord(
            side=side,
            pair=pair,
            leverage_bin=step,
            trades=trades,
            effective_trades=min(float(level.effective[at]), float(trades)),
            posterior=ProfitPosterior(
                mean_ratio=float(belief.mean[at]),
                mean_sd_ratio=float(belief.mean_sd[at]),
                trade_sd_ratio=float(belief.trade_sd[at]),
            ),
            win_rate=known(level.win_rate[at]),
            mean_win_ratio=known(level.mean_win[at]),
            mean_loss_ratio=known(level.mean_loss[at]),
            profit_factor=known(level.profit_factor[at]),
            confidence=min(max(float(belief.confidence[at]), 0.0), 1.0),
            stop_loss=exits.stop_loss if exits is not None else None,
            take_profit=exits.take_profit if exits is not None else None,
            learned_until=from_ms(int(level.learned_ms[at])) if trades else now,
            recorded_at=now,
        )

    def _note(self, text: str, notes: list[str]) -> None:
        """Tell a person, and log it once."""
        notes.append(text)
        if text not in self._said:
            self._said.add(text)
            logger.log(self._level, "%s", text)
