"""From a finished optimizer run to its report card."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from freqfleet.domain.decisions import Verdict
from freqfleet.domain.known import known
from freqfleet.learning.candidacy import Candidacy
from freqfleet.learning.certification import Certified
from freqfleet.learning.lattice import Lattice
from freqfleet.learning.optimizer_run import OptimizerRun
from freqfleet.learning.pair_side import Finding
from freqfleet.learning.path_lattice import PATH_SEARCH, PathLattice
from freqfleet.learning.search import study_seed
from freqfleet.replay.metrics import weighted_mean
from freqfleet.report.card import DecayLine, FamilyTest, FunnelStep, PairCard, ReportCard, Surface
from freqfleet.report.card_build import card_surface, overfitting, seed_gate, sharpe
from freqfleet.report.formats import as_bps, as_percent
from freqfleet.settings import CostSettings, Settings
from freqfleet.validation.decay import Decay
from freqfleet.validation.monte_carlo import block_bootstrap
from freqfleet.validation.publication import FamilyRuling
from freqfleet.validation.selection import KEEP

# Of the account in each trade, without leverage: what a fleet of some ten open positions does.
STAKE_RATIO = 0.1
_BPS = 1e4


def report_card(
    run: OptimizerRun, settings: Settings, *, created_at: datetime, commands: Sequence[str] = ()
) -> ReportCard:
    """Return the card of a run that was judged by these settings.

    A pair that did not stand before the gate has its decision and evidence alone.
    """
    certified = run.gathering.certified if run.gathering is not None else ()
    by_side = {(one.finding.decision.pair, one.finding.decision.side): one for one in certified}
    lattice: Lattice | PathLattice = (
        PathLattice() if run.search == PATH_SEARCH else Lattice(settings.optimizer, settings.gate.lattice)
    )
    pairs = tuple(
        _pair(finding, by_side.get((finding.decision.pair, finding.decision.side)), lattice, settings)
        for finding in run.findings
    )
    return ReportCard(
        run_id=run.run_id,
        as_of=run.as_of,
        created_at=created_at,
        search=run.search,
        candidates=run.candidates,
        elapsed_seconds=run.elapsed_seconds,
        dry_run=run.dry_run,
        defaults=settings.defaults.parameters(),
        costs=_costs(settings.costs),
        pairs=pairs,
        funnel=_funnel(run, certified, settings),
        families=tuple(_family(one) for one in run.gathering.families) if run.gathering is not None else (),
        decay=_decay(run),
        notes=run.notes,
        commands=tuple(commands),
    )


def _pair(
    finding: Finding, certified: Certified | None, lattice: Lattice | PathLattice, settings: Settings
) -> PairCard:
    decision = finding.decision
    if certified is None:
        kept = decision.parameters if decision.verdict is Verdict.KEPT else None
        return PairCard(decision=decision, incumbent=kept, incumbent_name="what was in force")
    brought = certified.candidacy
    cell = certified.selected
    chosen = None if cell == KEEP else lattice.exits_of(brought, cell)
    profits = lattice.profit_table(brought)
    in_force = float(weighted_mean(brought.incumbent_profit, brought.weights))
    gains = certified.held_out_gain if decision.verdict is Verdict.PUBLISHED else 0.0
    order = np.argsort(brought.window_end_ms, kind="stable")
    defaults = settings.defaults.parameters()
    return PairCard(
        decision=decision,
        candidate=chosen,
        incumbent=brought.incumbent,
        incumbent_name="default" if brought.incumbent == defaults else "published before",
        incumbent_profit_bps=in_force * _BPS,
        surface=_surface(brought, lattice, cell, in_force),
        seed_gate=seed_gate(profits, brought.weights, brought.entered_ms),
        monte_carlo=block_bootstrap(
            (brought.incumbent_profit + gains)[order],
            level="position",
            seed=study_seed(settings.optimizer.seed, decision.pair, decision.side),
            stake_ratio=STAKE_RATIO,
        ),
        overfitting=overfitting(profits, brought.weights, brought.entered_ms),
        sharpe=None if cell == KEEP else sharpe(profits, cell),
    )


def _surface(
    brought: Candidacy, lattice: Lattice | PathLattice, cell: int, in_force: float
) -> Surface | None:
    """Return the surface of a pair side; None where the cells lie on no axes to draw one over."""
    if isinstance(lattice, PathLattice):
        return None
    means = lattice.surface(brought.estimates.mean[-1].astype(np.float64)) + in_force
    error = None if cell == KEEP else float(np.sqrt(brought.estimates.variance[-1, cell]))
    chosen = None if cell == KEEP else lattice.exits_of(brought, cell)
    return card_surface(lattice.axes, means, chosen=chosen, standard_error=error)


def _funnel(run: OptimizerRun, certified: Sequence[Certified], settings: Settings) -> tuple[FunnelStep, ...]:
    bar = settings.gate.claim_min_bps
    moved = [one for one in certified if one.selected != KEEP]
    claiming = [one for one in moved if one.ruling.claim_bps >= bar]
    steps = (
        ("pairs and sides asked for", len(run.findings)),
        (f"at least {settings.gate.family_trades} trades to judge by", len(certified)),
        ("another exit is believed to be better", len(moved)),
        (f"by {as_bps(bar, sign=False)} a trade or more", len(claiming)),
        ("certified by its family or itself", run.count(Verdict.PUBLISHED) + run.count(Verdict.INHERITED)),
        ("certified by its own trades", run.count(Verdict.PUBLISHED)),
    )
    return tuple(FunnelStep(name=name, count=count) for name, count in steps)


def _family(family: FamilyRuling) -> FamilyTest:
    test = family.test
    return FamilyTest(
        name=family.name,
        members=family.units,
        trades=0 if test is None else test.trades,
        improvement_bps=None if test is None else known(test.mean * _BPS),
        standard_error_bps=None if test is None else known(test.standard_error * _BPS),
        t_value=None if test is None else known(test.t),
        effective_df=None if test is None else known(test.effective_df),
        p_value=family.p_value,
        fires=family.fires,
    )


def _decay(run: OptimizerRun) -> tuple[DecayLine, ...]:
    if run.decay is None or not run.decay.units:
        return ()
    flagged = set(run.decay.flagged)
    return (
        _decay_line("all pairs", run.decay.pooled, flagged=run.decay.decayed),
        *(_decay_line(one.key, one, flagged=one.key in flagged) for one in run.decay.units),
    )


def _decay_line(name: str, decay: Decay, *, flagged: bool) -> DecayLine:
    sure = not decay.unsure
    return DecayLine(
        name=name,
        trades=decay.trades,
        z=decay.z if sure else None,
        p_value=decay.p_value if sure else None,
        flagged=flagged,
    )


def _costs(costs: CostSettings) -> str:
    funding = "funding from history" if costs.funding == "history" else "no funding"
    return f"{as_percent(costs.fee)} a side, {as_percent(costs.slippage)} slippage, {funding}"
