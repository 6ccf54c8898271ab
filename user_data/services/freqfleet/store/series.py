"""Series: numbers over time, by name and key, beside trades and parameters.

The decay of what was published is one: name `decay_z`, the key a pair and side or `all`, one number a run.
Not every body of the learning store keeps them; ask `isinstance(store, SeriesKeeper)`, and say so where it
does not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from freqfleet.clock import from_ms
from freqfleet.errors import InputError
from freqfleet.store.promise import WriteReceipt
from freqfleet.store.rows import Row, whole_ms

DECAY_Z = "decay_z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One number: of what, for which key, and of which time (aware, to the millisecond)."""

    name: str
    key: str
    at: datetime
    value: float


@runtime_checkable
class SeriesKeeper(Protocol):
    """A store that keeps numbers over time.

    Recording the same number of the same time twice is a duplicate; another number replaces the first and
    counts as amended. NaN and infinity are rejected with the reason, the others of the call are stored.
    Raises StoreUnavailable where the store does not answer; the same call may then be made again.
    """

    def record_series(self, name: str, at: datetime, values: Mapping[str, float]) -> WriteReceipt:
        """Store one number a key for the time `at`."""
        ...

    def series(
        self, name: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[Reading]:
        """Return the numbers with since <= at < until, by time and key; None leaves an end open."""
        ...


def series_rows(name: str, at: datetime, values: Mapping[str, float]) -> tuple[list[Row], tuple[str, ...]]:
    """Return the rows of a call, and why others are none.

    Raises InputError for a name that is empty and a time without zone: the whole call is wrong then.
    """
    if not name or "\x00" in name:
        raise InputError(f"a series needs a name, was {name!r}")
    at_ms = whole_ms(at)
    rows: list[Row] = []
    rejected: list[str] = []
    for key, value in values.items():
        if not key or "\x00" in key:
            rejected.append(f"{name}: a series needs a key, was {key!r}")
        elif not math.isfinite(value):
            rejected.append(f"{name} of {key}: must be a number, was {value}")
        else:
            rows.append({"name": name, "series_key": key, "at_ms": at_ms, "value": float(value) + 0.0})
    return rows, tuple(rejected)


def reading(row: Any) -> Reading:
    """Return the number of a stored row."""
    return Reading(name=row.name, key=row.series_key, at=from_ms(row.at_ms), value=row.value)
