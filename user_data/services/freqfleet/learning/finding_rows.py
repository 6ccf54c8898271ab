"""What was found for a pair, as a JSON document and back: how finished pairs are remembered."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from freqfleet.clock import from_ms
from freqfleet.domain.decisions import Decision, Evidence, Verdict
from freqfleet.domain.exit_plan import read_exit_parameters
from freqfleet.domain.sides import Side
from freqfleet.learning.candidacy_text import candidacy_of_text, candidacy_text
from freqfleet.learning.pair_side import Finding
from freqfleet.learning.pair_work import PairOutcome
from freqfleet.store.rows import whole_ms

_OWN_FORM = ("decision", "holdout", "candidacy")


def outcome_row(outcome: PairOutcome) -> dict[str, Any]:
    """Return plain values; times are cut to whole milliseconds, as in the learning store."""
    return {
        "pair": outcome.pair,
        "latest_atr_ratio": outcome.latest_atr_ratio,
        "findings": [_finding_row(one) for one in outcome.findings],
    }


def pair_outcome(row: dict[str, Any]) -> PairOutcome:
    """Return the outcome of a row; raises KeyError, TypeError, ValueError or InputError for another one."""
    return PairOutcome(
        pair=row["pair"],
        latest_atr_ratio=row["latest_atr_ratio"],
        findings=tuple(_finding(one) for one in row["findings"]),
    )


def _finding_row(finding: Finding) -> dict[str, Any]:
    decision = finding.decision
    row = {one.name: getattr(finding, one.name) for one in fields(Finding) if one.name not in _OWN_FORM}
    until = finding.learned_until
    return {
        **row,
        "learned_until": None if until is None else whole_ms(until),
        "dropped": dict(finding.dropped),
        "decision": _decision_row(decision),
        "holdout": None if finding.holdout is None else _decision_row(finding.holdout),
        "candidacy": None if finding.candidacy is None else candidacy_text(finding.candidacy),
    }


def _decision_row(decision: Decision) -> dict[str, Any]:
    return {
        "pair": decision.pair,
        "side": decision.side.value,
        "verdict": decision.verdict.value,
        "reason": decision.reason,
        "parameters": None if decision.parameters is None else decision.parameters.to_dict(),
        "evidence": asdict(decision.evidence),
        "version": decision.version,
    }


def _finding(row: dict[str, Any]) -> Finding:
    until, holdout, candidacy = row["learned_until"], row.get("holdout"), row.get("candidacy")
    return Finding(
        **{
            **row,
            "decision": _decision(row["decision"]),
            "holdout": None if holdout is None else _decision(holdout),
            "candidacy": None if candidacy is None else candidacy_of_text(candidacy),
            "learned_until": None if until is None else from_ms(until),
        }
    )


def _decision(said: dict[str, Any]) -> Decision:
    exits = said["parameters"]
    return Decision(
        pair=said["pair"],
        side=Side(said["side"]),
        verdict=Verdict(said["verdict"]),
        reason=said["reason"],
        parameters=None if exits is None else read_exit_parameters(exits),
        evidence=Evidence.from_dict(said["evidence"]),
        version=said["version"],
    )
