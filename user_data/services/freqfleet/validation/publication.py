"""The publication gate: nothing is published that chance explains.

A unit is *published* when its own trades certify the improvement over its incumbent: cross-fitted paired
differences, day-clustered t, and Benjamini-Hochberg over every unit of a run that chance does not explain
as a whole. It *inherits* when its family as a whole is certified, the shrunk claim for it is large, and
its own held-out trades do not point the other way; its own improvement is then likely, not certified.
Everything else is kept or skipped, with a reason. Nothing here is random.

    folds = crossfit(first_ms, last_ms + 1)
    units = [Unit(..., estimates=moments_of(d, w, training_sets(folds, entered, ends)).estimates()), ...]
    selection = select(units)
    differences = replay every trade in cells_of_trades(selection.cells[unit], fold_of_trades(folds, entered))
    rulings = judge(units, selection, folds, differences)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np

from freqfleet.domain.decisions import Verdict
from freqfleet.errors import InputError
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.replay.metrics import effective_trades
from freqfleet.validation.clustered import MIN_NONZERO, MeanTest, mean_test
from freqfleet.validation.folds import NO_FOLD, Fold, fold_of_trades
from freqfleet.validation.multiplicity import adjusted, benjamini_hochberg, holm, simes
from freqfleet.validation.selection import KEEP, Selection, Unit
from freqfleet.validation.shrinkage import UNITS_FOR_A_MEAN

BPS = 1e4
# Their candidates depend on every trade they saw, the held-out ones included.
ADAPTIVE_SEARCHES = frozenset({"tpe", "gp", "cmaes", "random"})
# A family vouches for those that cannot tell by themselves; at this t, one can tell.
CONTRADICTS_T = -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules:
    """The bars of the gate.

    fdr : expected share of chance findings among the published. pooled_alpha : chance that a run with nothing
    to learn certifies a family, and again that it certifies a unit. min_trades, min_nonzero : below them a
    unit cannot certify itself.
    """

    fdr: float = 0.05
    pooled_alpha: float = 0.01
    claim_min_bps: float = 10.0
    min_trades: int = 60
    min_nonzero: int = MIN_NONZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRuling:
    """What the gate says about one unit, and by which evidence.

    cell : what to publish or inherit; KEEP for the incumbent. claim_bps : the shrunk posterior of that cell
    over the incumbent, per trade; never the best mean in sample.
    own : test of the cross-fitted differences; None where there was nothing to test.
    q_value : the p of `own` after Benjamini-Hochberg over every unit of the run that could certify itself;
    None where this one could not.
    family_p : p-value of the pooled test of those in the family that did not certify themselves.
    effective_trades : Kish, by the weights of selection.
    folds_used : folds that judged any of its trades. worst_fold_bps : lowest mean of a fold; None without.
    """

    key: str
    family: str
    verdict: Verdict
    reason: str
    cell: int
    claim_bps: float
    trades: int
    effective_trades: float
    own: MeanTest | None
    q_value: float | None
    family_p: float
    folds_used: int
    worst_fold_bps: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRuling:
    """The pooled test of one family, over those of its units that did not certify themselves.

    units : how many those are. test : of their held-out improvements; None for too few units to pool.
    fires : whether it certifies them, after Holm over the families of the run.
    """

    name: str
    units: int
    test: MeanTest | None
    fires: bool

    @property
    def p_value(self) -> float:
        """Of the test; 1 where there was none."""
        return 1.0 if self.test is None else self.test.p_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulings:
    """What the gate says about a run: units in the order they came in, families by name."""

    units: tuple[UnitRuling, ...]
    families: tuple[FamilyRuling, ...]


def refusal_of_search(search: str) -> str | None:
    """Return why candidates of this search cannot be certified; None for fixed grids and exact surfaces."""
    if search not in ADAPTIVE_SEARCHES:
        return None
    return (
        f"cannot certify: --search {search} chose its candidates by looking at every trade, held-out ones "
        "too; use --search exact, or run the search anew inside every fold"
    )


def rule(
    units: Sequence[Unit],
    selection: Selection,
    folds: Sequence[Fold],
    differences: Sequence[FloatArray],
    rules: GateRules | None = None,
) -> tuple[UnitRuling, ...]:
    """Return one ruling per unit, in their order; see `judge`."""
    return judge(units, selection, folds, differences, rules).units


def judge(
    units: Sequence[Unit],
    selection: Selection,
    folds: Sequence[Fold],
    differences: Sequence[FloatArray],
    rules: GateRules | None = None,
) -> Rulings:
    """Return what may be published of a run.

    differences : per unit (n,), what each trade earned in the cell chosen without it minus what it earned
    under the incumbent; 0 where that cell is KEEP. Trades of no fold are not looked at.
    Raises InputError where units and differences do not fit each other.
    """
    rules = rules or GateRules()
    if len(units) != len(differences):
        raise InputError(f"{len(units)} units need as many arrays of differences, were {len(differences)}")
    cases = [
        _examined(unit, at, selection, folds, one, rules)
        for at, (unit, one) in enumerate(zip(units, differences, strict=True))
    ]
    certified = _certified(cases, rules)
    families = _families(cases, certified, rules)
    by_name = {one.name: one for one in families}
    tested = sum(not case.problem for case in cases)
    q_values = _q_values(cases)
    return Rulings(
        units=tuple(
            _ruling(case, bool(own), q_value, by_name[case.unit.family], tested, rules)
            for case, own, q_value in zip(cases, certified, q_values, strict=True)
        ),
        families=families,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One unit with what was measured on it. problem : why it cannot certify itself, else empty."""

    unit: Unit
    cell: int
    claim_bps: float
    entered_ms: IntArray
    values: FloatArray
    test: MeanTest | None
    problem: str
    broken: bool
    fold_means: tuple[float, ...]


