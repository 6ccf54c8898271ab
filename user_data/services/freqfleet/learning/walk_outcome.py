"""A walk as a JSON document (`walk-forward --json`, schema 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from freqfleet.clock import iso
from freqfleet.domain.decisions import Verdict
from freqfleet.learning.walk_forward import Step
from freqfleet.parameters.version import ParameterVersion

SCHEMA = 1


def walk_document(steps: Sequence[Step]) -> dict[str, Any]:
    """Return plain values; of decisions only what became versions."""
    return {
        "schema": SCHEMA,
        "search": steps[0].run.search,
        "steps": [_step(one) for one in steps],
        "versions": sum(len(one.versions) for one in steps),
        "bin_records": sum(len(one.records) for one in steps),
    }


def _step(step: Step) -> dict[str, Any]:
    verdicts = {one.decision.version: one.decision.verdict.value for one in step.taken}
    return {
        "as_of": iso(step.as_of),
        "run_id": step.run.run_id,
        **{verdict.value: step.run.count(verdict) for verdict in Verdict},
        "trades": step.trades,
        "stored_before": step.stored_before,
        "elapsed_seconds": round(step.run.elapsed_seconds, 3),
        "notes": list(step.notes),
        "bins": {
            "records": [one.to_dict() for one in step.records],
            "judged": len(step.bin_findings),
            "published": step.cycle.exits.published if step.cycle.exits is not None else 0,
            "elapsed_seconds": round(step.cycle.wall_seconds, 3),
        },
        "versions": [_version(one, verdicts.get(one.version_id, "retracted")) for one in step.versions],
    }


def _version(version: ParameterVersion, verdict: str) -> dict[str, Any]:
    evidence = version.evidence
    return {
        "version": version.version_id,
        "pair": version.key.pair,
        "side": version.key.side.value,
        "leverage_bin": None if version.key.leverage_bin is None else version.key.leverage_bin.label,
        "verdict": verdict,
        "stage": version.stage.value,
        "parameters": version.parameters.to_dict(),
        "trades": evidence.trades,
        "claim_bps": evidence.claim_bps,
        "p_value": evidence.p_value,
        "learned_until": iso(version.learned_until),
    }
