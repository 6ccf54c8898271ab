"""Plateau: how an exit does among its neighbours, and not only by itself.

The best cell of a grid is the one that had the best luck. A lucky spike has poor neighbours; an exit that
works has good ones, because one basis point more or less changes nothing in the market. So the cells of a
grid are compared by the mean of their neighbourhood.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from freqfleet.market.arrays import BoolArray, FloatArray
from freqfleet.replay.surface import Cell, KernelName, SurfaceAxes, resolved_kernel

# A neighbourhood reaches this share of an axis to either side: 7 of 100 stops, 1 of 12 time limits.
REACH_SHARE = 0.07
# Means closer than this are equal: it is far below a price step, and far above the noise of summation.
TIE_RATIO = 1e-12

# On an axis of so many values the last but one is as good as the last: the optimum may lie outside.
LONG_AXIS = 10

# Stops and targets go on beyond the grid. The others end where their meaning does, see SearchSpace.
BOUNDED = ("stop_loss", "take_profit")
AXES = ("volatility_scaling", "time_limit_minutes", "stop_loss", "take_profit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plateau:
    """The surroundings of the chosen exit; profits are means per trade over the training trades.

    mean, least : of the neighbourhood. neighbours : how many cells it has, the chosen one included.
    ratio : what of the improvement over the incumbent the neighbourhood keeps, 1 is all; None where there
        is no improvement. least_ratio : the same for its worst cell.
    standard_error : of the chosen exit's own mean; None below two trades.
    widths : by parameter, from where to where it can be moved, the others kept, without losing more than
        one standard error.
    edges : stop and target where they stand at an end of their axis.
    """

    mean: float
    least: float
    neighbours: int
    ratio: float | None
    least_ratio: float | None
    standard_error: float | None
    widths: dict[str, tuple[float, float]]
    edges: tuple[str, ...]


def reach_of(axes: SurfaceAxes) -> Cell:
    """Return how many cells a neighbourhood reaches to either side; none on an axis of a few values.

    There the next value is another choice, and not the same one a little off.
    """
    return Cell(*(round(REACH_SHARE * size) for size in axes.shape))


def neighbourhood_means(
    surface: FloatArray, reach: Cell, allowed: BoolArray, *, kernel: KernelName = "auto"
) -> FloatArray:
    """Return the mean over the neighbourhood of every cell; -inf where a cell is not allowed.

    surface : (scalings, limits, stops, targets). allowed : (stops, targets). Neighbours count whether they
    are allowed or not, for they show how an exit does that is a little off; those beyond the grid do not
    exist, and the mean is over the others.
    """
    shares = [1.0 / _sizes(size, one) for size, one in zip(surface.shape, reach, strict=True)]
    if resolved_kernel(kernel) == "numpy":
        return _means_by_numpy(surface, reach, allowed, shares)
    from freqfleet.learning.plateau_numba import box_means  # noqa: PLC0415 - half a second

    return box_means(surface, (reach[0], reach[1], reach[2], reach[3]), allowed, *shares)


def best_cell(values: FloatArray) -> int | None:
    """Return the flat position of the highest value, None where all are -inf or NaN.

    Of equals, which differ by no more than `TIE_RATIO`, the first one: the weakest volatility scaling, then
    the shortest time limit, then the nearest stop, then the nearest target. That is the least risk.
    """
    flat = values.ravel()
    highest = float(flat.max(initial=-np.inf))
    if not math.isfinite(highest):
        return None
    return int((flat >= highest - TIE_RATIO).argmax())


def survey(
    surface: FloatArray,
    axes: SurfaceAxes,
    cell: Cell,
    *,
    incumbent_mean: float,
    standard_error: float | None,
) -> Plateau:
    """Return the surroundings of one cell.

    surface : means, NaN where there is no such exit; (scalings, limits, stops, targets).
    """
    reach = reach_of(axes)
    box = surface[tuple(slice(max(at - one, 0), at + one + 1) for at, one in zip(cell, reach, strict=True))]
    box = box[~np.isnan(box)]
    best, mean, least = float(surface[cell]), float(box.mean()), float(box.min())
    gained = best - incumbent_mean
    better = gained > TIE_RATIO
    slack = standard_error if standard_error is not None else 0.0
    return Plateau(
        mean=mean,
        least=least,
        neighbours=box.size,
        ratio=(mean - incumbent_mean) / gained if better else None,
        least_ratio=(least - incumbent_mean) / gained if better else None,
        standard_error=standard_error,
        widths={
            name: _width(_line(surface, cell, axis), _values(axes)[axis], cell[axis], best - slack)
            for axis, name in enumerate(AXES)
        },
        edges=tuple(
            name
            for name, at, size in zip(AXES, cell, axes.shape, strict=True)
            if name in BOUNDED and _at_an_end(at, size)
        ),
    )


def _values(axes: SurfaceAxes) -> tuple[tuple[float, ...], ...]:
    return (axes.volatility_scalings, axes.time_limit_minutes, axes.stop_losses, axes.take_profits)


def _line(surface: FloatArray, cell: Cell, axis: int) -> FloatArray:
    place: list[int | slice] = list(cell)
    place[axis] = slice(None)
    line: FloatArray = surface[tuple(place)]
    return line


def _at_an_end(at: int, size: int) -> bool:
    margin = 1 if size >= LONG_AXIS else 0
    return size > 1 and not margin < at < size - 1 - margin


def _width(line: FloatArray, values: tuple[float, ...], at: int, enough: float) -> tuple[float, float]:
    first = last = at
    while first > 0 and line[first - 1] >= enough:
        first -= 1
    while last < len(line) - 1 and line[last + 1] >= enough:
        last += 1
    return min(values[first], values[last]), max(values[first], values[last])


def _sizes(size: int, reach: int) -> FloatArray:
    """Return how many cells of an axis lie in the neighbourhood of each."""
    at = np.arange(size)
    sizes: FloatArray = (np.minimum(at + reach, size - 1) - np.maximum(at - reach, 0) + 1).astype(np.float64)
    return sizes


def _means_by_numpy(
    surface: FloatArray, reach: Cell, allowed: BoolArray, shares: list[FloatArray]
) -> FloatArray:
    means = surface
    for axis, (one, share) in enumerate(zip(reach, shares, strict=True)):
        if one > 0:
            along = [1] * surface.ndim
            along[axis] = len(share)
            means = _box_sums(means, axis, one) * share.reshape(along)
    return np.where(allowed, means, -np.inf)


def _box_sums(values: FloatArray, axis: int, reach: int) -> FloatArray:
    size = values.shape[axis]
    sums = np.concatenate([np.zeros_like(values.take([0], axis=axis)), values.cumsum(axis=axis)], axis=axis)
    at = np.arange(size)
    upper, lower = np.minimum(at + reach + 1, size), np.maximum(at - reach, 0)
    boxes: FloatArray = sums.take(upper, axis=axis) - sums.take(lower, axis=axis)
    return boxes