def _examined(
    unit: Unit,
    at: int,
    selection: Selection,
    folds: Sequence[Fold],
    differences: FloatArray,
    rules: GateRules,
) -> _Case:
    if differences.shape != unit.entered_ms.shape:
        raise InputError(
            f"{unit.key}: {len(unit.entered_ms)} trades need as many differences, were {differences.shape}"
        )
    fold = fold_of_trades(folds, unit.entered_ms)
    judged = fold != NO_FOLD
    values, entered_ms = differences[judged], unit.entered_ms[judged]
    problem = selection.broken.get(unit.key, "") or _not_a_number(differences, judged)
    broken = bool(problem)
    test = None
    if not broken:
        test = mean_test(values, np.ones(len(values)), entered_ms, min_nonzero=rules.min_nonzero)
        problem = _shortage(unit, test, rules)
    else:
        values, entered_ms = values[:0], entered_ms[:0]
    return _Case(
        unit=unit,
        cell=int(selection.cells[at, -1]),
        claim_bps=selection.claim_ratio(at) * BPS,
        entered_ms=entered_ms,
        values=values,
        test=test,
        problem=problem,
        broken=broken,
        fold_means=() if broken else _fold_means(values, fold[judged], len(folds)),
    )


def _not_a_number(differences: FloatArray, judged: BoolArray) -> str:
    wrong = np.flatnonzero(~np.isfinite(differences) & judged)
    return f"the profit of trade {wrong[0]} is {differences[wrong[0]]}, not a number" if len(wrong) else ""


def _shortage(unit: Unit, test: MeanTest, rules: GateRules) -> str:
    if not unit.weights.sum() > 0.0 and len(unit.weights):
        return f"every weight of its {len(unit.weights)} trades is zero"
    if test.trades == 0:
        return "no trades inside the folds"
    if test.trades < rules.min_trades:
        return f"{test.trades} trades, {rules.min_trades} needed"
    return ""


def _certified(cases: Sequence[_Case], rules: GateRules) -> BoolArray:
    """Test every unit that may certify itself together: the error rate is that of the whole run.

    Two steps: chance must fail to explain the run as a whole (one family together, or the best few units
    alone), and only then are units picked out. Where nothing can be learned, the second step seldom comes.
    """
    able, p_values = _able(cases)
    certified = np.zeros(len(cases), dtype=np.bool_)
    alone = simes(p_values[able])
    if alone <= rules.pooled_alpha or any(one.fires for one in _families(cases, certified, rules)):
        certified[able] = benjamini_hochberg(p_values[able], rules.fdr)
    return certified


def _able(cases: Sequence[_Case]) -> tuple[BoolArray, FloatArray]:
    """Return which units may certify themselves, and their p-values; (units,) each."""
    able = np.array([case.test is not None and not case.problem for case in cases], dtype=np.bool_)
    return able, np.array([case.test.p_value if case.test else 1.0 for case in cases])


