"""What a bot's trades of one UTC day come to: a count, a sum and a hash that two sides can compare.

Every body of the store and the reader of a bot's own database go through `digest_days`, so equal trades
give equal digests, wherever they are kept.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from freqfleet.store.rows import Row

DAY_MS = 86_400_000

DigestRow = tuple[str, int, int, float, str]  # instance, trade_id, closed_ms, profit_quote, content_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class DayDigest:
    """The trades of one bot and one instance that closed on one UTC day.

    profit_quote : their profit in stake currency, summed without rounding on the way (math.fsum).
    content_hash : SHA-256 over the ids and content hashes of the trades, in the order of their ids.
    """

    instance: str
    day: date
    trades: int
    profit_quote: float
    content_hash: str

    @property
    def starts_at(self) -> datetime:
        """Midnight UTC at which the day begins."""
        return datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC)

    @property
    def ends_at(self) -> datetime:
        """Midnight UTC at which the day is over."""
        return self.starts_at + timedelta(days=1)


def digest_row(row: Row) -> DigestRow:
    """Return what a trade's row contributes to its day."""
    return row["instance"], row["trade_id"], row["closed_ms"], row["profit_quote"], row["content_hash"]


def digest_days(rows: Iterable[DigestRow]) -> list[DayDigest]:
    """Return one digest per instance and UTC day, sorted by both; `rows` come in any order.

    A trade must not come twice: where a body keeps several points of one trade, the newest counts.
    """
    days: dict[tuple[str, int], list[DigestRow]] = {}
    for row in rows:
        days.setdefault((row[0], row[2] // DAY_MS), []).append(row)
    return [_digest(instance, day, days[instance, day]) for instance, day in sorted(days)]


def _digest(instance: str, day: int, rows: list[DigestRow]) -> DayDigest:
    rows.sort(key=lambda row: row[1])
    text = "\n".join(f"{trade_id} {content}" for _, trade_id, _, _, content in rows)
    return DayDigest(
        instance=instance,
        day=datetime.fromtimestamp(day * DAY_MS / 1000, tz=UTC).date(),
        trades=len(rows),
        profit_quote=math.fsum(row[3] for row in rows),
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
    )
