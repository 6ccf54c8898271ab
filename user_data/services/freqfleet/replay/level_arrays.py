"""Barriers and levels of many trades under many parameter vectors: what every engine starts from.

The power in the factor of each trade is Python's own, as in the domain (NumPy's may round another way),
once for every pair of scaling and reference that occurs. The rest are single roundings, which NumPy and
Python do alike; tests/replay/test_engines.py holds all of it to the domain and to `fills.levels`, bit for
bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from freqfleet.domain.exits import (
    STOP_LOSS_BOUNDS,
    TAKE_PROFIT_BOUNDS,
    VOLATILITY_FACTOR_BOUNDS,
    ExitParameters,
)
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.market.timeframes import MINUTE_MS
from freqfleet.replay.fills import Fills, nearest_tick, placed_stop
from freqfleet.replay.paths import TradePaths

# A search asks the same few scalings again and again; one that does not must not fill the memory.
ROWS_REMEMBERED = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelArrays:
    """`fills.Levels` of n trades under p vectors; every array has the shape (p, n)."""

    stop_rate: FloatArray
    target_rate: FloatArray
    target_fill_rate: FloatArray
    stop_is_liquidation: BoolArray


class VolatilityFactors:
    """`ExitParameters.volatility_factor` for the ATR ratios of n trades."""

    def __init__(self, atr_ratio: FloatArray) -> None:
        self._atr_ratio = atr_ratio
        self._known: dict[tuple[float, float | None], FloatArray] = {}
        self._relative: dict[float, list[float]] = {}  # of the last reference: a search has one

    def rows(self, parameters: Sequence[ExitParameters]) -> tuple[FloatArray, IntArray]:
        """Return the distinct rows of factors, shape (k, n), and which one each vector has, shape (p,)."""
        if len(self._known) > ROWS_REMEMBERED:
            self._known.clear()
        row_of: dict[tuple[float, float | None], int] = {}
        chosen = np.empty(len(parameters), dtype=np.int64)
        for index, one in enumerate(parameters):
            key = (one.volatility_scaling, one.atr_reference_ratio)
            if key not in self._known:
                self._known[key] = np.array(self._factors(*key), dtype=np.float64)
            chosen[index] = row_of.setdefault(key, len(row_of))
        rows = np.array([self._known[key] for key in row_of], dtype=np.float64)
        return rows.reshape(len(row_of), len(self._atr_ratio)), chosen

    def _factors(self, scaling: float, reference: float | None) -> list[float]:
        if scaling == 0.0 or reference is None:
            return [1.0] * len(self._atr_ratio)
        if reference not in self._relative:
            within = np.clip(self._atr_ratio / reference, *VOLATILITY_FACTOR_BOUNDS)
            self._relative = {reference: np.where(self._atr_ratio > 0.0, within, 1.0).tolist()}
        return list(map(pow, self._relative[reference], repeat(scaling)))


def barrier_rates(
    paths: TradePaths, factors: VolatilityFactors, parameters: Sequence[ExitParameters]
) -> tuple[FloatArray, FloatArray]:
    """Return `domain.exits.effective_barriers` of every vector and trade: stop and target, shape (p, n)."""
    return stop_rates(paths, factors, parameters), target_rates(paths, factors, parameters)


def stop_rates(
    paths: TradePaths, factors: VolatilityFactors, parameters: Sequence[ExitParameters]
) -> FloatArray:
    """Return the stops of `barrier_rates`."""
    rows, chosen = factors.rows(parameters)
    stop_loss = np.array([one.stop_loss for one in parameters])[:, None]
    ratio = np.maximum(stop_loss * rows[chosen], STOP_LOSS_BOUNDS[0])
    rates: FloatArray = paths.entry_rate * (1.0 + paths.side.sign * ratio)
    return rates


def target_rates(
    paths: TradePaths, factors: VolatilityFactors, parameters: Sequence[ExitParameters]
) -> FloatArray:
    """Return the targets of `barrier_rates`."""
    rows, chosen = factors.rows(parameters)
    take_profit = np.array([one.take_profit for one in parameters])[:, None]
    ratio = np.minimum(take_profit * rows[chosen], TAKE_PROFIT_BOUNDS[1])
    rates: FloatArray = paths.entry_rate * (1.0 + paths.side.sign * ratio)
    return rates


def place_levels(
    paths: TradePaths, fills: Fills, factors: VolatilityFactors, parameters: Sequence[ExitParameters]
) -> LevelArrays:
    """Return `fills.levels` of every vector and trade, without a booking.

    Rounding to ticks goes through freqtrade's decimals one price at a time; honest mode does not pay for it.
    """
    stop, target = barrier_rates(paths, factors, parameters)
    fill = target
    tick = fills.tick_size
    if tick is not None:
        stop = _each(stop, lambda rate: placed_stop(rate, paths.side, tick))
        fill = _each(target, lambda rate: nearest_tick(rate, tick))
    stop, liquidated = not_behind_liquidation(paths, stop)
    return LevelArrays(
        stop_rate=stop,
        target_rate=target,
        target_fill_rate=fill,
        stop_is_liquidation=liquidated,
    )


def not_behind_liquidation(paths: TradePaths, stop_rate: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return the stops, those behind the liquidation moved to it, and which these are; (p, n) each."""
    sign, liquidation = paths.side.sign, paths.liquidation_rate
    liquidated = sign * liquidation > sign * stop_rate  # never where it is NaN
    return np.where(liquidated, liquidation, stop_rate), liquidated


def deadline_rows(paths: TradePaths, parameters: Sequence[ExitParameters]) -> tuple[IntArray, IntArray]:
    """Return the first candle that opens on or after each time limit; never the entry candle.

    Rows of the distinct limits, shape (k, n), and which one each vector has, shape (p,).
    """
    limits, chosen = np.unique(
        np.array([one.time_limit_minutes for one in parameters], dtype=np.int64), return_inverse=True
    )
    after_first_open = (paths.entered_ms - paths.first_open_ms) + limits[:, None] * MINUTE_MS
    rows: IntArray = np.maximum(-(-after_first_open // paths.timeframe_ms), 1)
    return rows, chosen.astype(np.int64)


def _each(rates: FloatArray, place: Callable[[float], float]) -> FloatArray:
    values, where = np.unique(rates, return_inverse=True)
    placed: FloatArray = np.array([place(one) for one in values.tolist()], dtype=np.float64)
    return placed[where].reshape(rates.shape)
