"""Means over the neighbourhood of every cell of a grid, in machine code. Import it only where it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np

from freqfleet.market.arrays import BoolArray, FloatArray

F = TypeVar("F", bound=Callable[..., object])


def _compiled(function: F) -> F:
    return cast("F", numba.njit(cache=True, error_model="numpy", nogil=True)(function))


def box_means(
    surface: FloatArray,
    reach: tuple[int, int, int, int],
    allowed: BoolArray,
    scaling_share: FloatArray,
    limit_share: FloatArray,
    stop_share: FloatArray,
    target_share: FloatArray,
) -> FloatArray:
    """Return what `plateau.neighbourhood_means` promises; a share is 1 over the cells of its axis in reach.

    Sums are held of the scalings in reach only, the next in the place of the one that is done with.
    """
    scalings, limits, stops, targets = surface.shape
    means = np.zeros(surface.shape)
    _fill_means(  # room is made here: in machine code every np.zeros takes a tenth of a second to compile
        surface,
        reach,
        allowed,
        scaling_share,
        limit_share,
        stop_share,
        target_share,
        np.empty((min(2 * reach[0] + 1, scalings), limits, stops, targets)),
        np.zeros((stops + 1, targets)),
        np.zeros(targets + 1),
        means,
    )
    return means


@_compiled
def _fill_means(
    surface: FloatArray,
    reach: tuple[int, int, int, int],
    allowed: BoolArray,
    scaling_share: FloatArray,
    limit_share: FloatArray,
    stop_share: FloatArray,
    target_share: FloatArray,
    sums: FloatArray,
    before_stop: FloatArray,
    before_target: FloatArray,
    means: FloatArray,
) -> None:
    """Write the means; one plane after the other, which stays in the cache while it is summed both ways.

    means : zeros. before_stop, before_target : running sums, whose first entries are zeros.
    """
    scalings, limits = surface.shape[0], surface.shape[1]
    held, summed = len(sums), 0
    for scaling in range(scalings):
        while summed < min(scaling + reach[0] + 1, scalings):
            for limit in range(limits):
                into = sums[summed % held, limit]
                _sum_plane(surface[summed, limit], reach, before_stop, before_target, into)
            summed += 1
        for limit in range(limits):
            plane = means[scaling, limit]
            for near in range(max(scaling - reach[0], 0), min(scaling + reach[0] + 1, scalings)):
                for beside in range(max(limit - reach[1], 0), min(limit + reach[1] + 1, limits)):
                    _add_plane(plane, sums[near % held, beside])
            share = scaling_share[scaling] * limit_share[limit]
            _divide_plane(plane, share, stop_share, target_share, allowed)


@_compiled
def _sum_plane(
    plane: FloatArray,
    reach: tuple[int, int, int, int],
    before_stop: FloatArray,
    before_target: FloatArray,
    sums: FloatArray,
) -> None:
    """Write the sum of the box around every cell: differences of running sums, along one axis each."""
    stops, targets = plane.shape
    for j in range(stops):
        for k in range(targets):
            before_stop[j + 1, k] = before_stop[j, k] + plane[j, k]
    for j in range(stops):
        lower, upper = max(j - reach[2], 0), min(j + reach[2] + 1, stops)
        for k in range(targets):
            before_target[k + 1] = before_target[k] + (before_stop[upper, k] - before_stop[lower, k])
        for k in range(targets):
            lower, upper = max(k - reach[3], 0), min(k + reach[3] + 1, targets)
            sums[j, k] = before_target[upper] - before_target[lower]


@_compiled
def _add_plane(plane: FloatArray, other: FloatArray) -> None:
    for j in range(plane.shape[0]):
        for k in range(plane.shape[1]):
            plane[j, k] += other[j, k]


@_compiled
def _divide_plane(
    plane: FloatArray,
    share: float,
    stop_share: FloatArray,
    target_share: FloatArray,
    allowed: BoolArray,
) -> None:
    stops, targets = plane.shape
    for j in range(stops):
        of_stop = share * stop_share[j]
        for k in range(targets):
            plane[j, k] = plane[j, k] * of_stop * target_share[k] if allowed[j, k] else -np.inf
