"""The kill switch of one bot: what holds now, in memory, and the thread that keeps it up to date.

The trade thread asks `standing` and tells `see_equity`; neither does I/O. A daemon thread reads what the
operator ordered and what the other bots reported, and writes this bot's own equity. Where the folder cannot
be read, the last orders stay in force and the fault is logged once: a disk error neither closes positions
nor forgets an order.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Protocol

from freqfleet.clock import Clock
from freqfleet.domain.kill_switch import (
    FLEET,
    DrawdownLimits,
    EquityMark,
    KillState,
    Standing,
    drawdown_standing,
    silence_standing,
    worst,
)
from freqfleet.errors import FreqfleetError
from freqfleet.store.fleet_state import EquityReport, Order

logger = logging.getLogger(__name__)

# The equity of a bot that said nothing for so long is not added to the fleet's.
REPORT_MAX_AGE = timedelta(minutes=15)


class State(Protocol):
    """What this needs of `store.fleet_state.FleetState`."""

    def orders(self) -> dict[str, Order]: ...  # noqa: D102
    def report(self, bot: str, report: EquityReport) -> None: ...  # noqa: D102
    def last_report(self, bot: str) -> EquityReport | None: ...  # noqa: D102
    def reports(self) -> dict[str, EquityReport]: ...  # noqa: D102


class Switchboard:
    """The kill switch of `bot`.

    state : the shared folder; None in backtests, which know neither operators nor other bots.
    last_beat : when the learner last gave a heartbeat, None for never; asked in the background.
    refresh_every : None refreshes only when told.
    """

    def __init__(
        self,
        bot: str,
        *,
        limits: DrawdownLimits,
        clock: Clock,
        state: State | None = None,
        last_beat: Callable[[], datetime | None] | None = None,
        silence_limit: timedelta | None = None,
        refresh_every: timedelta | None = None,
    ) -> None:
        self.bot = bot
        self._limits = limits
        self._clock = clock
        self._state = state
        self._last_beat = last_beat
        self._silence_limit = silence_limit
        self._refresh_every = refresh_every
        self._orders: Mapping[str, Order] = {}
        self._mark: EquityMark | None = None
        self._fleet: EquityMark | None = None
        self._fleet_members: tuple[str, ...] = ()
        self._beat_at: datetime | None = None
        self._started_at = clock.now()
        self._obeyed: dict[str, datetime] = {}
        self._told: Standing | None = None
        self._fault: str | None = None
        # Both made in start(), where there is a second thread: hyperopt pickles a strategy, and no lock.
        self._lock: AbstractContextManager[object] = nullcontext()  # held for assignments, never during I/O
        self._stop: threading.Event | None = None

    @property
    def measures_equity(self) -> bool:
        """False where both drawdown limits are off: nobody needs to count."""
        return self._limits.yellow_ratio is not None or self._limits.red_ratio is not None

    def start(self) -> None:
        """Recall this bot's peak, read what was ordered, and keep reading where that was asked for."""
        self._recall()
        self.refresh()
        if self._refresh_every is not None and self._state is not None:
            self._lock, self._stop = threading.Lock(), threading.Event()
            threading.Thread(
                target=self._keep_refreshing,
                args=(self._refresh_every.total_seconds(), self._stop),
                name="freqfleet-kill-switch",
                daemon=True,
            ).start()

    def stop(self) -> None:
        """End the background reading."""
        if self._stop is not None:
            self._stop.set()

    def see_equity(self, equity_quote: float) -> None:
        """Note the bot's equity: closed profits and open positions at the prices of now."""
        with self._lock:
            mark = self._mark
            self._mark = (
                EquityMark.starting_at(equity_quote)
                if mark is None
                else mark.seen(equity_quote, self._limits)
            )

    def standing(self, now: datetime) -> Standing:
        """Return what holds at `now`; a change is logged once."""
        found = worst(self.standings(now))
        told = self._told
        if told is None or (told.state, told.scope) != (found.state, found.scope):
            self._told = found
            if told is not None or found.state is not KillState.GREEN:
                logger.warning("%s: kill switch, %s", self.bot, found)
        return found

    def standings(self, now: datetime) -> tuple[Standing, ...]:
        """Return every cause and what it asks for, those of the fleet first."""
        ordered = [
            Standing(scope=scope, state=order.state, reason=f"ordered by the operator: {order.reason}")
            for scope in (FLEET, self.bot)
            if (order := self._orders.get(scope)) is not None
        ]
        drawn = [
            drawdown_standing(scope, mark, self._limits)
            for scope, mark in ((FLEET, self._fleet), (self.bot, self._mark))
            if mark is not None
        ]
        return *ordered, *drawn, silence_standing(self._beat_at, now, self._silence_limit)

    def refresh(self) -> None:
        """Read orders and reports, write this bot's own; the background thread's step."""
        if self._state is None:
            return
        now = self._clock.now()
        try:
            orders = self._state.orders()
            with self._lock:
                self._orders = orders
                self._obey(FLEET)
                self._obey(self.bot)
            # After the orders: no other file may keep one from being heard.
            reports = self._state.reports()
            self._hear()
            with self._lock:
                self._measure_fleet(reports, now)
                mark, fleet, members = self._mark, self._fleet, self._fleet_members
            if mark is not None:
                self._state.report(
                    self.bot, EquityReport(mark=mark, at=now, fleet=fleet, fleet_members=members)
                )
        except (FreqfleetError, OSError) as error:
            if str(error) != self._fault:
                self._fault = str(error)
                logger.warning("%s: kill switch, the last orders stay in force: %s", self.bot, error)
            return
        self._fault = None

    def _hear(self) -> None:
        """Note the newest heartbeat. One that is gone was still heard: the timer goes on from it."""
        heard = self._last_beat() if self._last_beat is not None else None
        if heard is not None and (self._beat_at is None or heard > self._beat_at):
            self._beat_at = heard

    def _recall(self) -> None:
        """Go on from the peak that an earlier process measured from: a restart clears nothing."""
        if self._state is None:
            return
        try:
            before = self._state.last_report(self.bot)
        except (FreqfleetError, OSError) as error:
            logger.warning("%s: kill switch, the peak of equity begins anew: %s", self.bot, error)
            return
        if before is not None:
            self._mark, self._fleet, self._fleet_members = before.mark, before.fleet, before.fleet_members
            self._started_at = before.at

    def _obey(self, scope: str) -> None:
        """Clear a latched drawdown once for every `clear` that was given after the last look."""
        order = self._orders.get(scope)
        if order is None or order.state is not KillState.GREEN:
            return
        if order.at <= self._obeyed.get(scope, self._started_at):
            return
        self._obeyed[scope] = order.at
        if scope == self.bot and self._mark is not None:
            self._mark = self._mark.cleared()
        if scope == FLEET and self._fleet is not None:
            self._fleet = self._fleet.cleared()

    def _measure_fleet(self, reports: Mapping[str, EquityReport], now: datetime) -> None:
        """Add up the bots that spoke lately; other members are another fleet, with a peak of its own."""
        if self._mark is None:
            return
        fresh = {
            bot: one.mark.equity_quote
            for bot, one in reports.items()
            if bot != self.bot and now - one.at <= REPORT_MAX_AGE
        }
        members = tuple(sorted({*fresh, self.bot}))
        equity = sum(fresh.values()) + self._mark.equity_quote
        if self._fleet is None or (members != self._fleet_members and not self._fleet.latched):
            self._fleet = EquityMark.starting_at(equity)
            self._fleet_members = members
        elif members == self._fleet_members:
            self._fleet = self._fleet.seen(equity, self._limits)

    def _keep_refreshing(self, seconds: float, stop: threading.Event) -> None:
        while not stop.wait(seconds):
            self.refresh()
