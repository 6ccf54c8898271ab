"""Candidacy: what one pair and side brings before the gate: its trades, and what any exit makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.leverage_bins import LeverageBin
from freqfleet.domain.sides import Side
from freqfleet.learning.cells import Met
from freqfleet.learning.in_force import Replay
from freqfleet.learning.lattice import Lattice
from freqfleet.learning.path_lattice import PathLattice, PathPricing
from freqfleet.learning.pricing import OwnPricing, Pricing, SharedTables
from freqfleet.learning.sample import Sample
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.replay.costs import Costs
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.validation.duplicates import kept_entries
from freqfleet.validation.folds import Fold, training_sets
from freqfleet.validation.moments import Estimates, moments_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidacy:
    """The n trades of one pair and side; one entry of several bots counts once. Profits are net ratios.

    bots : who made each trade. weights : above zero, mean 1. entered_ms, window_end_ms : (n,).
    duplicates : trades left out because another bot made the same entry.
    events : from which the profit in every cell of the run follows.
    incumbent_profit : (n,) under the exits in force, `incumbent`. fallback_profit : (n,) under `fallback`,
        what would be in force if those were taken back.
    stressed_mean : (cells,), weighted mean profit at twice the fees and slippage; float32.
    incumbent_stressed_mean : the same for the exits in force.
    atr_reference_ratio : median volatility at entry; None where none is known.
    estimates : mean improvement over the exits in force, by training set and cell; float32.
    data_hash : of the replayed candles and the weights.
    leverage_bin : of every trade, where only those of one bin are brought.
    """

    pair: str
    side: Side
    bots: tuple[str, ...]
    weights: FloatArray
    entered_ms: IntArray
    window_end_ms: IntArray
    events: Met
    incumbent: ExitParameters
    incumbent_profit: FloatArray
    fallback: ExitParameters
    fallback_profit: FloatArray
    stressed_mean: FloatArray
    incumbent_stressed_mean: float
    atr_reference_ratio: float | None
    estimates: Estimates
    data_hash: str
    duplicates: int
    leverage_bin: LeverageBin | None = None

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def key(self) -> str:
        """How the gate and its records name this: the pair, the side, and the bin where it is of one."""
        whole = f"{self.pair} {self.side.value}"
        return whole if self.leverage_bin is None else f"{whole} {self.leverage_bin}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nomination:
    """How candidacies are made: the same for every pair of a run.

    folds : in calendar time. defaults : what a bot trades on where nothing is published.
    least_trades : pair sides with fewer take no part.
    """

    cells: Lattice | PathLattice
    costs: Costs
    folds: Sequence[Fold]
    defaults: ExitParameters
    least_trades: int

    def alone(self, engine: NumpyEngine, replay: Replay | None = None) -> Pricing:
        """Return what prices the one sample whose engine this is.

        replay : `engine.exits`, or what remembers them.
        """
        replay = replay or engine.exits
        if isinstance(self.cells, PathLattice):
            return PathPricing(lattice=self.cells, costs=self.costs, paths=engine.paths, replay=replay)
        return OwnPricing(lattice=self.cells, costs=self.costs, engine=engine, replay=replay)

    def together(self, engine: NumpyEngine) -> SharedTables:
        """Return what prices several samples of a pair and side, all of which this engine replays."""
        assert isinstance(self.cells, Lattice)  # nothing shares tables of ways to follow the path
        return SharedTables(lattice=self.cells, costs=self.costs, engine=engine)

    def of(
        self,
        pair: str,
        sample: Sample,
        pricing: Pricing,
        incumbent: ExitParameters,
        fallback: ExitParameters | None = None,
    ) -> Candidacy | None:
        """Return the candidacy of the replayable trades of a pair and side; None for too few of them.

        pricing : of the sample, see `alone` and `together`. fallback : what would be in force without the
        incumbent; None means the defaults.
        """
        whole, paths = sample.whole, sample.whole.paths
        every_bot = sample.trades.bot_names()
        kept = np.flatnonzero(kept_entries(paths.entered_ms, whole.weights, every_bot))
        if len(kept) < self.least_trades:
            return None
        weights, atr_ratio = whole.weights[kept], paths.atr_ratio[kept]
        known = atr_ratio[np.isfinite(atr_ratio)]
        reference = float(np.median(known)) if len(known) else None
        fallback = self.defaults if fallback is None else fallback
        events, gains, dear_profits, beside = pricing.priced(kept, incumbent, fallback, reference)
        in_force, back, dear_in_force = beside
        share = weights / weights.sum()
        stressed_mean = (share @ dear_profits).astype(np.float32)
        del dear_profits  # as large as all that follows
        gains -= in_force[:, None]
        entered_ms, window_end_ms = paths.entered_ms[kept], paths.window_end_ms[kept]
        sets = training_sets(self.folds, entered_ms, window_end_ms)
        return Candidacy(
            pair=pair,
            side=paths.side,
            bots=tuple(every_bot[index] for index in kept.tolist()),
            weights=weights,
            entered_ms=entered_ms,
            window_end_ms=window_end_ms,
            events=events,
            incumbent=incumbent,
            incumbent_profit=in_force,
            fallback=fallback,
            fallback_profit=back,
            stressed_mean=stressed_mean,
            incumbent_stressed_mean=float(share @ dear_in_force),
            atr_reference_ratio=reference,
            estimates=_compact(moments_of(gains, weights, sets).estimates()),
            data_hash=sample.data_hash,
            duplicates=len(every_bot) - len(kept),
        )


def _compact(estimates: Estimates) -> Estimates:
    return replace(
        estimates, mean=estimates.mean.astype(np.float32), variance=estimates.variance.astype(np.float32)
    )
