"""The cells of a world: 9 stops x 12 targets, and how trades are held."""

from __future__ import annotations

import numpy as np

STOPS = np.array([0.01, 0.0125, 0.015, 0.0175, 0.02, 0.0225, 0.025, 0.0275, 0.03])
TARGETS = np.array([0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.06, 0.08, 0.10, 0.12, 0.15, 0.20])
CELLS = len(STOPS) * len(TARGETS)
CANDLES_A_DAY = 288
CANDLE_MS = 300_000
HOLD_CANDLES = 288
ROUND_TRIP_FEE = 0.001  # 0.05 % a side


def cell_of(stop: float, target: float) -> int:
    """Return the cell of a stop and a target of the grid, both above zero."""
    return int(np.abs(STOPS - stop).argmin()) * len(TARGETS) + int(np.abs(TARGETS - target).argmin())


def stop_of(cell: int) -> float:
    """Return the stop of a cell, above zero."""
    return float(STOPS[cell // len(TARGETS)])


def target_of(cell: int) -> float:
    """Return the target of a cell."""
    return float(TARGETS[cell % len(TARGETS)])


DEFAULT_CELL = cell_of(0.03, 0.03)
