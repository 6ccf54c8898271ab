"""Rows to points and back, and which of several points of one trade counts.

Identity of a point is its series (tags) and its time. A trade's time is its close in milliseconds plus a
fraction of nanoseconds drawn from everything it holds: the same trade again is the same point, two trades
that close together are two. An amendment is a new point with a higher `revision`; where it moves the
trade to another time or pair, a `superseded` point is left behind, so that a window over the old place
does not show the trade there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from freqfleet.domain.leverage_bins import leverage_bin
from freqfleet.errors import StoreIncompatible
from freqfleet.store import influx_names as names
from freqfleet.store.influx_lines import field_flaw, line, tag_flaw
from freqfleet.store.rows import Row, StoredRow, TradeIdentity

NS_PER_MS = 1_000_000

_TRADE_COLUMNS = {field.column: field for field in names.TRADE_FIELDS}
TRADE_SELECT = (
    names.BOT,
    names.PAIR,
    names.DIRECTION,
    names.REVISION,
    names.SUPERSEDED,
    names.SCHEMA_FIELD,
    *(field.name for field in names.TRADE_FIELDS),
)
KNOWN_SELECT = (
    names.BOT,
    names.PAIR,
    names.DIRECTION,
    names.REVISION,
    names.SUPERSEDED,
    names.SCHEMA_FIELD,
    "instance",
    "trade_id",
    "content_hash",
)
VERSION_SELECT = (
    *names.VERSION_TAGS,
    names.SCHEMA_FIELD,
    *(field.name for field in names.VERSION_FIELDS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradePoint:
    """One point of a trade as it was read. row : its columns as attributes, as far as they were selected."""

    identity: TradeIdentity
    revision: int
    superseded: bool
    time_ns: int
    pair: str
    direction: str
    content_hash: str
    row: StoredRow

    @property
    def closed_ms(self) -> int:
        """The close time that the point's time holds."""
        return self.time_ns // NS_PER_MS

    @property
    def rank(self) -> tuple[int, bool, str]:
        """The highest of a trade's points counts; two programs that amend at once agree on one."""
        return self.revision, not self.superseded, self.content_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeState:
    """What is stored of a trade, as far as writing needs to know it."""

    revision: int
    superseded: bool
    content_hash: str
    closed_ms: int
    pair: str
    direction: str

    @classmethod
    def of_point(cls, point: TradePoint) -> TradeState:
        """Return the state that a stored point leaves."""
        return cls(
            revision=point.revision,
            superseded=point.superseded,
            content_hash=point.content_hash,
            closed_ms=point.closed_ms,
            pair=point.pair,
            direction=point.direction,
        )

    @classmethod
    def of_row(cls, row: Row, revision: int) -> TradeState:
        """Return the state that a row about to be written leaves."""
        return cls(
            revision=revision,
            superseded=False,
            content_hash=row["content_hash"],
            closed_ms=row["closed_ms"],
            pair=row["pair"],
            direction=row["side"],
        )

    def holds(self, row: Row) -> bool:
        """True where the row adds nothing."""
        return not self.superseded and self.content_hash == row["content_hash"]

    def next_revision(self, row: Row) -> int:
        """Return the revision of `row`; a move that was cut off after its first half goes on with its own."""
        cut_off = self.superseded and self.content_hash == row["content_hash"]
        return self.revision if cut_off else self.revision + 1

    def elsewhere(self, row: Row) -> bool:
        """True where a reader could look for the trade and still find its old point."""
        return not self.superseded and (self.closed_ms, self.pair) != (row["closed_ms"], row["pair"])


def trade_flaw(row: Row) -> str | None:
    """Say why InfluxDB cannot hold a trade's row; None where it can."""
    tag = tag_flaw("bot", row["bot"])
    if tag is not None:
        return tag
    flaws = (field_flaw(name, row[name]) for name in _TRADE_COLUMNS if row[name] is not None)
    return next((flaw for flaw in flaws if flaw is not None), None)


def trade_line(row: Row, revision: int, time_ns: int) -> str:
    """Return the point of a trade."""
    fields: dict[str, float | str] = {
        field.name: row[column] for column, field in _TRADE_COLUMNS.items() if row[column] is not None
    }
    return _trade(row["bot"], row["pair"], row["side"], row["leverage"], fields, revision, time_ns)


def superseded_line(before: TradeState, row: Row, revision: int, time_ns: int) -> str:
    """Return the point that says: the trade that was here has moved. row : the trade as it is now."""
    fields: dict[str, float | str] = {
        "instance": row["instance"],
        "trade_id": row["trade_id"],
        "content_hash": row["content_hash"],
        names.SUPERSEDED: 1,
    }
    return _trade(row["bot"], before.pair, before.direction, None, fields, revision, time_ns)


def _trade(
    bot: str,
    pair: str,
    direction: str,
    leverage: float | None,
    fields: dict[str, float | str],
    revision: int,
    time_ns: int,
) -> str:
    tags = {
        names.BOT: bot,
        names.PAIR: pair,
        names.DIRECTION: direction,
        names.LEVERAGE_BIN: names.NONE if leverage is None else leverage_bin(leverage).label,
    }
    fields[names.REVISION] = revision
    fields[names.SCHEMA_FIELD] = names.SCHEMA
    return line(names.TRADES, tags, fields, time_ns)