def _q_values(cases: Sequence[_Case]) -> list[float | None]:
    able, p_values = _able(cases)
    q_values = np.full(len(cases), np.nan)
    q_values[able] = adjusted(p_values[able])
    return [float(one) if can else None for one, can in zip(q_values, able.tolist(), strict=True)]


def _families(cases: Sequence[_Case], left_out: BoolArray, rules: GateRules) -> tuple[FamilyRuling, ...]:
    """Return the test of every family; Holm over the families of the run.

    left_out : (units,). What a family lends is tested without the units that certified themselves: one pair
    with a large edge vouches for nobody else.
    """
    names = sorted({case.unit.family for case in cases})
    tests: list[tuple[int, MeanTest | None]] = []
    for name in names:
        members = [
            case
            for case, out in zip(cases, left_out, strict=True)
            if case.unit.family == name and len(case.values) and not out
        ]
        if len(members) < UNITS_FOR_A_MEAN:
            tests.append((len(members), None))
            continue
        values = np.concatenate([case.values for case in members])
        entered_ms = np.concatenate([case.entered_ms for case in members])
        test = mean_test(values, np.ones(len(values)), entered_ms, min_nonzero=rules.min_nonzero)
        tests.append((len(members), test))
    p_values = np.array([1.0 if test is None else test.p_value for _, test in tests])
    return tuple(
        FamilyRuling(name=name, units=count, test=test, fires=fires)
        for name, (count, test), fires in zip(
            names, tests, holm(p_values, rules.pooled_alpha).tolist(), strict=True
        )
    )


def _ruling(
    case: _Case,
    certified: bool,
    q_value: float | None,
    family: FamilyRuling,
    tested: int,
    rules: GateRules,
) -> UnitRuling:
    verdict, reason = _verdict(case, certified, family, tested, rules)
    takes = verdict in (Verdict.PUBLISHED, Verdict.INHERITED)
    return UnitRuling(
        key=case.unit.key,
        family=case.unit.family,
        verdict=verdict,
        reason=reason,
        cell=case.cell if takes else KEEP,
        claim_bps=case.claim_bps,
        trades=len(case.values),
        effective_trades=effective_trades(case.unit.weights),
        own=case.test,
        q_value=q_value,
        family_p=family.p_value,
        folds_used=len(case.fold_means),
        worst_fold_bps=min(case.fold_means) * BPS if case.fold_means else None,
    )


def _verdict(
    case: _Case, certified: bool, family: FamilyRuling, tested: int, rules: GateRules
) -> tuple[Verdict, str]:
    large = case.cell != KEEP and case.claim_bps >= rules.claim_min_bps
    figures = f"{_claim(case)}, {len(case.values)} trades"
    if certified and large and case.test is not None:
        return Verdict.PUBLISHED, f"p={case.test.p_value:.2g}, {figures}"
    if family.fires and large and len(case.values) and _contradicts(case.test):
        return Verdict.KEPT, _own_trades_disagree(case.test, family)
    if family.fires and large and len(case.values):
        return Verdict.INHERITED, f"its family is certified (p={family.p_value:.2g}), {figures}"
    if case.problem or case.test is None:
        return Verdict.SKIPPED, case.problem
    return Verdict.KEPT, _why_kept(case, case.test, certified, tested, rules)


def _why_kept(case: _Case, test: MeanTest, certified: bool, tested: int, rules: GateRules) -> str:
    if case.cell == KEEP:
        return "nothing is believed to earn more than what is in force"
    if certified:
        return f"{_claim(case)} is less than {rules.claim_min_bps:g} bps"
    if test.unsure:
        return test.unsure
    return (
        f"chance explains it: p={test.p_value:.2g} among {tested} pair sides; "
        f"{_claim(case)}, {test.trades} trades"
    )


def _contradicts(test: MeanTest | None) -> TypeGuard[MeanTest]:
    return test is not None and test.t < CONTRADICTS_T


def _own_trades_disagree(test: MeanTest, family: FamilyRuling) -> str:
    return (
        f"its family is certified (p={family.p_value:.2g}), but its own {test.trades} held-out trades earned "
        f"{test.mean * BPS:+.1f} bps (t={test.t:.1f}) over what is in force"
    )


def _claim(case: _Case) -> str:
    return f"claim {case.claim_bps:+.1f} bps over what is in force"


def _fold_means(values: FloatArray, fold: IntArray, folds: int) -> tuple[float, ...]:
    return tuple(float(values[fold == one].mean()) for one in range(folds) if (fold == one).any())
