"""Samples: the pooled rows of all pairs that one feeder learns from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from freqfleet.clock import to_ms
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.learning.feeder_training.plan import TrainingPlan
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.market.features.source import PairFeatures
from freqfleet.market.features.table import FEATURE_NAMES, FeatureArray, feature_indices
from freqfleet.market.indicators import atr_ratio
from freqfleet.market.labels import BarrierLabels, barrier_labels
from freqfleet.market.timeframes import DAY_MS
from freqfleet.signals.recipes import Recipe

_ATR_RATIO = FEATURE_NAMES.index("atr_ratio")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SidedSamples:
    """What became of each row on one side; arrays of shape (n_rows,).

    weight : uniqueness of the label, times the decay with age, over the root of the pair's rows; mean 1.
    """

    won: BoolArray
    return_ratio: FloatArray
    weight: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """Rows of all pairs, sorted by time, then pair. features : float32 of shape (n_rows, n_features).

    time_ms : when the row's candle opened; known_ms : when the longest possible label was over.
    pair : index into `pairs`; candle : index into that pair's candles.
    skipped : pairs without a row, with the reason.
    """

    features: FeatureArray
    time_ms: IntArray
    known_ms: IntArray
    pair: IntArray
    candle: IntArray
    pairs: tuple[str, ...]
    skipped: dict[str, str]
    sides: dict[Side, SidedSamples]

    def __len__(self) -> int:
        return len(self.time_ms)

    @property
    def day(self) -> IntArray:
        """The UTC day of each row, as a number."""
        return self.time_ms // DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _PairRows:
    pair: str
    candle: IntArray
    features: FeatureArray
    time_ms: IntArray
    known_ms: IntArray
    labels: dict[Side, tuple[BoolArray, FloatArray, FloatArray]]  # won, return, uniqueness


def gather_samples(
    recipe: Recipe, markets: Iterable[PairFeatures], plan: TrainingPlan, until: datetime
) -> Samples:
    """Return the rows of the window that ends at `until`; every label is known by then.

    Raises InputError where no pair has a row.
    """
    parts: list[_PairRows] = []
    skipped: dict[str, str] = {}
    for market in markets:
        found = _pair_rows(recipe, market, plan, to_ms(until))
        if isinstance(found, str):
            skipped[market.candles.pair] = found
        else:
            parts.append(found)
    if not parts:
        reasons = sorted(set(skipped.values()))
        raise InputError(f"{recipe.name}: no pair has rows to learn from ({'; '.join(reasons) or 'no pair'})")
    pair = np.repeat(np.arange(len(parts)), [len(part.time_ms) for part in parts])
    time_ms = np.concatenate([part.time_ms for part in parts])
    order = np.lexsort((pair, time_ms))
    age = (to_ms(until) - time_ms[order]) / (plan.half_life.total_seconds() * 1000)
    rows_of_pair = np.bincount(pair)[pair][order]
    share = 0.5**age / np.sqrt(rows_of_pair)

    def side(one: Side) -> SidedSamples:
        won, gained, unique = (
            np.concatenate([part.labels[one][column] for part in parts])[order] for column in range(3)
        )
        weight = unique * share
        return SidedSamples(won=won.astype(np.bool_), return_ratio=gained, weight=weight / weight.mean())

    return Samples(
        features=np.concatenate([part.features for part in parts])[order],
        time_ms=time_ms[order],
        known_ms=np.concatenate([part.known_ms for part in parts])[order],
        pair=pair[order],
        candle=np.concatenate([part.candle for part in parts])[order],
        pairs=tuple(part.pair for part in parts),
        skipped=skipped,
        sides={one: side(one) for one in Side},
    )


def _pair_rows(recipe: Recipe, market: PairFeatures, plan: TrainingPlan, until_ms: int) -> _PairRows | str:
    """Return one pair's rows, or why there is none."""
    candles, table = market.candles, market.features
    barrier = recipe.barrier
    known_ms = candles.time_ms + (barrier.horizon_candles + 1) * candles.timeframe_ms
    begins_ms = until_ms - round(plan.window.total_seconds() * 1000)
    inside = (candles.time_ms >= begins_ms) & (known_ms <= until_ms)
    if not inside.any():
        return "no candle in the window"
    scored = ~np.isnan(table[:, feature_indices(recipe.needs)]).any(axis=1)
    if not (inside & scored).any():
        return "nothing it needs is known (a short history, no funding, or a market that stands still)"
    pays = table[:, _ATR_RATIO] >= plan.min_atr_ratio(barrier)
    on_grid = candles.time_ms // candles.timeframe_ms % plan.stride(barrier) == 0
    atr = atr_ratio(candles.high, candles.low, candles.close) * candles.close
    labels = {side: barrier_labels(candles, atr, barrier, side, cost_ratio=plan.cost_ratio) for side in Side}
    chosen = inside & scored & pays & on_grid & labels[Side.LONG].future_known
    rows = np.flatnonzero(chosen)
    if not len(rows):
        return "no candle whose target would pay its costs"
    return _PairRows(
        pair=candles.pair,
        candle=rows,
        features=np.stack([table[rows, column] for column in feature_indices(recipe.features)], axis=1),
        time_ms=candles.time_ms[rows],
        known_ms=known_ms[rows],
        labels={side: _labels_of(labels[side], rows) for side in Side},
    )


def _labels_of(labels: BarrierLabels, rows: IntArray) -> tuple[BoolArray, FloatArray, FloatArray]:
    unique = average_uniqueness(rows + 1, rows + labels.future_candles[rows])
    return labels.future_won[rows], labels.future_return_ratio[rows], unique


def average_uniqueness(first: IntArray, last: IntArray) -> FloatArray:
    """Return each label's mean of 1 / (labels alive), over the candles `first..last` that it lives.

    Lopez de Prado (2018), chapter 4: two labels over the same candles are half a fact each.
    """
    if not len(first):
        return np.empty(0)
    size = int(last.max()) + 2
    alive = np.cumsum(np.bincount(first, minlength=size) - np.bincount(last + 1, minlength=size))
    shares = np.concatenate([[0.0], np.cumsum(1.0 / np.maximum(alive, 1))])
    unique: FloatArray = (shares[last + 1] - shares[first]) / (last - first + 1)
    return unique
