"""What keeps a bot from opening positions, or makes it leave them: asked in one place, in one order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from freqfleet.domain.sides import Side
from freqfleet.runtime.breakers import Breakers, Trades
from freqfleet.runtime.provenance import BookAge
from freqfleet.runtime.stop_guard import ClosedTrades, StopGuardRule
from freqfleet.runtime.switchboard import Switchboard


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """The rules of one bot; without any it opens whatever its signals say.

    stop_guard, breakers : rules over closed trades. switchboard : the kill switch; None in backtests
        without protections. entries_when_degraded : open positions while the book is too old.
    book_max_age : from when on it is too old; None where it cannot age, as in backtests.
    """

    stop_guard: tuple[StopGuardRule, ...] = ()
    breakers: Breakers | None = None
    switchboard: Switchboard | None = None
    entries_when_degraded: bool = True
    book_max_age: timedelta | None = None

    def refusal(
        self,
        pair: str,
        side: Side,
        now: datetime,
        *,
        closed: ClosedTrades,
        trades: Trades,
        age: BookAge,
    ) -> tuple[str, str | None]:
        """Return the kind of rule that forbids an entry, and its reason; a reason of None allows it."""
        if self.switchboard is not None:
            standing = self.switchboard.standing(now)
            if not standing.state.opens:
                return "kill_switch", f"kill switch, {standing}"
        if not self.entries_when_degraded and age.degraded:
            return "degraded", f"{age}, and entries_when_degraded is off"
        for rule in self.stop_guard:
            until = rule.locked_until(pair, side, now, closed)
            if until is not None:
                return "stop_guard", f"stop guard until {until:%Y-%m-%d %H:%M}"
        if self.breakers is not None:
            return "breaker", self.breakers.refusal(now, trades)
        return "", None

    def closes_all(self, now: datetime) -> bool:
        """True where open positions are to be left at once."""
        return self.switchboard is not None and self.switchboard.standing(now).state.closes_all

    @property
    def measures_equity(self) -> bool:
        """True where the kill switch wants to know the equity."""
        return self.switchboard is not None and self.switchboard.measures_equity

    @property
    def prices_positions(self) -> bool:
        """True where anything needs the open positions' profit."""
        return self.measures_equity or self.breakers is not None

    @property
    def watches_positions(self) -> bool:
        """True where something may end an open position, or wants its profit, whatever its plan says."""
        return self.switchboard is not None or self.breakers is not None

    def see_equity(self, equity_quote: float) -> None:
        """Tell the kill switch what the bot is worth now."""
        if self.switchboard is not None:
            self.switchboard.see_equity(equity_quote)

    def stop(self) -> None:
        """End the kill switch's background reading."""
        if self.switchboard is not None:
            self.switchboard.stop()


CAREFREE = Caution()
