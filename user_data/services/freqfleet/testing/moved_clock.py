"""MovedClock: a clock that stands where a test puts it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class MovedClock:
    """A `clock.Clock` that a test moves."""

    at: datetime

    def now(self) -> datetime:
        """Return where it stands."""
        return self.at
