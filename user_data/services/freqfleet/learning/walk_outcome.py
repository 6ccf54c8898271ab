"""A walk as a JSON document (`walk-forward --json`, schema 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from freqfleet.clock import iso
from freqfleet.domain.decisions import Verdict
from freqfleet.learning.pair_side import Finding
from freqfleet.learning.walk_forward import Step

SCHEMA = 1


def walk_document(steps: Sequence[Step]) -> dict[str, Any]:
    """Return plain values; of decisions only those that became versions."""
    return {
        "schema": SCHEMA,
        "search": steps[0].run.search,
        "steps": [_step(one) for one in steps],
        "versions": sum(len(one.taken) for one in steps),
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "as_of": iso(step.as_of),
        "run_id": step.run.run_id,
        **{verdict.value: step.run.count(verdict) for verdict in Verdict},
        "trades": step.trades,
        "stored_before": step.stored_before,
        "elapsed_seconds": round(step.run.elapsed_seconds, 3),
        "notes": list(step.run.notes),
        "versions": [_version(one) for one in step.taken],
    }


def _version(finding: Finding) -> dict[str, Any]:
    decision = finding.decision
    assert decision.parameters is not None
    assert finding.learned_until is not None
    return {
        "version": decision.version,
        "pair": decision.pair,
        "side": decision.side.value,
        "verdict": decision.verdict.value,
        "reason": decision.reason,
        "parameters": decision.parameters.to_dict(),
        "trades": decision.evidence.trades,
        "claim_bps": decision.evidence.claim_bps,
        "p_value": decision.evidence.p_value,
        "learned_until": iso(finding.learned_until),
    }
