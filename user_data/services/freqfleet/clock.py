"""Time is passed in; only this file asks the machine for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from freqfleet.errors import InputError


class Clock(Protocol):
    """Answers what time it is, in UTC."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still: what `--as-of` and point-in-time replays use."""

    at: datetime

    def now(self) -> datetime:
        """Return the time at which this clock stands."""
        return self.at


def to_ms(moment: datetime) -> int:
    """Return `moment` (aware) as milliseconds since 1970-01-01 UTC."""
    _require_zone(moment)
    return round(moment.timestamp() * 1000)


def from_ms(milliseconds: int) -> datetime:
    """Return the aware UTC time for milliseconds since 1970-01-01 UTC, within FIRST_MS..LAST_MS.

    Raises ValueError, OverflowError or OSError for others: what the machine's calendar makes of them.
    """
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def iso(moment: datetime) -> str:
    """Return `moment` (aware) as `2025-11-01T00:00:00Z`."""
    _require_zone(moment)
    text = moment.astimezone(UTC).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Read `2025-11-01`, `20251101` or an ISO time; without a zone it is UTC.

    Raises InputError with the text when it is none of these.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"not a time: {text!r}; write 2025-11-01 or 2025-11-01T12:00:00Z") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _require_zone(moment: datetime) -> None:
    if moment.tzinfo is None:
        raise InputError(f"a time needs its zone, was {moment!r}; add +00:00")


def human_age(seconds: float) -> str:
    """Return an age the way people say it: `40 s`, `12 min`, `3.5 h`, `9.0 d`."""
    for limit, divisor, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            value = seconds / divisor
            return f"{value:.0f} {unit}" if unit != "h" else f"{value:.1f} {unit}"
    return f"{seconds / 86_400:.1f} d"


# What a time can be at all; numbers outside are no milliseconds, or were written by hand.
FIRST_MS = to_ms(datetime.min.replace(tzinfo=UTC))
LAST_MS = to_ms(datetime.max.replace(tzinfo=UTC, microsecond=999_000))