def trade_time_ns(closed_ms: int, row: Row, revision: int, taken: set[int]) -> int:
    """Return where a point of a trade goes: its close, and a fraction nobody else has; adds it to `taken`.

    taken : the times of points that are there already. Two trades drawing the same fraction in the same
        millisecond are one case in a million, and still two points.
    """
    text = f"{row['instance']}\x00{row['trade_id']}\x00{revision}\x00{row['content_hash']}"
    fraction = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % NS_PER_MS
    start = closed_ms * NS_PER_MS
    while start + fraction in taken:
        fraction = (fraction + 1) % NS_PER_MS
    taken.add(start + fraction)
    return start + fraction


def trade_points(columns: Sequence[str], rows: Iterable[Sequence[Any]], description: str) -> list[TradePoint]:
    """Return the points of a query; raises StoreIncompatible for one that a newer program wrote."""
    at = {name: index for index, name in enumerate(columns)}
    present = [(field, at[field.name]) for field in names.TRADE_FIELDS if field.name in at]
    time, bot, pair, direction, revision, superseded, schema = (
        at[name]
        for name in (
            "time",
            names.BOT,
            names.PAIR,
            names.DIRECTION,
            names.REVISION,
            names.SUPERSEDED,
            names.SCHEMA_FIELD,
        )
    )
    points: list[TradePoint] = []
    for values in rows:
        if values[revision] is None or values[schema] is None:
            continue  # a point of another program's: not ours to read
        require_known_schema(values[schema], description)
        row: Row = {field.column: _back(field, values[index]) for field, index in present}
        row["bot"], row["pair"], row["side"] = values[bot], values[pair], values[direction]
        row["closed_ms"] = values[time] // NS_PER_MS
        points.append(
            TradePoint(
                identity=(values[bot], row["instance"], row["trade_id"]),
                revision=int(values[revision]),
                superseded=bool(values[superseded]),
                time_ns=values[time],
                pair=values[pair],
                direction=values[direction],
                content_hash=row["content_hash"],
                row=SimpleNamespace(**row),
            )
        )
    return points


def newest(points: Iterable[TradePoint]) -> dict[TradeIdentity, TradePoint]:
    """Return for each trade the point that counts, `superseded` ones included."""
    best: dict[TradeIdentity, TradePoint] = {}
    for point in points:
        known = best.get(point.identity)
        if known is None or point.rank > known.rank:
            best[point.identity] = point
    return best


def version_flaw(row: Row) -> str | None:
    """Say why InfluxDB cannot hold a version's row; None where it can."""
    flaws = (field_flaw(name, value) for name, value in row.items() if value is not None)
    return next((flaw for flaw in flaws if flaw is not None), None)


def version_bucket(row: Row) -> str:
    """Return the bucket of a version: parameters of leverage bins have their own."""
    return names.OPTIMIZED_BUCKET if row["leverage_bin"] is None else names.ADAPTIVE_BUCKET


def version_line(row: Row) -> str:
    """Return the point of a version, at the time from which a reader may see it."""
    bucket = version_bucket(row)
    numbers = names.OPTIMIZED_NUMBERS if bucket == names.OPTIMIZED_BUCKET else names.ADAPTIVE_NUMBERS
    inside = {**json.loads(row["evidence"]), **json.loads(row["parameters"])}
    fields: dict[str, float | str] = {
        name: float(inside[key]) for name, key in numbers.items() if inside.get(key) is not None
    }
    fields |= {field.name: row[field.column] for field in names.VERSION_FIELDS}
    fields[names.SCHEMA_FIELD] = names.SCHEMA
    tags = {
        names.PAIR: row["pair"] or names.NONE,
        names.DIRECTION: row["side"],
        names.LEVERAGE_BIN: row["leverage_bin"] or names.NONE,
    }
    return line(names.PARAMETER_MEASUREMENTS[bucket], tags, fields, version_time_ns(row))


def version_time_ns(row: Row) -> int:
    """Return when a version takes effect, with a fraction drawn from its id (48 bits of content)."""
    effective_ms = max(row["valid_from_ms"], row["recorded_ms"])
    return int(effective_ms) * NS_PER_MS + int(row["version_id"], 16) % NS_PER_MS


def version_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]], description: str) -> list[StoredRow]:
    """Return the rows of a query over versions; raises StoreIncompatible as `trade_points` does."""
    at = {name: index for index, name in enumerate(columns)}
    found: list[StoredRow] = []
    for values in rows:
        if values[at["version_id"]] is None or values[at[names.SCHEMA_FIELD]] is None:
            continue  # another program's
        require_known_schema(values[at[names.SCHEMA_FIELD]], description)
        row: Row = {field.column: _back(field, values[at[field.name]]) for field in names.VERSION_FIELDS}
        pair, step = values[at[names.PAIR]], values[at[names.LEVERAGE_BIN]]
        row["pair"] = None if pair == names.NONE else pair
        row["leverage_bin"] = None if step == names.NONE else step
        row["side"] = values[at[names.DIRECTION]]
        row["effective_ms"] = values[at["time"]] // NS_PER_MS
        found.append(SimpleNamespace(**row))
    return found


def _back(field: names.Field, value: Any) -> Any:
    if value is None or field.text:
        return value
    return int(value) if field.whole else float(value)


def require_known_schema(schema: float, description: str) -> None:
    """Raise StoreIncompatible for a point that a newer program wrote."""
    if schema > names.SCHEMA:
        raise StoreIncompatible(
            f"{description} holds points of schema {schema:.0f}, written by a newer freqfleet; this one "
            f"knows up to {names.SCHEMA}; upgrade freqfleet, nothing was touched"
        )
