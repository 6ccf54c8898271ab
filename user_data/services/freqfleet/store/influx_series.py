"""Numbers over time in InfluxDB; see `series.py` for what is promised.

A number that replaces another one goes beside it, a nanosecond later: InfluxDB 3 does not say which of two
points at one place it would keep. Of the points of one millisecond and key the last one counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from freqfleet.clock import from_ms
from freqfleet.store import influx_names as names
from freqfleet.store.influx_lines import line, tag_flaw
from freqfleet.store.influx_points import NS_PER_MS, require_known_schema
from freqfleet.store.rows import Row
from freqfleet.store.series import Reading

SERIES_SELECT = (names.SERIES_KEY, names.SERIES_VALUE, names.SCHEMA_FIELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPoint:
    """One number as it stands in the bucket."""

    key: str
    time_ns: int
    value: float

    @property
    def at_ms(self) -> int:
        """The time it is of."""
        return self.time_ns // NS_PER_MS


def series_flaw(row: Row) -> str | None:
    """Say why InfluxDB cannot hold a number; None where it can."""
    return tag_flaw("the name of a series", row["name"]) or tag_flaw("the key of a series", row["series_key"])


def series_line(row: Row, time_ns: int) -> str:
    """Return the point of a number."""
    tags = {names.SERIES_NAME: row["name"], names.SERIES_KEY: row["series_key"]}
    fields: dict[str, float | str] = {
        names.SERIES_VALUE: row["value"],
        names.SCHEMA_FIELD: names.SCHEMA,
    }
    return line(names.SERIES, tags, fields, time_ns)


def series_points(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], description: str
) -> list[SeriesPoint]:
    """Return the points of a query; raises StoreIncompatible for one that a newer program wrote."""
    at = {name: index for index, name in enumerate(columns)}
    found = []
    for values in rows:
        if values[at[names.SERIES_VALUE]] is None or values[at[names.SCHEMA_FIELD]] is None:
            continue  # another program's
        require_known_schema(values[at[names.SCHEMA_FIELD]], description)
        found.append(
            SeriesPoint(
                key=values[at[names.SERIES_KEY]],
                time_ns=values[at["time"]],
                value=float(values[at[names.SERIES_VALUE]]),
            )
        )
    return found


def last_of_each(points: Iterable[SeriesPoint]) -> dict[tuple[int, str], SeriesPoint]:
    """Return the point that counts for each time (in ms) and key."""
    best: dict[tuple[int, str], SeriesPoint] = {}
    for point in points:
        known = best.get((point.at_ms, point.key))
        if known is None or point.time_ns > known.time_ns:
            best[point.at_ms, point.key] = point
    return best


def readings(name: str, points: Iterable[SeriesPoint]) -> list[Reading]:
    """Return the numbers that count, by time and key."""
    return [
        Reading(name=name, key=key, at=from_ms(at_ms), value=point.value)
        for (at_ms, key), point in sorted(last_of_each(points).items(), key=lambda one: one[0])
    ]
