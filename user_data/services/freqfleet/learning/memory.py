"""LearningMemory: what a learner needs of the learning store. Every store is one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.sides import Side
from freqfleet.parameters.version import ParameterVersion
from freqfleet.store.promise import WriteReceipt


class LearningMemory(Protocol):
    """Closed trades and versions, as `store.promise.LearningStore` promises them.

    Raises StoreUnavailable where it does not answer.
    """

    def closed_trades(
        self,
        *,
        closed_from: datetime | None = None,
        closed_to: datetime | None = None,
        bots: Sequence[str] | None = None,
        pairs: Sequence[str] | None = None,
    ) -> list[ClosedTrade]:
        """Return trades with closed_from <= closed_at < closed_to; None leaves an end open."""
        ...

    def publish_parameters(self, versions: Sequence[ParameterVersion]) -> WriteReceipt:
        """Append versions; nothing published is ever changed."""
        ...

    def parameter_versions(self, *, recorded_to: datetime | None = None) -> list[ParameterVersion]:
        """Return every version recorded up to and including `recorded_to`."""
        ...

    def parameter_history(self, pair: str, side: Side | None = None) -> list[ParameterVersion]:
        """Return the versions of one pair, oldest first."""
        ...
