"""Surfaces as a page holds them: pooled to a few hundred cells a piece, and packed into text.

Three hundred surfaces of ten thousand cells would be a page of many megabytes for eyes that see forty rows.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from freqfleet.market.arrays import BoolArray, FloatArray

MOST_STOPS = 40
MOST_TARGETS = 40
_TENTHS = 10.0
_NOTHING = -32768  # a cell that breaks a constraint
_MOST = 32767


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PooledSurface:
    """A surface of at most MOST_STOPS x MOST_TARGETS cells.

    stop_losses, take_profits : the middle value of the cells that were pooled.
    profit_bps : their mean, NaN where none of them is allowed. plateau : True where any of them is on it.
    """

    stop_losses: tuple[float, ...]
    take_profits: tuple[float, ...]
    profit_bps: FloatArray
    plateau: BoolArray | None


def pooled(
    stop_losses: Sequence[float],
    take_profits: Sequence[float],
    profit_bps: FloatArray,
    plateau: BoolArray | None,
) -> PooledSurface:
    """Return the surface with neighbouring cells taken together, the mean and never the best of them.

    profit_bps : (stops, targets), NaN where a cell is not allowed.
    """
    rows = _groups(len(stop_losses), MOST_STOPS)
    columns = _groups(len(take_profits), MOST_TARGETS)
    allowed = np.isfinite(profit_bps)
    counts = _sums(allowed.astype(np.float64), rows, columns)
    sums = _sums(np.where(allowed, profit_bps, 0.0), rows, columns)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(counts > 0.0, sums / counts, np.nan)
    return PooledSurface(
        stop_losses=_middles(stop_losses, rows),
        take_profits=_middles(take_profits, columns),
        profit_bps=means,
        plateau=None if plateau is None else _sums(plateau.astype(np.float64), rows, columns) > 0.0,
    )


def packed_profit(profit_bps: FloatArray) -> str:
    """Return tenths of a basis point as little-endian int16 in base64; -32768 stands for NaN."""
    tenths = np.clip(np.round(np.nan_to_num(profit_bps) * _TENTHS), -_MOST, _MOST)
    whole = np.where(np.isfinite(profit_bps), tenths, _NOTHING).astype("<i2")
    return base64.b64encode(whole.tobytes()).decode()


def packed_mask(mask: BoolArray) -> str:
    """Return the mask row by row, one bit a cell, the first in the highest bit, in base64."""
    return base64.b64encode(np.packbits(mask.ravel()).tobytes()).decode()


def place(values: Sequence[float], value: float) -> float:
    """Return where `value` lies on an axis, 0 is the middle of its first cell.

    Between two cells it is interpolated; beyond the axis it stands at its end.
    """
    rising = np.abs(np.asarray(values, dtype=np.float64))
    return round(float(np.interp(abs(value), rising, np.arange(len(rising)))), 2)


def beyond(values: Sequence[float], value: float) -> bool:
    """Return whether `value` lies outside what the axis covers."""
    return not abs(values[0]) <= abs(value) <= abs(values[-1])


def _groups(size: int, most: int) -> list[int]:
    """Return where each group begins: as few cells together as `most` groups need."""
    return list(range(0, size, math.ceil(size / most)))


def _sums(values: FloatArray, rows: list[int], columns: list[int]) -> FloatArray:
    sums: FloatArray = np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)
    return sums


def _middles(values: Sequence[float], starts: list[int]) -> tuple[float, ...]:
    ends = [*starts[1:], len(values)]
    return tuple(float(values[(start + end - 1) // 2]) for start, end in zip(starts, ends, strict=True))
