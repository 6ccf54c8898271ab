"""What a learner needs of the learning store; every store is both of these."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from freqfleet.domain.bin_record import BinRecord
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.parameters.version import ParameterVersion
from freqfleet.store.promise import StoreHealth, WriteReceipt


class LearningMemory(Protocol):
    """Closed trades and versions, as `store.promise.LearningStore` promises them.

    Raises StoreUnavailable where it does not answer.
    """

    def trade_columns(
        self,
        *,
        closed_from: datetime | None = None,
        closed_to: datetime | None = None,
        bots: Sequence[str] | None = None,
        pairs: Sequence[str] | None = None,
    ) -> TradeColumns:
        """Return trades with closed_from <= closed_at < closed_to; None leaves an end open."""
        ...

    def publish_parameters(self, versions: Sequence[ParameterVersion]) -> WriteReceipt:
        """Append versions; nothing published is ever changed."""
        ...

    def parameter_versions(self, *, recorded_to: datetime | None = None) -> list[ParameterVersion]:
        """Return every version recorded up to and including `recorded_to`."""
        ...


class BinMemory(LearningMemory, Protocol):
    """What the controller needs beside that, as `store.promise.LearningStore` promises it."""

    def parameters_in_force(self, at: datetime) -> list[ParameterVersion]:
        """Return for each key the champion or retirement that took effect last by `at`."""
        ...

    def record_bins(self, records: Sequence[BinRecord]) -> WriteReceipt:
        """Store what is known of leverage bins from their `recorded_at` on."""
        ...

    def bin_records(
        self, *, recorded_to: datetime | None = None, newest_only: bool = False
    ) -> list[BinRecord]:
        """Return every record up to and including `recorded_to`; of every level all, or the last one."""
        ...

    def health(self) -> StoreHealth:
        """Return how many trades and versions there are, and when the newest came."""
        ...
