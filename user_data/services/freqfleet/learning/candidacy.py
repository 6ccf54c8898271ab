"""Candidacy: what one pair and side brings before the gate: its trades, and what any exit makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.leverage_bins import LeverageBin
from freqfleet.domain.sides import Side
from freqfleet.learning.lattice import Lattice
from freqfleet.learning.sample import Sample
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.replay.costs import Costs
from freqfleet.replay.engine import ReplayedExits
from freqfleet.replay.exit_events import ExitEvents
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.validation.duplicates import kept_entries
from freqfleet.validation.folds import Fold, training_sets
from freqfleet.validation.moments import Estimates, moments_of

# Exits of every trade under some vectors.
Replay = Callable[[Sequence[ExitParameters]], ReplayedExits]

# The stress of a result: what is left when the market is twice as dear.
STRESS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidacy:
    """The n trades of one pair and side; one entry of several bots counts once. Profits are net ratios.

    bots : who made each trade. weights : above zero, mean 1. entered_ms, window_end_ms : (n,).
    duplicates : trades left out because another bot made the same entry.
    events : on the lattice. incumbent_profit : (n,) under the exits in force, `incumbent`. fallback_profit :
        (n,) under `fallback`, what would be in force if those were taken back.
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
    events: ExitEvents
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

    lattice: Lattice
    costs: Costs
    folds: Sequence[Fold]
    defaults: ExitParameters
    least_trades: int

    def of(
        self,
        pair: str,
        sample: Sample,
        engine: NumpyEngine,
        incumbent: ExitParameters,
        fallback: ExitParameters | None = None,
        *,
        replay: Replay | None = None,
    ) -> Candidacy | None:
        """Return the candidacy of the replayable trades of a pair and side; None for too few of them.

        engine : of the whole sample. fallback : what would be in force without the incumbent; None means
        the defaults. replay : `engine.exits`, or what remembers them.
        """
        paths, every_weight = sample.whole.paths, sample.whole.weights
        every_bot = sample.trades.bot_names()
        kept = np.flatnonzero(kept_entries(paths.entered_ms, every_weight, every_bot))
        if len(kept) < self.least_trades:
            return None
        weights, atr_ratio = every_weight[kept], paths.atr_ratio[kept]
        known = atr_ratio[np.isfinite(atr_ratio)]
        reference = float(np.median(known)) if len(known) else None
        fallback = self.defaults if fallback is None else fallback
        exits = (replay or engine.exits)([incumbent, fallback])
        dear = self.costs.scaled(STRESS)
        incumbent_profit, fallback_profit = self.costs.net_profit_ratio(exits, paths).take(kept, axis=1)
        share = weights / weights.sum()
        # Of all trades, then those that are kept: their candles are many times what they come to.
        priced = self.lattice.events(engine, [self.costs, dear], reference)
        events, dear_events = (one.subset(kept) for one in priced) if len(kept) < len(paths) else priced
        gains, dear_profits = self.lattice.tables([events, dear_events])
        stressed_mean = (share @ dear_profits).astype(np.float32)
        del dear_profits, dear_events  # as large as all that follows
        gains -= incumbent_profit[:, None]
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
            incumbent_profit=incumbent_profit,
            fallback=fallback,
            fallback_profit=fallback_profit,
            stressed_mean=stressed_mean,
            incumbent_stressed_mean=float(share @ dear.net_profit_ratio(exits.row(0), paths)[0, kept]),
            atr_reference_ratio=reference,
            estimates=_compact(moments_of(gains, weights, sets).estimates()),
            data_hash=sample.data_hash,
            duplicates=len(every_bot) - len(kept),
        )


def _compact(estimates: Estimates) -> Estimates:
    return replace(
        estimates, mean=estimates.mean.astype(np.float32), variance=estimates.variance.astype(np.float32)
    )
