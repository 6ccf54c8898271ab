"""Publisher: puts what was decided into the store, and keeps it safe while the store is away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from freqfleet.clock import Clock
from freqfleet.domain.decisions import Verdict
from freqfleet.domain.exits import ExitSource
from freqfleet.errors import StoreUnavailable
from freqfleet.learning.memory import LearningMemory
from freqfleet.learning.pair_side import Finding
from freqfleet.learning.pending import PendingParameters
from freqfleet.parameters.book import ParameterBook
from freqfleet.parameters.lifecycle import retracted
from freqfleet.parameters.version import ParameterKey, ParameterVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Publishes one finding at a time.

    pending : where results wait while the store cannot be written; None lets StoreUnavailable through.
    note : is told what a person should know.
    published_before : ids of the versions that an interrupted call of the same run has published.
    """

    store: LearningMemory
    clock: Clock
    run_id: str
    pending: PendingParameters | None
    note: Callable[[str], None]
    published_before: Mapping[ParameterKey, str] = field(default_factory=dict)

    def publish(self, finding: Finding) -> Finding:
        """Store a finding that is to be published; returns it with the version it became.

        A finding that is not to be published comes back as it is.
        """
        decision = finding.decision
        if decision.verdict not in (Verdict.PUBLISHED, Verdict.INHERITED):
            return finding
        assert decision.parameters is not None
        assert finding.learned_until is not None
        step = decision.leverage_bin
        key = ParameterKey(side=decision.side, pair=decision.pair, leverage_bin=step)
        if key in self.published_before:  # killed after it was stored, before it was known as finished
            return replace(finding, decision=replace(decision, version=self.published_before[key]))
        now = self.clock.now()
        version = ParameterVersion(
            key=key,
            parameters=decision.parameters,
            source=ExitSource.OPTUNA if step is None else ExitSource.BIN,
            valid_from=now,
            recorded_at=now,
            learned_until=finding.learned_until,
            run_id=self.run_id,
            evidence=decision.evidence,
        )
        try:
            receipt = self.store.publish_parameters([version])
        except StoreUnavailable as error:
            if self.pending is None:
                raise
            self.pending.add([version])
            self.note(f"the store cannot be written ({error}); results wait in {self.pending.file}")
            waiting = f"{decision.reason}; waits in {self.pending.file.name}, not in force yet"
            return replace(finding, decision=replace(decision, reason=waiting))
        if receipt.rejected:
            refused = f"the store refused it: {receipt.rejected[0]}"
            return replace(finding, decision=replace(decision, verdict=Verdict.KEPT, reason=refused))
        return replace(finding, decision=replace(decision, version=version.version_id))

    def retract(self, champion: ParameterVersion, book: ParameterBook, reason: str) -> None:
        """Take a champion of the book back: its parent is in force again, or the next link of the chain."""
        version = retracted(champion, book.versions, book, at=self.clock.now(), note=reason)
        try:
            receipt = self.store.publish_parameters([version])
        except StoreUnavailable as error:
            if self.pending is None:
                raise
            self.pending.add([version])
            self.note(f"the store cannot be written ({error}); a retraction waits in {self.pending.file}")
            return
        for refused in receipt.rejected:
            self.note(f"the store refused to retract {champion.version_id}: {refused}")
        if not receipt.rejected:
            self.note(f"{champion.key.label}: {champion.version_id} is retracted: {reason}")
