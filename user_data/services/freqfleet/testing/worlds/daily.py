"""Daily re-runs of a world: paper accounts, and the seed's gate looked at every day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from freqfleet.domain.decisions import Verdict
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.testing.worlds.grid import CELLS, DEFAULT_CELL, ROUND_TRIP_FEE, STOPS, TARGETS
from freqfleet.testing.worlds.judging import FOLDS, SEED_TRAIN_SHARE, held_out_differences
from freqfleet.testing.worlds.world import World
from freqfleet.validation.folds import DAY_MS, crossfit
from freqfleet.validation.moments import CellMoments, Estimates
from freqfleet.validation.paper_account import PaperAccount
from freqfleet.validation.publication import GateRules, rule
from freqfleet.validation.selection import KEEP, best_cell
from freqfleet.validation.shrinkage import shrink

# Stop of the candidate plus target of the default.
WORST_LOSS_RATIO = float(STOPS.max() + TARGETS[DEFAULT_CELL % len(TARGETS)])


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyRun:
    """P pairs. first_day : (P,), the day on which a pair was first published; -1 for never.

    cells : (P,), what was published that day; the default for never. wealth : (P,), at the end.
    """

    first_day: IntArray
    cells: IntArray
    wealth: FloatArray

    @property
    def published(self) -> BoolArray:
        """Return which pairs were ever published."""
        ever: BoolArray = self.first_day >= 0
        return ever


def paper_accounts(world: World, *, e_publish: float = 20.0, looks_from_day: int = 90) -> DailyRun:
    """Run every pair's account over all days of the world; a pair is published when it first reaches the bar.

    The candidate of a day is the shrunk best of the trades that had closed before that day.
    """
    differences = world.differences()
    pairs = len(differences)
    entry_day = world.entered_ms // DAY_MS
    closed_day = world.window_end_ms // DAY_MS
    accounts = [PaperAccount() for _ in range(pairs)]
    sums = _Sums(pairs)
    first_day = np.full(pairs, -1, dtype=np.int64)
    cells = np.full(pairs, DEFAULT_CELL, dtype=np.int64)
    for day in range(world.days):
        sums.add(differences, world.weights, closed_day == day - 1)
        estimates = sums.estimates()
        posterior = shrink(estimates.mean, estimates.variance, estimates.effective_trades).mean
        chosen = best_cell(posterior)
        for pair in range(pairs):
            cell = int(chosen[pair])
            cell = DEFAULT_CELL if cell == KEEP else cell
            today = differences[pair, entry_day[pair] == day, cell]
            accounts[pair] = accounts[pair].booked(
                day,
                today,
                edge=float(posterior[pair, cell]),
                variance=float(estimates.variance[pair, cell] * estimates.effective_trades[pair]),
                worst_loss=WORST_LOSS_RATIO,
            )
            reached = accounts[pair].settled(day + 1).wealth >= e_publish and day + 1 >= looks_from_day
            if reached and first_day[pair] < 0:
                first_day[pair], cells[pair] = day + 1, cell
    return DailyRun(
        first_day=first_day,
        cells=cells,
        wealth=np.array([one.settled(world.days + 3).wealth for one in accounts]),
    )


def seed_gate_daily(world: World, *, window_days: int = 90) -> DailyRun:
    """Judge every pair anew each day as seed 000 does, on the last `window_days`; latched."""
    pairs = len(world.profits)
    entry_day = world.entered_ms // DAY_MS
    first_day = np.full(pairs, -1, dtype=np.int64)
    cells = np.full(pairs, DEFAULT_CELL, dtype=np.int64)
    for day in range(window_days, world.days + 1):
        for pair in np.flatnonzero(first_day < 0):
            profits = world.profits[pair, (entry_day[pair] >= day - window_days) & (entry_day[pair] < day)]
            cut = int(len(profits) * SEED_TRAIN_SHARE)
            if not 0 < cut < len(profits):
                continue
            cell = int(profits[:cut].mean(axis=0).argmax())
            if profits[cut:, cell].mean() > ROUND_TRIP_FEE:
                first_day[pair], cells[pair] = day, cell
    return DailyRun(first_day=first_day, cells=cells, wealth=np.full(pairs, np.nan))


def our_gate_daily(world: World, *, window_days: int = 90, rules: GateRules | None = None) -> DailyRun:
    """Judge every pair anew each day with `freqfleet.validation`, on the last `window_days`; latched.

    This is what re-running the gate comes to without a paper account: every look has its own error rate.
    """
    pairs = len(world.profits)
    differences = world.differences()
    first_day = np.full(pairs, -1, dtype=np.int64)
    cells = np.full(pairs, DEFAULT_CELL, dtype=np.int64)
    for day in range(window_days, world.days + 1):
        begins, ends = (day - window_days) * DAY_MS, day * DAY_MS
        seen = (world.entered_ms >= begins) & (world.window_end_ms <= ends)
        folds = crossfit(begins, ends, folds=FOLDS)
        units, selection, held_out = held_out_differences(
            [differences[pair, seen[pair]] for pair in range(pairs)],
            [world.entered_ms[pair, seen[pair]] for pair in range(pairs)],
            [world.window_end_ms[pair, seen[pair]] for pair in range(pairs)],
            [world.weights[pair, seen[pair]] for pair in range(pairs)],
            folds,
        )
        for pair, ruling in enumerate(rule(units, selection, folds, held_out, rules)):
            if ruling.verdict is Verdict.PUBLISHED and first_day[pair] < 0:
                first_day[pair], cells[pair] = day, ruling.cell
    return DailyRun(first_day=first_day, cells=cells, wealth=np.full(pairs, np.nan))


class _Sums:
    """Moments that grow by the trades of one day at a time."""

    def __init__(self, pairs: int) -> None:
        self.trades = np.zeros(pairs, dtype=np.int64)
        self.weight, self.weight_squared = np.zeros(pairs), np.zeros(pairs)
        self.gain, self.by_square, self.square = (np.zeros((pairs, CELLS)) for _ in range(3))

    def add(self, differences: FloatArray, weights: FloatArray, which: BoolArray) -> None:
        """Add the trades of `which` (pairs, n)."""
        pair, trade = np.nonzero(which)
        d, w = differences[pair, trade], weights[pair, trade]
        np.add.at(self.trades, pair, 1)
        np.add.at(self.weight, pair, w)
        np.add.at(self.weight_squared, pair, w**2)
        np.add.at(self.gain, pair, w[:, None] * d)
        np.add.at(self.by_square, pair, (w**2)[:, None] * d)
        np.add.at(self.square, pair, (w**2)[:, None] * d**2)

    def estimates(self) -> Estimates:
        """Return the estimates of every pair, pairs in the place of sets."""
        return CellMoments(
            trades=self.trades,
            weight=self.weight,
            weight_squared=self.weight_squared,
            gain=self.gain,
            gain_by_square=self.by_square,
            square=self.square,
        ).estimates()
