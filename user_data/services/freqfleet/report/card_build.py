"""From the arrays of one pair and side to what its card shows beside the decision."""

from __future__ import annotations

import numpy as np

from freqfleet.domain.exits import ExitParameters
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.replay.metrics import weighted_mean
from freqfleet.replay.surface import SurfaceAxes
from freqfleet.report.card import SeedGate, Surface
from freqfleet.validation.overfitting import (
    BLOCKS,
    DeflatedSharpe,
    Overfitting,
    backtest_overfitting,
    deflated_sharpe,
    independent_trials,
)

SEED_TRAIN_SHARE = 0.7
_BPS = 1e4
_MOST_TRIED_CELLS = 400  # neighbours are the same try: a few hundred show how many there are


def card_surface(
    axes: SurfaceAxes,
    means: FloatArray,
    *,
    chosen: ExitParameters | None = None,
    standard_error: float | None = None,
) -> Surface:
    """Return the stop and target plane of a grid, every cell with the best of the other axes.

    means : net profit ratio a trade, NaN where a cell breaks a constraint;
        (scalings, limits, stops, targets).
    chosen, standard_error : with both, the plateau is where the plane lies within one standard error of
        the chosen stop and target, or above; connected or not. Without them there is none.
    """
    best = np.where(np.isnan(means), -np.inf, means).max(axis=(0, 1))
    plane = np.where(np.isfinite(best), best, np.nan) * _BPS
    plateau = None
    if chosen is not None and standard_error is not None:
        row = _nearest(axes.stop_losses, chosen.stop_loss)
        column = _nearest(axes.take_profits, chosen.take_profit)
        with np.errstate(invalid="ignore"):
            plateau = plane >= plane[row, column] - standard_error * _BPS  # NaN is on no plateau
    return Surface(
        stop_losses=axes.stop_losses,
        take_profits=axes.take_profits,
        profit_bps=plane,
        plateau=plateau,
    )


def seed_gate(profits: FloatArray, weights: FloatArray, entered_ms: IntArray) -> SeedGate | None:
    """Return what learning on the first 70 % of the trades and publishing on a positive rest would have done.

    profits : net ratio of every trade in every cell; (n, cells). None where either part has no trades.
    """
    order = np.argsort(entered_ms, kind="stable")
    cut = int(len(order) * SEED_TRAIN_SHARE)
    train, test = order[:cut], order[cut:]
    if not (len(train) and len(test)):
        return None
    best = int((weights[train] @ profits[train]).argmax())
    mean = float(weighted_mean(profits[test, best], weights[test]))
    return SeedGate(publishes=mean > 0.0, test_profit_bps=mean * _BPS, test_trades=len(test))


def overfitting(profits: FloatArray, weights: FloatArray, entered_ms: IntArray) -> Overfitting | None:
    """Return the PBO over blocks of as many trades each, by entry; None for fewer trades than blocks."""
    if len(weights) < BLOCKS:
        return None
    parts = np.array_split(np.argsort(entered_ms, kind="stable"), BLOCKS)
    sums = np.stack([weights[part] @ profits[part] for part in parts])
    return backtest_overfitting(sums, np.array([weights[part].sum() for part in parts]))


def sharpe(profits: FloatArray, cell: int) -> DeflatedSharpe | None:
    """Return the deflated Sharpe ratio a trade of one of the cells; None where profits do not vary.

    profits : (n, cells).
    """
    own = profits[:, cell]
    spread = profits.std(axis=0)
    if not spread[cell] > 0.0:
        return None
    ratios = profits.mean(axis=0)[spread > 0.0] / spread[spread > 0.0]
    tried = independent_trials(profits[:, :: max(1, profits.shape[1] // _MOST_TRIED_CELLS)])
    scaled = (own - own.mean()) / spread[cell]
    return deflated_sharpe(
        float(own.mean() / spread[cell]),
        observations=len(own),
        skew=float((scaled**3).mean()),
        kurtosis=float((scaled**4).mean()),
        trials=1.0 if tried is None else tried,
        sharpe_variance=float(ratios.var()),
    )


def _nearest(values: tuple[float, ...], value: float) -> int:
    return int(np.abs(np.asarray(values) - value).argmin())
