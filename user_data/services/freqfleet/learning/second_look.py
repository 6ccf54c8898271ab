"""SecondLook: what the days since the last run say, after the gate has looked at the whole window.

The gate judges one moment. Looked at every day, three more rules keep the error rate where it belongs: a
paper account that has grown twentyfold publishes too; nothing changes twice within a week; and what is in
force goes back to what it replaced when later trades speak against it, by a second paper account or by decay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from freqfleet.clock import to_ms
from freqfleet.domain.decisions import Verdict
from freqfleet.learning.cells import Cells
from freqfleet.learning.certification import BPS, Certified, Gathering
from freqfleet.learning.standings import Choice, Record, brought_up_to_date, with_choice
from freqfleet.learning.wording import exits_text
from freqfleet.parameters.book import ParameterBook
from freqfleet.parameters.version import ParameterKey, ParameterVersion
from freqfleet.validation.decay import Decay, DecayReport, Window, claims_report
from freqfleet.validation.folds import DAY_MS
from freqfleet.validation.paper_account import CHANGE_AFTER_DAYS
from freqfleet.validation.selection import KEEP

RETRACTED = "retracted:"  # how the reason of a decision begins that takes a champion back


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraction:
    """A champion that is to go, and why."""

    champion: ParameterVersion
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """What stands after both looks. records : to be kept for the next run. decay : of what is in force."""

    gathering: Gathering
    records: Mapping[str, Record]
    retractions: tuple[Retraction, ...]
    decay: DecayReport


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondLook:
    """What a review needs beside the gathering. e_publish : the wealth at which an account is believed."""

    lattice: Cells
    book: ParameterBook
    as_of: datetime
    e_publish: float
    fdr: float
    pooled_alpha: float
    before: Mapping[str, Record] = field(default_factory=dict)

    @property
    def _today(self) -> int:
        return to_ms(self.as_of) // DAY_MS

    def review(self, gathering: Gathering) -> Reviewed:
        """Return what stands after the daily rules."""
        champions = {one.ruling.key: self._champion(one) for one in gathering.certified}
        decay = self._decay(gathering, champions)
        by_key = {one.key: one for one in decay.units}
        falls_behind = {key: by_key[key] for key in decay.flagged}
        reviewed, records, retractions = [], dict(self.before), []
        for certified in gathering.certified:
            key = certified.ruling.key
            one, record, retraction = self._reviewed(certified, champions[key], falls_behind.get(key))
            one = _with_decay(one, by_key.get(key))
            reviewed.append(one)
            records[key] = with_choice(record, self._choice(one))
            if retraction is not None:
                retractions.append(retraction)
        return Reviewed(
            gathering=replace(gathering, certified=tuple(reviewed)),
            records=records,
            retractions=tuple(retractions),
            decay=decay,
        )

    def _reviewed(
        self, certified: Certified, champion: ParameterVersion | None, decayed: Decay | None
    ) -> tuple[Certified, Record, Retraction | None]:
        record = brought_up_to_date(
            self.before.get(certified.ruling.key),
            certified.candidacy,
            self.lattice,
            as_of_ms=to_ms(self.as_of),
            is_default=champion is None,
        )
        one, record = self._by_account(certified, record)
        if champion is None:
            return one, record, None
        if _takes(one):
            return _with_parent(one, champion), record, None
        reason = self._why_retracted(record, decayed)
        if reason is None:
            return one, record, None
        retracted = Record(
            in_force=one.candidacy.fallback,
            standing=record.standing.retracted(self._today),
            booked_until=self._today,
        )
        return (
            _reworded(one, f"{RETRACTED} {reason}"),
            retracted,
            Retraction(champion=champion, reason=reason),
        )

    def _by_account(self, one: Certified, record: Record) -> tuple[Certified, Record]:
        """Return what the candidate's account makes of a ruling, and the record after it."""
        standing, today = record.standing, self._today
        candidate = standing.candidate.settled(today)
        wealth = candidate.wealth
        decision = one.finding.decision
        evidence = replace(decision.evidence, e_value=wealth)
        one = replace(one, finding=replace(one.finding, decision=replace(decision, evidence=evidence)))
        earned = replace(standing, candidate=candidate).publishes(today, self.e_publish)
        exits = None
        if one.selected != KEEP:
            exits = self.lattice.exits_of(one.candidacy, one.selected)
        if not _takes(one) and earned and exits is not None:
            decision = replace(
                one.finding.decision,
                verdict=Verdict.PUBLISHED,
                parameters=exits,
                reason=f"its paper account stands at {wealth:.1f}, {self.e_publish:g} publish; claim "
                f"{one.ruling.claim_bps:+.1f} bps over what is in force",
                evidence=replace(evidence, certified_by="account"),
            )
            one = replace(one, finding=replace(one.finding, decision=decision))
        if not _takes(one):
            return one, record
        if not standing.may_change(today):
            assert standing.changed_day is not None
            return _kept(one, today - standing.changed_day), record
        in_force = one.finding.decision.parameters
        assert in_force is not None
        return one, Record(in_force=in_force, standing=standing.published(today), booked_until=today)

    def _why_retracted(self, record: Record, decayed: Decay | None) -> str | None:
        standing, today = record.standing, self._today
        if not standing.may_change(today):
            return None
        if decayed is not None:
            return f"later trades fall {decayed.z:.1f} standard errors behind what was claimed"
        if standing.mirrored is None:
            return None
        mirrored = standing.mirrored.settled(today)
        if not replace(standing, mirrored=mirrored).retracts(today, self.e_publish):
            return None
        return f"the paper account of what it replaced stands at {mirrored.wealth:.1f}"

    def _choice(self, one: Certified) -> Choice:
        estimates = one.candidacy.estimates
        variance = 0.0
        if one.selected != KEEP:
            variance = float(estimates.variance[-1, one.selected] * estimates.effective_trades[-1])
        return Choice(
            from_day=self._today + 1,
            cell=one.selected,
            edge=one.ruling.claim_bps / BPS,
            variance=variance,
        )

    def _champion(self, one: Certified) -> ParameterVersion | None:
        decision = one.finding.decision
        return self.book.in_force(
            ParameterKey(side=decision.side, pair=decision.pair, leverage_bin=decision.leverage_bin),
            self.as_of,
        )

    def _decay(self, gathering: Gathering, champions: Mapping[str, ParameterVersion | None]) -> DecayReport:
        keys, claims, windows = [], [], []
        for one in gathering.certified:
            champion = champions[one.ruling.key]
            if champion is None:
                continue
            claim, error = champion.evidence.claim_bps, champion.evidence.standard_error_bps
            if claim is None or error is None:
                continue
            later = one.candidacy.entered_ms > to_ms(champion.learned_until)
            gains = one.candidacy.incumbent_profit - one.candidacy.fallback_profit
            keys.append(one.ruling.key)
            claims.append((claim / BPS, error / BPS))
            windows.append(Window(differences=gains[later], entered_ms=one.candidacy.entered_ms[later]))
        return claims_report(keys, claims, windows, pooled_alpha=self.pooled_alpha, fdr=self.fdr)


