"""What every body of the learning store promises (storage sheet, section 6).

Thread-safety
    One instance may be used from several threads; several processes may share one store.
Ordering
    Trades come back sorted by (closed_at, bot, instance, trade_id); versions and bin records by recorded_at.
Idempotency
    Recording the same trade twice stores it once. A trade whose content changed at its source replaces
    the stored one (counted as `amended`). Publishing a version that is stored already is a duplicate.
Failure
    *unavailable*: StoreUnavailable; the same call may be made again and again until it returns. A body
    with transactions has stored nothing of it then; one without has stored a part, which the next try finds
    and counts as duplicate.
    StoreReplaced, one of these: the file was moved away; it is a store opened anew that answers.
    *fatal*: StoreIncompatible, the schema is newer than this program.
    A single bad trade or version is *rejected* with its reason in the receipt; the others are stored.
    A stored row that lies outside the domain, for example edited by hand, is *skipped* when it is read:
    counted in `unusable_rows`, logged once, never returned; the others are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from freqfleet.domain.bin_record import BinRecord
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.sides import Side
from freqfleet.parameters.records import RecordBook
from freqfleet.parameters.version import ParameterVersion
from freqfleet.store.digests import DayDigest

if TYPE_CHECKING:  # NumPy, which only who learns pays for
    from freqfleet.market.trade_columns import TradeColumns


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteReceipt:
    """What became of a batch: every item is in exactly one of the four."""

    accepted: int = 0
    amended: int = 0
    duplicate: int = 0
    rejected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a body can do, as it was found out by asking, not assumed.

    server : product and version.
    query_window : the longest window it answers; None where nothing limits it.
    deterministic_overwrite : a second write of the same point wins for certain.
    transactional : a call is stored as a whole or not at all.
    clock_offset_seconds : the server's clock minus ours; None where it was not measured.
    """

    server: str
    query_window: timedelta | None = None
    deterministic_overwrite: bool = True
    transactional: bool = True
    clock_offset_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreHealth:
    """What `doctor` says of a store. Never contains a secret."""

    description: str
    schema: int
    trades: int
    versions: int
    latency_ms: float
    last_trade_closed_at: datetime | None
    last_version_recorded_at: datetime | None
    capabilities: Capabilities | None = None


class LearningStore(Protocol):
    """The shared memory of the fleet; see the module's text for what it promises."""

    @property
    def unusable_rows(self) -> dict[str, str]:
        """Rows that this instance read and did not return, by what they are, with the reason."""
        ...

    def record_closed_trades(self, trades: Sequence[ClosedTrade]) -> WriteReceipt:
        """Store closed trades, exactly once per (bot, instance, trade_id)."""
        ...

    def closed_trades(
        self,
        *,
        closed_from: datetime | None = None,
        closed_to: datetime | None = None,
        bots: Sequence[str] | None = None,
        pairs: Sequence[str] | None = None,
    ) -> list[ClosedTrade]:
        """Return trades with closed_from <= closed_at < closed_to; None leaves an end open.

        For who copies, compares or shows trades; who learns from many asks `trade_columns`.
        """
        ...

    def trade_columns(
        self,
        *,
        closed_from: datetime | None = None,
        closed_to: datetime | None = None,
        bots: Sequence[str] | None = None,
        pairs: Sequence[str] | None = None,
    ) -> TradeColumns:
        """Return the trades of the same window, in the same order, as columns of what learning reads.

        A row outside the domain is skipped as by `closed_trades`, as far as its columns are read.
        """
        ...

    def last_recorded_close(self, bot: str) -> datetime | None:
        """Return the newest close time of a bot: a hint for syncing with overlap, no proof."""
        ...

    def day_digests(
        self, bot: str, *, closed_from: datetime | None = None, closed_to: datetime | None = None
    ) -> list[DayDigest]:
        """Return one digest per instance and UTC day of a bot's trades, sorted by both.

        The window is that of `closed_trades`; what `sync --reconcile` compares with the bot's own database.
        """
        ...

    def publish_parameters(self, versions: Sequence[ParameterVersion]) -> WriteReceipt:
        """Append versions; nothing published is ever changed."""
        ...

    def parameter_versions(self, *, recorded_to: datetime | None = None) -> list[ParameterVersion]:
        """Return every version recorded up to and including `recorded_to`; the book resolves them."""
        ...

    def parameters_in_force(self, at: datetime) -> list[ParameterVersion]:
        """Return for each key the champion or retirement that took effect last by `at`: one query for all.

        A book of these answers at `at` as a book of every version does. Sorted by recording.
        """
        ...

    def parameter_history(self, pair: str, side: Side | None = None) -> list[ParameterVersion]:
        """Return the versions of one pair, oldest first."""
        ...

    def record_bins(self, records: Sequence[BinRecord]) -> WriteReceipt:
        """Store what is known of leverage bins from their `recorded_at` on.

        The same record again is a duplicate; another one of the same level and millisecond replaces it.
        """
        ...

    def bin_records(
        self, *, recorded_to: datetime | None = None, newest_only: bool = False
    ) -> list[BinRecord]:
        """Return every record up to and including `recorded_to`, by recording, then level.

        newest_only : of every level the last one; what a reader needs that never asks about the past.
        """
        ...

    def record_book(self) -> RecordBook:
        """Return a book that answers as one of all `bin_records` does, with no call to the store later.

        What a level's rows hold may be read when it is first asked for; rows that are unusable are told then.
        """
        ...

    def health(self) -> StoreHealth:
        """Ask the store how it is; raises StoreUnavailable where it does not answer."""
        ...

    def close(self) -> None:
        """Give back connections; the store must not be used afterwards."""
        ...
