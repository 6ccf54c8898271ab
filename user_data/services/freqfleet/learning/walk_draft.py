"""Draft: what a walk has read and what it would store, in memory.

An optimizer takes it for a store. Every step of a walk sees what the store held before the walk, and what the
steps before it have drafted; so a walk comes to the same whether or not a part of it is stored already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace

from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.sides import Side
from freqfleet.errors import ParameterError
from freqfleet.parameters.version import ParameterVersion
from freqfleet.store.promise import WriteReceipt
from freqfleet.store.rows import parameter_version, version_row
from freqfleet.store.series import Reading


class Draft:
    """The trades that a walk may learn from, and the versions up to where it is. See `LearningMemory`.

    before : the versions that were recorded before the walk.
    """

    def __init__(self, trades: Iterable[ClosedTrade], before: Iterable[ParameterVersion]) -> None:
        self._trades = tuple(trades)
        self._versions = list(before)

    def closed_trades(
        self,
        *,
        closed_from: datetime | None = None,
        closed_to: datetime | None = None,
        bots: Sequence[str] | None = None,
        pairs: Sequence[str] | None = None,
    ) -> list[ClosedTrade]:
        """Return trades with closed_from <= closed_at < closed_to."""
        return [
            one
            for one in self._trades
            if (closed_from is None or closed_from <= one.closed_at)
            and (closed_to is None or one.closed_at < closed_to)
            and (bots is None or one.bot in bots)
            and (pairs is None or one.pair in pairs)
        ]

    def publish_parameters(self, versions: Sequence[ParameterVersion]) -> WriteReceipt:
        """Keep versions as a store would give them back."""
        known = {one.version_id for one in self._versions}
        rejected: list[str] = []
        fresh: dict[str, ParameterVersion] = {}
        for version in versions:
            try:
                row = version_row(version)
            except ParameterError as error:
                rejected.append(str(error))
                continue
            if version.version_id not in known:
                fresh[version.version_id] = parameter_version(SimpleNamespace(**row))
        self._versions += fresh.values()
        duplicate = len(versions) - len(rejected) - len(fresh)
        return WriteReceipt(accepted=len(fresh), duplicate=duplicate, rejected=tuple(rejected))

    def parameter_versions(self, *, recorded_to: datetime | None = None) -> list[ParameterVersion]:
        """Return every version recorded up to and including `recorded_to`, oldest recording first."""
        found = [one for one in self._versions if recorded_to is None or one.recorded_at <= recorded_to]
        return sorted(found, key=lambda one: one.recorded_at)

    def parameter_history(self, pair: str, side: Side | None = None) -> list[ParameterVersion]:
        """Return the versions of one pair, oldest recording first."""
        return [
            one
            for one in self.parameter_versions()
            if one.key.pair == pair and (side is None or one.key.side is side)
        ]

    def record_series(self, name: str, at: datetime, values: Mapping[str, float]) -> WriteReceipt:
        """Forget them: the walk stores the series of its steps itself, where it stores their versions."""
        del name, at, values
        return WriteReceipt()

    def series(
        self, name: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[Reading]:
        """Return none."""
        del name, since, until
        return []

    def drafted(self, at: datetime) -> list[ParameterVersion]:
        """Return the versions that the step at this time has made."""
        return [one for one in self._versions if one.recorded_at == at]
