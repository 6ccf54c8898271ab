"""Questions to a list of versions, for a store that holds them in memory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from freqfleet.domain.sides import Side
from freqfleet.parameters.version import ParameterKey, ParameterVersion, Stage


def in_force(versions: Iterable[ParameterVersion], at: datetime) -> list[ParameterVersion]:
    """Return for each key the champion or retirement that took effect last by `at`, by recording.

    versions : in the order they were recorded; of two that take effect at once the later one counts.
    """
    found: dict[ParameterKey, ParameterVersion] = {}
    for one in versions:
        if one.stage is Stage.CANDIDATE or one.effective_from > at:
            continue
        before = found.get(one.key)
        if before is None or one.effective_from >= before.effective_from:
            found[one.key] = one
    return sorted(found.values(), key=lambda one: one.recorded_at)


def of_pair(
    versions: Iterable[ParameterVersion], pair: str, side: Side | None = None
) -> list[ParameterVersion]:
    """Return the versions of one pair, or of one of its sides, in the order they come in."""
    return [one for one in versions if one.key.pair == pair and (side is None or one.key.side is side)]
