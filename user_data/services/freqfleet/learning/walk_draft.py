"""Draft: what a walk has read and what it would store, in memory, as it was known at one time.

An optimizer and a controller take it for a store. Every step of a walk sees what the store held before the
walk, and what the steps before it have drafted; so a walk comes to the same whether or not a part of it is
stored already. Nothing that lies at or after the time of the step is to be had from it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from types import SimpleNamespace

import numpy as np

from freqfleet.clock import from_ms
from freqfleet.domain.bin_record import BinRecord
from freqfleet.errors import ParameterError
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.parameters import history
from freqfleet.parameters.version import ParameterVersion
from freqfleet.store.promise import StoreHealth, WriteReceipt
from freqfleet.store.rows import next_ms, parameter_version, version_row
from freqfleet.store.series import Reading

_recorded_at = attrgetter("recorded_at")


class Draft:
    """The trades that a walk may learn from, and what was recorded up to where it is. See `BinMemory`.

    trades : in the order of a store. at : where the walk is; `go_to` moves it, forward only.
    versions, records : what was recorded before the walk.
    """

    def __init__(
        self,
        trades: TradeColumns,
        versions: Iterable[ParameterVersion],
        records: Iterable[BinRecord] = (),
        *,
        at: datetime,
    ) -> None:
        self._trades = trades
        self._versions = list(versions)
        self._records = sorted(records, key=_recorded_at)
        self.at = at

    def go_to(self, at: datetime) -> None:
        """Stand at the next step."""
        self.at = at

    def trade_columns(
        self,
        *,
        closed_from: datetime | None = None,
        closed_to: datetime | None = None,
        bots: Sequence[str] | None = None,
        pairs: Sequence[str] | None = None,
    ) -> TradeColumns:
        """Return trades with closed_from <= closed_at < closed_to, none that closed at `at` or later."""
        last = self._closed_before(self.at if closed_to is None else min(closed_to, self.at))
        first = 0 if closed_from is None else min(self._closed_before(closed_from), last)
        trades = self._trades.subset(slice(first, last))
        if bots is not None:
            trades = trades.subset(trades.of_bots(bots))
        if pairs is not None:
            trades = trades.subset(trades.of_pairs(pairs))
        return trades

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
        return sorted(found, key=_recorded_at)

    def parameters_in_force(self, at: datetime) -> list[ParameterVersion]:
        """Return for each key the champion or retirement that took effect last by `at`."""
        return history.in_force(self.parameter_versions(recorded_to=at), at)

    def record_bins(self, records: Sequence[BinRecord]) -> WriteReceipt:
        """Keep what is known of leverage bins; a controller records a level once a cycle."""
        self._records += sorted(records, key=_recorded_at)
        return WriteReceipt(accepted=len(records))

    def bin_records(
        self, *, recorded_to: datetime | None = None, newest_only: bool = False
    ) -> list[BinRecord]:
        """Return every record up to and including `recorded_to`; of every level all, or the last one."""
        until = len(self._records)
        if recorded_to is not None:
            until = bisect_right(self._records, recorded_to, key=_recorded_at)
        found = self._records[:until]
        if newest_only:
            found = list({(one.pair, one.side, one.leverage_bin): one for one in found}.values())
        return sorted(found, key=lambda one: (one.recorded_at, one.label))

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

    def health(self) -> StoreHealth:
        """Return how much is known at `at`."""
        trades = self._closed_before(self.at)
        recordings = [one.recorded_at for one in self._versions]
        return StoreHealth(
            description="the draft of a walk",
            schema=0,
            trades=trades,
            versions=len(recordings),
            latency_ms=0.0,
            last_trade_closed_at=from_ms(int(self._trades.closed_ms[trades - 1])) if trades else None,
            last_version_recorded_at=max(recordings, default=None),
        )

    def drafted(self, at: datetime) -> list[ParameterVersion]:
        """Return the versions that the step at this time has made."""
        return [one for one in self._versions if one.recorded_at == at]

    def _closed_before(self, moment: datetime) -> int:
        return int(np.searchsorted(self._trades.closed_ms, next_ms(moment)))
