"""ParameterBook: an immutable snapshot that answers which parameters were in force at a time.

Nothing in it can read the future: a version counts from max(valid_from, recorded_at) on.
The order of the chain: pair -> every pair (inherited) -> leverage bin -> default.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from freqfleet.clock import to_ms
from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.domain.leverage_bins import LeverageBin, leverage_bin
from freqfleet.domain.sides import Side
from freqfleet.parameters.records import RecordBook
from freqfleet.parameters.version import ParameterKey, ParameterVersion, Stage

DEFAULT_VERSION = "default"
NO_RECORDS = RecordBook()


@dataclass(frozen=True, slots=True)
class Link:
    """One step of the chain: what was asked, and the version that answered, if one did."""

    level: str
    key: ParameterKey | None
    version: ParameterVersion | None
    note: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """The parameters in force, where they come from, and the chain that led there."""

    parameters: ExitParameters
    source: ExitSource
    version: str
    chain: tuple[Link, ...]


class _Series:
    """The champions and retirements of one key, by the time they take effect."""

    __slots__ = ("_times_ms", "_versions")

    def __init__(self, versions: list[ParameterVersion]) -> None:
        # A later recording wins among versions that take effect in the same millisecond.
        versions.sort(key=lambda one: (to_ms(one.effective_from), to_ms(one.recorded_at)))
        self._versions = tuple(versions)
        self._times_ms = [to_ms(one.effective_from) for one in versions]

    def at(self, at_ms: int) -> ParameterVersion | None:
        index = bisect_right(self._times_ms, at_ms)
        return self._versions[index - 1] if index else None

    def span_ms(self, at_ms: int) -> tuple[float, float]:
        """Return from when (in) until when (out) the answer is the one for `at_ms`."""
        index = bisect_right(self._times_ms, at_ms)
        since = self._times_ms[index - 1] if index else -math.inf
        return since, self._times_ms[index] if index < len(self._times_ms) else math.inf


class ParameterBook:
    """Every version a reader may use, the defaults underneath, and the records of leverage bins beside them.

    Thread-safety: its answers never change after construction; share it freely.
    """

    def __init__(
        self,
        versions: Iterable[ParameterVersion],
        *,
        defaults: ExitParameters,
        as_of: datetime | None = None,
        records: RecordBook = NO_RECORDS,
    ) -> None:
        series: dict[tuple[str | None, Side, LeverageBin | None], list[ParameterVersion]] = {}
        self.versions = tuple(versions)
        self.version_count = 0
        for version in self.versions:
            if version.stage is Stage.CANDIDATE:
                continue
            key = version.key
            series.setdefault((key.pair, key.side, key.leverage_bin), []).append(version)
            self.version_count += 1
        self._series = {key: _Series(listed) for key, listed in series.items()}
        self._answers: dict[tuple[str, Side, LeverageBin], tuple[float, float, Resolution]] = {}
        self.defaults = defaults
        self.as_of = as_of
        self.records = records

    def newest_effective_from(self, at: datetime) -> datetime | None:
        """Return when the newest version known at `at` took effect; None where nothing was."""
        known = (one.effective_from for one in self.versions if one.stage is not Stage.CANDIDATE)
        return max((moment for moment in known if to_ms(moment) <= to_ms(at)), default=None)

    def in_force(self, key: ParameterKey, at: datetime) -> ParameterVersion | None:
        """Return the champion of exactly this key at `at`, or None."""
        version = self._lookup(key.pair, key.side, key.leverage_bin, to_ms(at))
        return version if version is not None and version.stage is Stage.CHAMPION else None

    def without_champion(self, key: ParameterKey, at: datetime) -> ExitParameters:
        """Return what a learner compares the champion of exactly this key with: what it replaced.

        Those are the values of the version that its evidence names; the defaults where it names none.
        """
        champion = self.in_force(key, at)
        parent = champion.evidence.parent_version if champion is not None else None
        found = self._by_id.get(parent) if parent is not None else None
        return found.parameters if found is not None else self.defaults

    @cached_property
    def _by_id(self) -> dict[str, ParameterVersion]:
        return {one.version_id: one for one in self.versions}

    def champions(self, at: datetime) -> tuple[ParameterVersion, ...]:
        """Return every champion in force at `at`, by pair, side and bin."""
        found = [series.at(to_ms(at)) for series in self._series.values()]
        champions = [one for one in found if one is not None and one.stage is Stage.CHAMPION]
        return tuple(sorted(champions, key=lambda one: one.key.label))

    def resolve(self, pair: str, side: Side, leverage: float, at: datetime) -> Resolution:
        """Return what is in force for a position, with the whole chain (for `explain`).

        A strategy asks the same again and again: the last answer of each pair, side and bin is kept with
        the span of time it holds for.
        """
        return self._held(pair, side, leverage, to_ms(at))[2]

    def resolve_until(self, pair: str, side: Side, leverage: float, at: datetime) -> tuple[Resolution, float]:
        """Return what `resolve` does, and until when (out, milliseconds since 1970) it does."""
        _, until_ms, found = self._held(pair, side, leverage, to_ms(at))
        return found, until_ms

    def _held(self, pair: str, side: Side, leverage: float, at_ms: int) -> tuple[float, float, Resolution]:
        step = leverage_bin(leverage)
        known = self._answers.get((pair, side, step))
        if known is not None and known[0] <= at_ms < known[1]:
            return known
        found = self._resolve(pair, side, step, at_ms)
        spans = [
            self._series[key].span_ms(at_ms)
            for key in ((pair, side, None), (None, side, None), (pair, side, step), (None, side, step))
            if key in self._series
        ]
        since = max((one for one, _ in spans), default=-math.inf)
        until = min((one for _, one in spans), default=math.inf)
        self._answers[pair, side, step] = held = (since, until, found)
        return held

    def _resolve(self, pair: str, side: Side, step: LeverageBin, at_ms: int) -> Resolution:
        links: list[Link] = []
        for level, one_pair, one_bin in (
            ("pair", pair, None),
            ("inherited", None, None),
            ("bin", pair, step),
            ("bin of every pair", None, step),
        ):
            version = self._lookup(one_pair, side, one_bin, at_ms)
            key = ParameterKey(side=side, pair=one_pair, leverage_bin=one_bin)
            if version is None:
                links.append(Link(level, key, None, "nothing published"))
                continue
            if version.stage is Stage.RETIRED:
                links.append(Link(level, key, version, "retired"))
                continue
            links.append(Link(level, key, version, "in force"))
            return Resolution(version.parameters, version.source, version.version_id, tuple(links))
        links.append(Link("default", None, None, "in force"))
        return Resolution(self.defaults, ExitSource.DEFAULT, DEFAULT_VERSION, tuple(links))

    def _lookup(
        self, pair: str | None, side: Side, step: LeverageBin | None, at_ms: int
    ) -> ParameterVersion | None:
        series = self._series.get((pair, side, step))
        return series.at(at_ms) if series is not None else None
