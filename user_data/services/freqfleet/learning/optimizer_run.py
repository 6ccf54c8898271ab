"""OptimizerRun: what a run of the optimizer came to, and the id of the question it answers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from freqfleet.domain.decisions import Verdict
from freqfleet.learning.certification import Gathering
from freqfleet.learning.pair_side import Finding
from freqfleet.learning.pair_work import PairOutcome
from freqfleet.settings import Settings
from freqfleet.validation.decay import DecayReport


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerRun:
    """A whole run. candidates : proposals tried in all. notes : what a person should be told.

    gathering : everything the gate saw and said; None where it had nothing to judge.
    decay : how what was in force before the run fares; None where the gate looked at nothing.
    """

    run_id: str
    as_of: datetime
    search: str
    dry_run: bool
    outcomes: tuple[PairOutcome, ...]
    elapsed_seconds: float
    notes: tuple[str, ...]
    gathering: Gathering | None = None
    decay: DecayReport | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, by pair and side."""
        return tuple(finding for outcome in self.outcomes for finding in outcome.findings)

    @property
    def candidates(self) -> int:
        """How many proposals were tried in all."""
        return sum(finding.decision.evidence.candidates or 0 for finding in self.findings)

    def count(self, verdict: Verdict) -> int:
        """Return how many decisions have this verdict."""
        return sum(finding.decision.verdict is verdict for finding in self.findings)

    @property
    def line(self) -> str:
        """What the heartbeat says: what was learned, from how many trades, and how long that took."""
        trades = sum(finding.decision.evidence.trades for finding in self.findings)
        verdicts = ", ".join(f"{self.count(one)} {one}" for one in Verdict if self.count(one))
        return (
            f"learned from {trades} trades of {len(self.outcomes)} pairs: {verdicts or 'no pairs'}, "
            f"{self.elapsed_seconds:.1f} s"
        )


def run_id_of(as_of: datetime, settings: Settings, search: str) -> str:
    """Return the same id for the same question: time, settings that matter, search."""
    asked = settings.model_dump_json(include={"bots", "defaults", "optimizer", "costs", "gate"})
    digest = hashlib.sha256(f"{search}|{asked}".encode()).hexdigest()
    return f"{as_of:%Y%m%dT%H%M%SZ}-{digest[:6]}"
