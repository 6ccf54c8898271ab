"""Certification: the second half of a run, in which all pairs stand before the gate together.

The first half works pair by pair and may be spread over processes; what it brings home is a candidacy each.
Here they are compared: which exits the pairs believe in jointly, what those earned on trades that had no
part in the choice, and for which of them chance is no explanation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from freqfleet.domain.decisions import CertifiedBy, Decision, Evidence, Verdict
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.known import known
from freqfleet.domain.sides import Side
from freqfleet.learning.candidacy import Candidacy
from freqfleet.learning.cells import Cells
from freqfleet.learning.pair_side import Finding
from freqfleet.learning.plateau import Plateau
from freqfleet.learning.wording import exits_text, path_text
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.replay.metrics import score, weighted_mean
from freqfleet.validation.families import UnitLabels, families
from freqfleet.validation.folds import Fold, fold_of_trades
from freqfleet.validation.publication import FamilyRuling, GateRules, UnitRuling, judge
from freqfleet.validation.selection import KEEP, Selection, Unit, cells_of_trades, select

BPS = 1e4


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """One pair and side after the gate.

    finding : with the decision that counts. posterior : (cells,), believed improvement over what is in force,
    as a position-level ratio. cells : (folds + 1,), chosen without each fold, then by all trades.
    held_out_gain : (n,), what every trade earned in the cell chosen without it, over what is in force.
    """

    finding: Finding
    ruling: UnitRuling
    candidacy: Candidacy
    cells: IntArray
    posterior: FloatArray
    held_out_gain: FloatArray

    @property
    def selected(self) -> int:
        """The cell of the lattice that is believed in most, `KEEP` for what is in force."""
        return int(self.cells[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """All that stood before the gate. families : the pooled test of each."""

    certified: tuple[Certified, ...]
    families: tuple[FamilyRuling, ...]

    def of(self, pair: str, side: Side) -> Certified | None:
        """Return what was found for a pair and side; None for one that brought too little."""
        return next(
            (
                one
                for one in self.certified
                if (one.finding.decision.pair, one.finding.decision.side) == (pair, side)
            ),
            None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Certifier:
    """Holds what is the same for every pair. search : by which the findings were made.

    refusal : why nothing of this run can be certified, None where it can.
    families : what pair sides must have in common to learn from each other, of `families.DIMENSIONS`.
    meta_bots : bots that trade on what others signal;
        a pair side is of the kind that made most of its trades.
    """

    lattice: Cells
    folds: Sequence[Fold]
    rules: GateRules
    search: str
    refusal: str | None
    families: Sequence[str]
    meta_bots: frozenset[str]

    def refused(self, finding: Finding, incumbent: ExitParameters) -> Finding:
        """Return a finding that cannot stand before the gate: what it found is shown, not published."""
        decision = finding.decision
        if self.refusal is None or decision.verdict is Verdict.SKIPPED:
            return finding
        found = ""
        if decision.verdict is Verdict.PUBLISHED and decision.parameters is not None:
            found = f"; found {exits_text(decision.parameters)}"
        reason = f"{self.refusal} ({decision.reason}{found})"
        kept = replace(decision, verdict=Verdict.KEPT, reason=reason, parameters=incumbent)
        return replace(finding, decision=kept, holdout=decision)

    def gather(self, findings: Sequence[Finding]) -> Gathering:
        """Let every finding that brings a candidacy stand before the gate."""
        standing = [(one, one.candidacy) for one in findings if one.candidacy is not None]
        names = families([self._labels(one) for _, one in standing], by=self.families)
        units = [self._unit(one, family) for (_, one), family in zip(standing, names, strict=True)]
        selection = select(units)
        profits = [self._held_out(selection, at, one) for at, (_, one) in enumerate(standing)]
        gains = [mine - one.incumbent_profit for mine, (_, one) in zip(profits, standing, strict=True)]
        rulings = judge(units, selection, self.folds, gains, self.rules)
        certified = []
        for at, ((finding, candidacy), ruling) in enumerate(zip(standing, rulings.units, strict=True)):
            selected = int(selection.cells[at, -1])
            decided = self._decided(finding, candidacy, ruling, selected, profits[at])
            certified.append(
                Certified(
                    finding=decided,
                    ruling=ruling,
                    candidacy=candidacy,
                    cells=selection.cells[at],
                    posterior=selection.posterior[at],
                    held_out_gain=gains[at],
                )
            )
        return Gathering(certified=tuple(certified), families=rulings.families)

    def _unit(self, candidacy: Candidacy, family: str) -> Unit:
        return Unit(
            key=candidacy.key,
            family=family,
            group=None if candidacy.leverage_bin is None else f"{candidacy.pair} {candidacy.side.value}",
            entered_ms=candidacy.entered_ms,
            weights=candidacy.weights,
            estimates=candidacy.estimates,
            incumbent=self.lattice.cell_in_force(candidacy),
        )

    def _labels(self, candidacy: Candidacy) -> UnitLabels:
        by_meta = sum(bot in self.meta_bots for bot in candidacy.bots)
        return UnitLabels(
            side=candidacy.side.value,
            bot_kind="meta" if 2 * by_meta > len(candidacy) else "signal",
            volatility_ratio=candidacy.atr_reference_ratio or 0.0,  # not known counts as calm
        )

    def _held_out(self, selection: Selection, at: int, candidacy: Candidacy) -> FloatArray:
        """Return what every trade earned in the cell that was chosen without it; (n,)."""
        judged = cells_of_trades(selection.cells[at], fold_of_trades(self.folds, candidacy.entered_ms))
        profits = candidacy.incumbent_profit.copy()
        for cell in np.unique(judged[judged != KEEP]).tolist():
            mine = judged == cell
            profits[mine] = self.lattice.profits_of(candidacy, cell)[mine]
        return profits

    def _decided(
        self,
        finding: Finding,
        candidacy: Candidacy,
        ruling: UnitRuling,
        selected: int,
        held_out_profit: FloatArray,
    ) -> Finding:
        takes = ruling.verdict in (Verdict.PUBLISHED, Verdict.INHERITED)
        exits = None if selected == KEEP else self.lattice.exits_of(candidacy, selected)
        reason = ruling.reason
        if candidacy.duplicates:
            reason += f"; {candidacy.duplicates} entries that another bot made too count once"
        if takes and exits is not None and (followed := path_text(exits)):
            reason += f"; {followed}"
        if ruling.verdict is Verdict.KEPT and (stays := path_text(candidacy.incumbent)):
            reason += f"; what stays in force follows the path: {stays}"
        if ruling.verdict is Verdict.KEPT and exits is not None:
            reason += f"; the best is {exits_text(exits)}"
        plateau = None if selected == KEEP else self._plateau(candidacy, selected)
        if takes and plateau is not None and plateau.edges:
            reason += f"; on the boundary of {' and '.join(plateau.edges)}"
        evidence = self._evidence(finding, candidacy, ruling, selected, held_out_profit, plateau)
        kept = None if ruling.verdict is Verdict.SKIPPED else candidacy.incumbent
        return replace(
            finding,
            holdout=finding.decision,
            decision=Decision(
                pair=candidacy.pair,
                side=candidacy.side,
                verdict=ruling.verdict,
                reason=reason,
                parameters=exits if takes else kept,
                evidence=evidence,
                leverage_bin=candidacy.leverage_bin,
            ),
        )

    def _evidence(
        self,
        finding: Finding,
        candidacy: Candidacy,
        ruling: UnitRuling,
        selected: int,
        held_out_profit: FloatArray,
        plateau: Plateau | None,
    ) -> Evidence:
        own = ruling.own
        alike = np.ones(len(candidacy))  # weights chose; what they chose is judged by every trade alike
        in_force = float(weighted_mean(candidacy.incumbent_profit, alike))
        figures = score(held_out_profit, alike)
        evidence = replace(
            finding.decision.evidence,
            trades=len(candidacy),
            effective_trades=ruling.effective_trades,
            train_profit=in_force,
            test_profit=figures.mean_profit,
            incumbent_test_profit=in_force,
            backtested_profit=figures.mean_profit,
            optimistic_test_profit=None,
            ambiguous_trades=None,
            win_rate=known(figures.win_rate),
            profit_factor=known(figures.profit_factor),
            sharpe_per_trade=known(figures.sharpe_per_trade),
            claim_bps=ruling.claim_bps,
            p_value=None if own is None else own.p_value,
            q_value=ruling.q_value,
            improvement_bps=None if own is None else known(own.mean * BPS),
            standard_error_bps=None if own is None else known(own.standard_error * BPS),
            t_value=None if own is None else known(own.t),
            effective_df=None if own is None else own.effective_df,
            folds=ruling.folds_used,
            worst_fold_bps=ruling.worst_fold_bps,
            family=ruling.family,
            family_p_value=ruling.family_p,
            certified_by=_certified_by(ruling.verdict),
            candidates=finding.decision.evidence.candidates or self.lattice.cells,
            search=self.search,
            seed=None,
            data_hash=candidacy.data_hash,
        )
        if selected == KEEP:
            return evidence
        profits = self.lattice.profits_of(candidacy, selected)
        optimistic = self.lattice.optimistic_profits(candidacy, selected)
        evidence = replace(
            evidence,
            train_profit=float(weighted_mean(profits, alike)),
            ambiguous_trades=self.lattice.ambiguous_trades(candidacy, selected),
            optimistic_test_profit=None
            if optimistic is None
            else figures.mean_profit + float(weighted_mean(optimistic - profits, alike)),
            cost_stress_bps=None
            if own is None
            else (own.mean - self._cost_of_stress(candidacy, selected)) * BPS,
        )
        if plateau is None:
            return evidence
        return replace(
            evidence,
            plateau_ratio=plateau.ratio,
            plateau_neighbours=plateau.neighbours,
            plateau_mean_profit=plateau.mean,
            plateau_least_profit=plateau.least,
            plateau_widths=plateau.widths,
            boundary=plateau.edges,
        )

    def _cost_of_stress(self, candidacy: Candidacy, selected: int) -> float:
        """Return how much of the improvement goes when fees and slippage are twice as high."""
        improvement = float(candidacy.estimates.mean[-1, selected])
        stressed = float(candidacy.stressed_mean[selected]) - candidacy.incumbent_stressed_mean
        return improvement - stressed

    def _plateau(self, candidacy: Candidacy, selected: int) -> Plateau | None:
        estimates = candidacy.estimates
        in_force = float(weighted_mean(candidacy.incumbent_profit, candidacy.weights))
        return self.lattice.surroundings(
            selected,
            estimates.mean[-1].astype(np.float64) + in_force,
            incumbent_mean=in_force,
            standard_error=float(np.sqrt(estimates.variance[-1, selected])),
        )


def _certified_by(verdict: Verdict) -> CertifiedBy | None:
    if verdict is Verdict.PUBLISHED:
        return "pair"
    return "family" if verdict is Verdict.INHERITED else None
