"""From the arrays of a run to what its card shows: the surface of stop and target, and the seed's gate."""

from __future__ import annotations

import numpy as np

from freqfleet.domain.exits import ExitParameters
from freqfleet.learning.grid import ExactGrid
from freqfleet.market.arrays import FloatArray
from freqfleet.replay.surface import Surfaces
from freqfleet.report.card import SeedGate, Surface

_BPS = 1e4


def card_surface(
    grid: ExactGrid,
    means: FloatArray,
    *,
    chosen: ExitParameters | None = None,
    standard_error: float | None = None,
) -> Surface:
    """Return the stop and target plane of a grid, every cell with the best of the other axes.

    means : net profit ratio a trade; (scalings, limits, stops, targets).
    chosen, standard_error : with both, the plateau is where the plane lies within one standard error of
        the chosen stop and target, or above; connected or not. Without them there is none.
    """
    plane = np.where(grid.allowed, means.max(axis=(0, 1)), np.nan) * _BPS
    axes = grid.axes
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


def seed_gate(grid: ExactGrid, train: Surfaces, test: Surfaces) -> SeedGate | None:
    """Return what learning on `train` and publishing on a positive mean of `test` would have done.

    train, test : surfaces of the first 70 % of the trades and of the others, on the axes of the grid; where
    they hold several groups these are pooled. None where either has no trades.
    """
    train, test = train.pooled(), test.pooled()
    if not (float(train.weights[0]) > 0.0 and float(test.weights[0]) > 0.0):
        return None
    allowed = np.broadcast_to(grid.allowed, grid.axes.shape)
    best = int(np.where(allowed, train.sums[0], -np.inf).argmax())
    mean = float(test.sums[0].ravel()[best] / test.weights[0])
    return SeedGate(publishes=mean > 0.0, test_profit_bps=mean * _BPS, test_trades=int(test.trades[0]))


def _nearest(values: tuple[float, ...], value: float) -> int:
    return int(np.abs(np.asarray(values) - value).argmin())
