"""The run as a JSON document (contracts: `optimize --json`, schema 1)."""

from __future__ import annotations

from typing import Any

from freqfleet.clock import iso
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.known import known
from freqfleet.domain.managed_exits import ManagedExits
from freqfleet.learning.optimizer_run import OptimizerRun
from freqfleet.learning.pair_side import Finding
from freqfleet.learning.pair_work import PairOutcome
from freqfleet.validation.decay import Decay, DecayReport

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
        "decay": None if run.decay is None else _decay_block(run.decay),
        "decisions": [
            _decision(outcome, finding) for outcome in run.outcomes for finding in outcome.findings
        ],
    }


def _decay_block(report: DecayReport) -> dict[str, Any]:
    """Return how what was in force fares; the keys are pairs and sides, `all` for the pool."""
    return {
        "decayed": report.decayed,
        "flagged": list(report.flagged),
        "all": _decay(report.pooled),
        "units": [_decay(one) for one in report.units],
    }


def _decay(one: Decay) -> dict[str, Any]:
    return {
        "key": one.key,
        "trades": one.trades,
        "learned_bps": known(one.learned_bps),
        "since_bps": known(one.since_bps),
        "z": known(one.z),
        "p_value": None if one.unsure else one.p_value,
        "unsure": one.unsure or None,
    }


def _followed(exits: ExitParameters | None) -> dict[str, Any] | None:
    """Return the parts of exits that follow the path and are on; None where none is."""
    if not isinstance(exits, ManagedExits) or exits.is_plain:
        return None
    plain = exits.plain().to_dict()
    return {name: value for name, value in exits.to_dict().items() if name not in plain and value}


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
        "follows_path": _followed(exits),
        "trades": evidence.trades,
        "effective_trades": evidence.effective_trades,
        "bot_trades": evidence.bot_trades,
        "claim_bps": evidence.claim_bps,
        "p_value": evidence.p_value,
        "q_value": evidence.q_value,
        "e_value": evidence.e_value,
        "decay_z": evidence.decay_z,
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
        "plateau_neighbours": evidence.plateau_neighbours,
        "plateau_mean_profit": evidence.plateau_mean_profit,
        "plateau_least_profit": evidence.plateau_least_profit,
        "plateau_widths": evidence.plateau_widths,
        "boundary": evidence.boundary,
        "optimistic_test_profit": evidence.optimistic_test_profit,
        "dropped": dict(finding.dropped),
        "purged": finding.purged,
        "without_funding": finding.without_funding,
        "parameter_importance": finding.parameter_importance,
        "without_liquidation": finding.without_liquidation,
        "coarse": finding.coarse,
        "version": decision.version,
    }
