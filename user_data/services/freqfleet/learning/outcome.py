"""The run as a JSON document (contracts: `optimize --json`, schema 1)."""

from __future__ import annotations

from typing import Any

from freqfleet.clock import iso
from freqfleet.learning.optimizer import OptimizerRun
from freqfleet.learning.pair_side import Finding
from freqfleet.learning.pair_work import PairOutcome

SCHEMA = 1


def to_document(run: OptimizerRun) -> dict[str, Any]:
    """Return plain values; what was not measured is None."""
    return {
        "schema": SCHEMA,
        "run_id": run.run_id,
        "as_of": iso(run.as_of),
        "search": run.search,
        "candidates": run.candidates,
        "elapsed_seconds": round(run.elapsed_seconds, 3),
        "dry_run": run.dry_run,
        "notes": list(run.notes),
        "decisions": [
            _decision(outcome, finding) for outcome in run.outcomes for finding in outcome.findings
        ],
    }


def _decision(outcome: PairOutcome, finding: Finding) -> dict[str, Any]:
    decision, evidence = finding.decision, finding.decision.evidence
    exits = decision.parameters
    return {
        "pair": decision.pair,
        "side": decision.side.value,
        "verdict": decision.verdict.value,
        "reason": decision.reason,
        "stop_loss": exits.stop_loss if exits else None,
        "take_profit": exits.take_profit if exits else None,
        # Seed 000's name: the factor on both barriers if a position opened now.
        "volatility_multiplier": exits.volatility_factor(outcome.latest_atr_ratio) if exits else None,
        "volatility_scaling": exits.volatility_scaling if exits else None,
        "atr_reference_ratio": exits.atr_reference_ratio if exits else None,
        "time_limit_minutes": exits.time_limit_minutes if exits else None,
        "trades": evidence.trades,
        "effective_trades": evidence.effective_trades,
        "bot_trades": evidence.bot_trades,
        "claim_bps": evidence.claim_bps,
        "p_value": evidence.p_value,
        "e_value": evidence.e_value,
        "train_profit": evidence.train_profit,
        "test_profit": evidence.test_profit,
        "incumbent_test_profit": evidence.incumbent_test_profit,
        "backtested_profit": evidence.backtested_profit,
        "win_rate": evidence.win_rate,
        "profit_factor": evidence.profit_factor,
        "sharpe_per_trade": evidence.sharpe_per_trade,
        "ambiguous_trades": evidence.ambiguous_trades,
        "detail_trades": evidence.detail_trades,
        "plateau_ratio": evidence.plateau_ratio,
        "plateau_widths": evidence.plateau_widths,
        "boundary": evidence.boundary,
        "optimistic_test_profit": evidence.optimistic_test_profit,
        "dropped": dict(finding.dropped),
        "purged": finding.purged,
        "without_funding": finding.without_funding,
        "parameter_importance": finding.parameter_importance,
        "without_liquidation": finding.without_liquidation,
        "version": decision.version,
    }
