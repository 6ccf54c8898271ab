"""The kill switch: GREEN trades, YELLOW opens nothing, RED also closes what is open.

There is one for every bot and one for the fleet, and the worse of the two holds. Each is the worst of

- what an operator ordered (until the order is cleared);
- the drawdown measured from the peak of equity, open positions included;
- the silence of the learner, and the age of the parameter book where the operator wants that.

Up (towards RED) at once. Down: YELLOW as soon as its cause is gone; RED of a drawdown is latched and only
an operator's `clear` ends it, which also starts a new peak, because closed positions cannot recover.
Exits are never blocked by any state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from freqfleet.clock import human_age
from freqfleet.errors import InputError

FLEET = "fleet"


class KillState(StrEnum):
    """What a bot may do."""

    GREEN = "GREEN"
    YELLOW = "YELLOW"
    RED = "RED"

    @property
    def severity(self) -> int:
        """0 for GREEN, 1 for YELLOW, 2 for RED."""
        return tuple(KillState).index(self)

    @property
    def opens(self) -> bool:
        """True where new positions may be opened."""
        return self is KillState.GREEN

    @property
    def closes_all(self) -> bool:
        """True where open positions are to be left at once."""
        return self is KillState.RED


def parse_kill_state(text: str) -> KillState:
    """Read GREEN, YELLOW or RED in any case; raises InputError with the text otherwise."""
    try:
        return KillState(text.strip().upper())
    except ValueError:
        raise InputError(f"a kill switch is GREEN, YELLOW or RED, was {text!r}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One cause and the state it asks for. scope : `fleet` or a bot's name."""

    scope: str
    state: KillState
    reason: str

    def __str__(self) -> str:
        return f"{self.scope} is {self.state}: {self.reason}"


ALL_CLEAR = Standing(scope=FLEET, state=KillState.GREEN, reason="nothing stands against trading")


def worst(standings: Iterable[Standing]) -> Standing:
    """Return the most severe standing, the first of equals; ALL_CLEAR where there is none."""
    return max(standings, key=lambda one: one.state.severity, default=ALL_CLEAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawdownLimits:
    """The shares of the equity peak whose loss means YELLOW and RED; None switches one off.

    Raises InputError where RED would come before YELLOW.
    """

    yellow_ratio: float | None
    red_ratio: float | None

    def __post_init__(self) -> None:
        for name in ("yellow_ratio", "red_ratio"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value < 1.0:
                raise InputError(f"{name} of a drawdown must lie between 0 and 1, was {value}")
        if (
            self.yellow_ratio is not None
            and self.red_ratio is not None
            and self.red_ratio < self.yellow_ratio
        ):
            raise InputError(
                f"RED must not come before YELLOW, were red {self.red_ratio} and yellow {self.yellow_ratio}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityMark:
    """The equity of a bot or of the fleet, and its peak since the last clearing (stake currency).

    latched : a drawdown has turned this RED; only `cleared` ends that.
    """

    equity_quote: float
    peak_quote: float
    latched: bool = False

    @classmethod
    def starting_at(cls, equity_quote: float) -> EquityMark:
        """Return the mark of somebody who has just begun."""
        return cls(equity_quote=equity_quote, peak_quote=equity_quote)

    @property
    def drawdown_ratio(self) -> float:
        """The lost share of the peak, 0..; 0 where there never was any equity."""
        if not self.peak_quote > 0.0:
            return 0.0
        return max(0.0, (self.peak_quote - self.equity_quote) / self.peak_quote)

    def seen(self, equity_quote: float, limits: DrawdownLimits) -> EquityMark:
        """Return the mark after one more reading of the equity."""
        moved = replace(self, equity_quote=equity_quote, peak_quote=max(self.peak_quote, equity_quote))
        red = limits.red_ratio
        return replace(moved, latched=self.latched or (red is not None and moved.drawdown_ratio >= red))

    def cleared(self) -> EquityMark:
        """Return the mark after an operator's `clear`: the peak is where the equity is now."""
        return EquityMark.starting_at(self.equity_quote)


def drawdown_standing(scope: str, mark: EquityMark, limits: DrawdownLimits) -> Standing:
    """Return what the drawdown of a mark asks for."""
    lost = f"{mark.drawdown_ratio:.1%} below the peak of equity"
    if mark.latched:
        return Standing(scope=scope, state=KillState.RED, reason=f"drawdown limit reached, now {lost}")
    if limits.yellow_ratio is not None and mark.drawdown_ratio >= limits.yellow_ratio:
        return Standing(scope=scope, state=KillState.YELLOW, reason=lost)
    return Standing(scope=scope, state=KillState.GREEN, reason=lost)


def silence_standing(last_beat_at: datetime | None, now: datetime, limit: timedelta | None) -> Standing:
    """Return what the learner's silence asks for: YELLOW once it is longer than `limit`.

    A learner that never gave a heartbeat arms nothing: there may be none. limit None switches it off.
    """
    if limit is None or last_beat_at is None or now - last_beat_at <= limit:
        return Standing(scope=FLEET, state=KillState.GREEN, reason="the learner was heard of")
    silence = human_age((now - last_beat_at).total_seconds())
    return Standing(scope=FLEET, state=KillState.YELLOW, reason=f"no heartbeat of the learner for {silence}")
