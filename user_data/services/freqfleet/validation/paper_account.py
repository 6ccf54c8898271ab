"""The paper account: an e-value that may be looked at every day.

It starts at 1 and stakes a part of what it has settled on "the candidate earns more than the incumbent",
trade by trade, before the trade is known. Where that is false it gains nothing on average, so it ever
reaches 20 with a chance of at most 1 in 20, however often somebody looks (Ville's inequality; Waudby-Smith
& Ramdas on betting). A test that is re-run daily and published when it first passes has no such bound.

Everything works on whole UTC days, in order. Bets of day t settle on day t + 2, because positions are held
for up to 24 hours; stakes come from settled wealth only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from freqfleet.errors import InputError
from freqfleet.market.arrays import FloatArray

SETTLES_AFTER_DAYS = 2
FIRST_DAYS_WITHOUT_BETS = 10
KELLY_SHARE = 0.5
AT_RISK_SHARE = 0.8  # of the wealth, if every open trade takes the worst paired loss
CHANGE_AFTER_DAYS = 7


@dataclass(frozen=True, slots=True)
class PendingBet:
    """Bets of one day: what their outcome adds to the wealth once they settle."""

    day: int
    outcome: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperAccount:
    """An account after some days.

    wealth : settled; the e-value. last_day : booked last, in days since 1970; None at first.
    """

    wealth: float = 1.0
    pending: tuple[PendingBet, ...] = ()
    last_day: int | None = None
    days: int = 0
    trades: int = 0
    trades_before: int = 0

    def settled(self, day: int) -> PaperAccount:
        """Return the account on the morning of `day`. Raises InputError for a day that has been booked."""
        if self.last_day is not None and day <= self.last_day:
            raise InputError(f"day {day} was booked already, the last one is {self.last_day}")
        due = sum(bet.outcome for bet in self.pending if bet.day + SETTLES_AFTER_DAYS <= day)
        left = tuple(bet for bet in self.pending if bet.day + SETTLES_AFTER_DAYS > day)
        return replace(self, wealth=max(0.0, self.wealth + due), pending=left)

    def booked(
        self, day: int, differences: FloatArray, *, edge: float, variance: float, worst_loss: float
    ) -> PaperAccount:
        """Return the account after the trades that were entered on `day`.

        differences : (n,), what each earned with the candidate minus with the incumbent; zeros where the
        candidate is the incumbent. edge, variance : of one such difference, as estimated from trades that
        had closed before. worst_loss : the largest loss of one difference, above zero: the candidate's stop
        plus the incumbent's target. A price that jumps a barrier may lose more; the wealth stops at zero.
        Raises InputError for an outcome that is not a number, and for a worst loss that is none.
        """
        if not worst_loss > 0.0:
            raise InputError(f"the worst loss of a paired difference must lie above 0, was {worst_loss}")
        for one in differences.tolist():
            if not math.isfinite(one):
                raise InputError(f"a paired difference must be a number, was {one}")
        here = self.settled(day)
        gap = 1 if self.last_day is None else day - self.last_day
        yesterday = self.trades_before if gap == 1 else 0
        usual = (self.trades + len(differences)) / (self.days + gap)
        open_trades = max(2.0 * usual, float(len(differences) + yesterday), 1.0)
        share = stake_share(edge, variance, open_trades, worst_loss)
        bets = here.days + gap > FIRST_DAYS_WITHOUT_BETS and share > 0.0 and len(differences) > 0
        bet = PendingBet(day, share * here.wealth * float(differences.sum()))
        return replace(
            here,
            pending=(*here.pending, bet) if bets else here.pending,
            last_day=day,
            days=self.days + gap,
            trades=self.trades + len(differences),
            trades_before=len(differences),
        )

    def to_row(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "wealth": self.wealth,
            "pending": [[bet.day, bet.outcome] for bet in self.pending],
            "last_day": self.last_day,
            "days": self.days,
            "trades": self.trades,
            "trades_before": self.trades_before,
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> PaperAccount:
        """Return the account of a row; raises InputError for a wealth that cannot be."""
        wealth = float(row["wealth"])
        if not (math.isfinite(wealth) and wealth >= 0.0):
            raise InputError(f"the wealth of a paper account must not be below 0, was {wealth}")
        return cls(
            wealth=wealth,
            pending=tuple(PendingBet(int(day), float(outcome)) for day, outcome in row["pending"]),
            last_day=None if row["last_day"] is None else int(row["last_day"]),
            days=int(row["days"]),
            trades=int(row["trades"]),
            trades_before=int(row["trades_before"]),
        )


def stake_share(edge: float, variance: float, open_trades: float, worst_loss: float) -> float:
    """Return which part of the wealth to stake on one trade: half Kelly, capped; 0 without an edge."""
    if not (edge > 0.0 and variance > 0.0):
        return 0.0
    return min(KELLY_SHARE * edge / variance, AT_RISK_SHARE / (worst_loss * open_trades))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The daily record of one unit. Stored as JSON between runs.

    candidate : bets that the candidate beats what is in force. mirrored : bets that the default beats what
    is in force; None while the default is. changed_day : of the last change, days since 1970.
    """

    candidate: PaperAccount = PaperAccount()
    mirrored: PaperAccount | None = None
    changed_day: int | None = None

    def may_change(self, day: int) -> bool:
        """Return whether a change on `day` keeps a week's distance from the last one."""
        return self.changed_day is None or day - self.changed_day >= CHANGE_AFTER_DAYS

    def publishes(self, day: int, e_publish: float) -> bool:
        """Return whether the candidate has earned its place."""
        return self.candidate.wealth >= e_publish and self.may_change(day)

    def retracts(self, day: int, e_publish: float) -> bool:
        """Return whether what is in force has lost its place to the default."""
        return self.mirrored is not None and self.mirrored.wealth >= e_publish and self.may_change(day)

    def published(self, day: int) -> Standing:
        """Return the record after the candidate took its place: both accounts start anew."""
        return Standing(candidate=PaperAccount(), mirrored=PaperAccount(), changed_day=day)

    def retracted(self, day: int) -> Standing:
        """Return the record after the default came back."""
        return Standing(candidate=PaperAccount(), mirrored=None, changed_day=day)

    def to_row(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "candidate": self.candidate.to_row(),
            "mirrored": None if self.mirrored is None else self.mirrored.to_row(),
            "changed_day": self.changed_day,
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Standing:
        """Return the record of a row."""
        mirrored = row["mirrored"]
        return cls(
            candidate=PaperAccount.from_row(row["candidate"]),
            mirrored=None if mirrored is None else PaperAccount.from_row(mirrored),
            changed_day=None if row["changed_day"] is None else int(row["changed_day"]),
        )
