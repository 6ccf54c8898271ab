"""What gates publish in a world, and what that is truly worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from freqfleet.domain.decisions import Verdict
from freqfleet.errors import InputError
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.testing.worlds.grid import DEFAULT_CELL, ROUND_TRIP_FEE, STOPS, TARGETS
from freqfleet.testing.worlds.world import World
from freqfleet.validation.folds import DAY_MS, Fold, crossfit, fold_of_trades, training_sets
from freqfleet.validation.moments import moments_of
from freqfleet.validation.publication import BPS, GateRules, UnitRuling, rule
from freqfleet.validation.selection import KEEP, Selection, Unit, cells_of_trades, select

SEED_TRAIN_SHARE = 0.7
FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a gate published in a world of P pairs.

    cells : (P,), the default where nothing was published. published : (P,), certified pairs. inherited :
    (P,), pairs that took over what their family certified. claim_bps : (P,), what was claimed for the cell.
    family_p : pooled p-value; NaN for a gate that has none.
    """

    cells: IntArray
    published: BoolArray
    inherited: BoolArray
    claim_bps: FloatArray
    family_p: float = np.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How a gate did in one world. Shares are NaN where they are of nothing.

    false_share : of the published, those without a true improvement. power : of the planted, those that were
    published. earned_bps : true improvement per planted pair, inherited ones included. target_share : of the
    rightly published, those whose target lies within two points of the best one.
    """

    published: int
    false_share: float
    power: float
    earned_bps: float
    target_share: float
    stop_share: float
    claimed_bps: float
    true_bps: float


def seed_gate(world: World) -> Judged:
    """Judge as seed 000 does: optimise on the first 70 % of a pair's trades, publish if the rest earns money.

    The trades are replayed honestly and fees are paid; nothing is purged, because the seed does not.
    """
    pairs, trades, _ = world.profits.shape
    cut = int(trades * SEED_TRAIN_SHARE)
    cells = world.profits[:, :cut].mean(axis=1).argmax(axis=1)
    at = np.arange(pairs)
    held_out = world.profits[at[:, None], np.arange(cut, trades)[None, :], cells[:, None]]
    published = held_out.mean(axis=1) > ROUND_TRIP_FEE
    in_sample = world.profits[:, :cut].mean(axis=1)
    return Judged(
        cells=np.where(published, cells, DEFAULT_CELL),
        published=published,
        inherited=np.zeros(pairs, dtype=np.bool_),
        claim_bps=(in_sample[at, cells] - in_sample[:, DEFAULT_CELL]) * BPS,
    )


def our_gate(world: World, rules: GateRules | None = None) -> Judged:
    """Judge with `freqfleet.validation`."""
    rulings = our_rulings(world, rules)
    published = np.array([one.verdict is Verdict.PUBLISHED for one in rulings])
    inherited = np.array([one.verdict is Verdict.INHERITED for one in rulings])
    return Judged(
        cells=np.array([DEFAULT_CELL if one.cell == KEEP else one.cell for one in rulings]),
        published=published,
        inherited=inherited,
        claim_bps=np.array([one.claim_bps for one in rulings]),
        family_p=rulings[0].family_p,
    )


def our_rulings(world: World, rules: GateRules | None = None) -> tuple[UnitRuling, ...]:
    """Return what `freqfleet.validation` says about every pair."""
    return judge_differences(world, world.differences(), rules)


def judge_differences(
    world: World, differences: FloatArray, rules: GateRules | None = None
) -> tuple[UnitRuling, ...]:
    """Return the rulings for paired differences (P, n, CELLS); this is what `gate time` measures."""
    folds = folds_of(world)
    units, selection, held_out = held_out_differences(
        list(differences), list(world.entered_ms), list(world.window_end_ms), list(world.weights), folds
    )
    return rule(units, selection, folds, held_out, rules)


def held_out_differences(
    tables: Sequence[FloatArray],
    entered_ms: Sequence[IntArray],
    window_end_ms: Sequence[IntArray],
    weights: Sequence[FloatArray],
    folds: Sequence[Fold],
) -> tuple[list[Unit], Selection, list[FloatArray]]:
    """Return units, what was selected, and every trade's difference in the cell chosen without it.

    One entry per pair: tables (n, CELLS) of paired differences, the others (n,).
    """
    units = []
    judged_by = []
    for pair, table in enumerate(tables):
        sets = training_sets(folds, entered_ms[pair], window_end_ms[pair])
        judged_by.append(fold_of_trades(folds, entered_ms[pair]))
        units.append(
            Unit(
                key=f"pair {pair}",
                family="all",
                entered_ms=entered_ms[pair],
                weights=weights[pair],
                estimates=moments_of(table, weights[pair], sets).estimates(),
                incumbent=DEFAULT_CELL,
            )
        )
    selection = select(units)
    held_out = []
    for pair, table in enumerate(tables):
        cells = cells_of_trades(selection.cells[pair], judged_by[pair])
        held_out.append(np.where(cells == KEEP, 0.0, table[np.arange(len(table)), cells]))
    return units, selection, held_out


def folds_of(world: World) -> tuple[Fold, ...]:
    """Return the folds of a world: blocks of its whole calendar."""
    return crossfit(0, world.days * DAY_MS, folds=FOLDS)


def score(world: World, judged: Judged) -> Score:
    """Return how a gate did. Raises InputError where the two do not belong together."""
    pairs = len(world.edges)
    if judged.cells.shape != (pairs,):
        raise InputError(f"{pairs} pairs need as many cells, were {judged.cells.shape}")
    at = np.arange(pairs)
    gained = world.truth[at, judged.cells] * BPS
    planted, published = world.planted, judged.published
    right = published & planted
    best = world.truth.argmax(axis=1)
    targets_off = np.abs(_targets(judged.cells) - _targets(best))
    return Score(
        published=int(published.sum()),
        false_share=_share(gained <= 0.0, published),
        power=_share(published, planted),
        earned_bps=_mean(gained, planted),
        target_share=_share(targets_off <= 0.02 + 1e-9, right),
        stop_share=_share(_stops(judged.cells) >= 0.025 - 1e-9, right),
        claimed_bps=_mean(judged.claim_bps, published),
        true_bps=_mean(gained, published),
    )


def _targets(cells: IntArray) -> FloatArray:
    chosen: FloatArray = TARGETS[cells % len(TARGETS)]
    return chosen


def _stops(cells: IntArray) -> FloatArray:
    chosen: FloatArray = STOPS[cells // len(TARGETS)]
    return chosen


def _share(wanted: BoolArray, among: BoolArray) -> float:
    return float(wanted[among].mean()) if among.any() else float("nan")


def _mean(values: FloatArray, among: BoolArray) -> float:
    return float(values[among].mean()) if among.any() else float("nan")
