"""ParameterVersion: one published, frozen value. Versions are only ever appended.

A rollback appends the old values again; a retraction appends a `retired` version, after which the
book goes on to the next link of its chain.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum

from freqfleet.clock import iso
from freqfleet.domain.decisions import Evidence
from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.domain.leverage_bins import LeverageBin
from freqfleet.domain.pairs import checked_pair
from freqfleet.domain.sides import Side
from freqfleet.errors import ParameterError


class Stage(StrEnum):
    """Where a version stands. Only a champion is read by bots."""

    CANDIDATE = "candidate"
    CHAMPION = "champion"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterKey:
    """What a version is for: a pair or every pair (None), a leverage bin or every leverage (None)."""

    side: Side
    pair: str | None = None
    leverage_bin: LeverageBin | None = None

    def __post_init__(self) -> None:
        if self.pair is not None:
            checked_pair(self.pair)

    @property
    def label(self) -> str:
        """How reports name this key, for example `BTC/USDT:USDT long 2.0-3.5`."""
        parts = [self.pair or "every pair", self.side.value]
        if self.leverage_bin is not None:
            parts.append(self.leverage_bin.label)
        return " ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterVersion:
    """One value for one key, with its two times and its evidence.

    valid_from : from when the values are meant to apply.
    recorded_at : when they became known to the store. A reader at T sees a version only from
        max(valid_from, recorded_at) on, so a back-filled version cannot leak into the past.
    learned_until : the close time of the last trade (or candle) that took part in learning.
    run_id : the optimizer run that made it.
    """

    key: ParameterKey
    parameters: ExitParameters
    source: ExitSource
    valid_from: datetime
    recorded_at: datetime
    learned_until: datetime
    run_id: str
    stage: Stage = Stage.CHAMPION
    evidence: Evidence = field(default_factory=Evidence)

    def __post_init__(self) -> None:
        if self.source is ExitSource.DEFAULT:
            raise ParameterError(f"{self.key.label}: defaults are settings, they are not published")
        for name in ("valid_from", "recorded_at", "learned_until"):
            if getattr(self, name).tzinfo is None:
                raise ParameterError(f"{self.key.label}: {name} needs a zone")

    @property
    def effective_from(self) -> datetime:
        """The first moment at which a reader may see this version."""
        return max(self.valid_from, self.recorded_at)

    @property
    def version_id(self) -> str:
        """Twelve hex digits of the content: equal content is the same version."""
        return _digest(self)


# Evidence that versions before it did not have: left out where it is None, so that their ids stay.
_LATER_EVIDENCE = frozenset({"optimistic_test_profit"})


def _digest(version: ParameterVersion) -> str:
    key = version.key
    evidence = {
        name: value
        for name, value in asdict(version.evidence).items()
        if value is not None or name not in _LATER_EVIDENCE
    }
    content = {
        "pair": key.pair,
        "side": key.side.value,
        "leverage_bin": key.leverage_bin.label if key.leverage_bin else None,
        "parameters": version.parameters.to_dict(),
        "source": version.source.value,
        "valid_from": iso(version.valid_from),
        "recorded_at": iso(version.recorded_at),
        "learned_until": iso(version.learned_until),
        "run_id": version.run_id,
        "stage": version.stage.value,
        "evidence": evidence,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
