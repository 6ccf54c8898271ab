"""Builders of report cards for tests: small, complete, made of nothing but numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from freqfleet.domain.decisions import Decision, Evidence, Verdict
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.report.card import (
    DecayLine,
    FamilyTest,
    FunnelStep,
    PairCard,
    ReportCard,
    SeedGate,
    Surface,
)
from freqfleet.validation.monte_carlo import block_bootstrap
from freqfleet.validation.overfitting import DeflatedSharpe, Overfitting

NOON = datetime(2025, 11, 1, 12, tzinfo=UTC)
DEFAULTS = ExitParameters(stop_loss=-0.03, take_profit=0.03)


def pair_card(pair: str, verdict: Verdict, *, side: Side = Side.LONG, peak_bps: float = 40.0) -> PairCard:
    """Return a pair whose surface has one hill of `peak_bps` at a stop of 2 % and a target of 5 %."""
    if verdict is Verdict.SKIPPED:
        return PairCard(
            decision=Decision(
                pair=pair,
                side=side,
                verdict=verdict,
                reason="15 trades, 60 needed",
                parameters=None,
                evidence=Evidence(trades=15),
            ),
            incumbent=DEFAULTS,
            incumbent_name="default",
        )
    candidate = ExitParameters(stop_loss=-0.02, take_profit=0.05)
    in_force = verdict in (Verdict.PUBLISHED, Verdict.INHERITED)
    returns = np.random.default_rng(len(pair)).normal(peak_bps / 1e4, 0.02, 230)
    return PairCard(
        decision=Decision(
            pair=pair,
            side=side,
            verdict=verdict,
            reason=f"p=0.0004, claim +{peak_bps:g} bps over the incumbent, 234 trades",
            parameters=candidate if in_force else DEFAULTS,
            evidence=evidence(certified_by="pair" if verdict is Verdict.PUBLISHED else None),
            version="3f9c0a1b2c3d" if in_force else None,
        ),
        candidate=candidate,
        incumbent=DEFAULTS,
        incumbent_name="default",
        incumbent_profit_bps=2.0,
        surface=hill(peak_bps),
        seed_gate=SeedGate(publishes=True, test_profit_bps=12.0, test_trades=70),
        monte_carlo=block_bootstrap(returns, level="position", seed=7, paths=100),
        overfitting=Overfitting(pbo=0.21, splits=70, mean_logit=1.3),
        sharpe=DeflatedSharpe(trials=12.4, expected_maximum=0.11, probability=0.87),
    )


def evidence(**changes: Any) -> Evidence:
    """Return what a gate that measures everything writes down."""
    values: dict[str, Any] = {
        "trades": 234,
        "effective_trades": 160.2,
        "claim_bps": 38.1,
        "improvement_bps": 44.0,
        "standard_error_bps": 12.5,
        "t_value": 3.52,
        "effective_df": 61.3,
        "p_value": 0.0004,
        "q_value": 0.012,
        "e_value": 3.1,
        "folds": 5,
        "worst_fold_bps": -4.2,
        "cost_stress_bps": 41.0,
        "plateau_ratio": 0.82,
        "plateau_neighbours": 9,
        "plateau_mean_profit": 0.00215,
        "plateau_least_profit": 0.0012,
        "plateau_widths": {"stop_loss": (-0.028, -0.016), "take_profit": (0.04, 0.061)},
        "boundary": (),
        "ambiguous_trades": 3,
        "family": "long, calm",
        "family_p_value": 0.002,
        "data_hash": "9f2c41d07b6e",
        "search": "exact",
        "candidates": 960_000,
        "bot_trades": {"BOT1": 180, "BOT3": 54},
        "train_profit": 0.0024,
        "test_profit": 0.0019,
        "incumbent_test_profit": 0.0011,
    }
    return Evidence(**{**values, **changes})


def hill(peak_bps: float, *, stop_count: int = 20, target_count: int = 30) -> Surface:
    """Return the surface of a hill; the tightest target is forbidden to the widest stop."""
    stops = np.geomspace(0.01, 0.05, stop_count)
    targets = np.geomspace(0.015, 0.2, target_count)
    distance = np.log(stops / 0.02)[:, None] ** 2 + np.log(targets / 0.05)[None, :] ** 2
    profit = peak_bps * (2.0 * np.exp(-2.0 * distance) - 1.0)
    plateau = profit > peak_bps * 0.7
    profit[-1, 0] = np.nan
    return Surface(
        stop_losses=tuple((-stops).tolist()),
        take_profits=tuple(targets.tolist()),
        profit_bps=profit,
        plateau=plateau,
    )


def report_card(pairs: tuple[PairCard, ...] | None = None) -> ReportCard:
    """Return the card of a run with one pair of each verdict, or with `pairs`."""
    shown = pairs or (
        pair_card("BTC/USDT:USDT", Verdict.PUBLISHED),
        pair_card("ETH/USDT:USDT", Verdict.INHERITED, side=Side.SHORT, peak_bps=25.0),
        pair_card("SOL/USDT:USDT", Verdict.KEPT, peak_bps=8.0),
        pair_card("XRP/USDT:USDT", Verdict.SKIPPED),
    )
    return ReportCard(
        run_id="20251101T120000Z-abc123",
        as_of=NOON,
        created_at=NOON,
        search="exact",
        candidates=2_880_000,
        elapsed_seconds=7.2,
        dry_run=False,
        defaults=DEFAULTS,
        costs="0.05 % a side, 0.02 % slippage, funding from history",
        pairs=shown,
        funnel=(
            FunnelStep(name="pairs and sides asked for", count=4),
            FunnelStep(name="at least 60 trades", count=3),
            FunnelStep(name="candidate differs from what is in force", count=3),
            FunnelStep(name="claim of at least 10 bps", count=2),
            FunnelStep(name="certified by its own trades", count=1),
        ),
        families=(
            FamilyTest(
                name="long, calm",
                members=2,
                trades=468,
                improvement_bps=31.0,
                standard_error_bps=9.0,
                t_value=3.4,
                effective_df=80.0,
                p_value=0.0005,
                fires=True,
            ),
            FamilyTest(
                name="short, wild",
                members=1,
                trades=234,
                improvement_bps=None,
                standard_error_bps=None,
                t_value=None,
                effective_df=None,
                p_value=None,
                fires=False,
            ),
        ),
        decay=(
            DecayLine(name="all pairs", trades=300, z=0.4, p_value=0.34, flagged=False),
            DecayLine(name="BTC/USDT:USDT long", trades=80, z=2.9, p_value=0.002, flagged=True),
        ),
        notes=("12 trades of BOT9 take no part: this run learns from BOT1, BOT2, BOT3",),
        commands=("freqfleet optimize --as-of 2025-11-01T12:00:00Z --report report",),
    )