def _takes(one: Certified) -> bool:
    return one.finding.decision.verdict in (Verdict.PUBLISHED, Verdict.INHERITED)


def _with_parent(one: Certified, champion: ParameterVersion) -> Certified:
    """Return a taken candidate that names what it replaces."""
    decision = one.finding.decision
    evidence = replace(decision.evidence, parent_version=champion.version_id)
    return replace(one, finding=replace(one.finding, decision=replace(decision, evidence=evidence)))


def _with_decay(one: Certified, decay: Decay | None) -> Certified:
    """Return a ruling on what stays in force that says how that fares; a new version has no past."""
    if decay is None or decay.unsure or _takes(one):
        return one
    decision = one.finding.decision
    evidence = replace(decision.evidence, decay_z=decay.z)
    return replace(one, finding=replace(one.finding, decision=replace(decision, evidence=evidence)))


def _kept(one: Certified, days: int) -> Certified:
    decision = one.finding.decision
    assert decision.parameters is not None
    reason = (
        f"what is in force changed {days} days ago, and changes at most once in {CHANGE_AFTER_DAYS} days; "
        f"found {exits_text(decision.parameters)}: {decision.reason}"
    )
    kept = replace(decision, verdict=Verdict.KEPT, reason=reason, parameters=one.candidacy.incumbent)
    return replace(one, finding=replace(one.finding, decision=kept))


def _reworded(one: Certified, reason: str) -> Certified:
    decision = one.finding.decision
    said = replace(decision, verdict=Verdict.KEPT, reason=reason, parameters=one.candidacy.fallback)
    return replace(one, finding=replace(one.finding, decision=said))
