"""Holdout: learn on the earlier part, judge on the later one, with nothing shared between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from freqfleet.errors import InputError
from freqfleet.market.arrays import IntArray
from freqfleet.validation.folds import ALWAYS_MS, Fold, Span, Split, split


class Splitter(Protocol):
    """Divides trades in time; nothing of a training window may lie at or after the first test entry."""

    def split(self, entered_ms: IntArray, window_end_ms: IntArray) -> Split:
        """Return the parts. entered_ms, window_end_ms : (n,), in any order."""
        ...


@dataclass(frozen=True, slots=True)
class Holdout:
    """The first `train_share` of the trades against the rest, by entry time."""

    train_share: float

    def __post_init__(self) -> None:
        if not 0.0 < self.train_share < 1.0:
            raise InputError(f"train_share must lie between 0 and 1, was {self.train_share}")

    def split(self, entered_ms: IntArray, window_end_ms: IntArray) -> Split:
        """Return the parts; the training part may come out empty where every window is purged."""
        if len(entered_ms) == 0:
            nothing = np.empty(0, dtype=np.int64)
            return Split(train=nothing, test=nothing, purged=0)
        ordered = np.sort(entered_ms)
        boundary_ms = ordered[min(int(len(ordered) * self.train_share), len(ordered) - 1)]
        fold = Fold(
            train=(Span(int(ordered[0]) - 1, int(boundary_ms)),), test=Span(int(boundary_ms), ALWAYS_MS)
        )
        return next(split((fold,), entered_ms, window_end_ms))


@dataclass(frozen=True, slots=True)
class Undivided:
    """No part of the trades is set aside: for those who cross-fit, and look at all of them."""

    def split(self, entered_ms: IntArray, window_end_ms: IntArray) -> Split:
        """Return two empty parts."""
        nothing = np.empty(0, dtype=np.int64)
        return Split(train=nothing, test=nothing, purged=0)
