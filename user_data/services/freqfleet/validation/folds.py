"""The one split loop: hold-out, anchored, rolling and cross-fit plans are all lists of folds.

A fold says in calendar time what is learned on and what is judged by, so it is the same for every pair.
A trade is learned from when its whole replay window (entry to the last candle it may look at) lies inside
one training span; whatever else was entered in a training span is purged, and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from freqfleet.errors import InputError
from freqfleet.market.arrays import BoolArray, IntArray

DAY_MS = 86_400_000
ALWAYS_MS = 2**62  # the end of a span that has none
NO_FOLD = -1


@dataclass(frozen=True, slots=True)
class Span:
    """Calendar time [from_ms, until_ms)."""

    from_ms: int
    until_ms: int

    def __post_init__(self) -> None:
        if not self.from_ms < self.until_ms:
            raise InputError(f"a span must end after it begins, was {self.from_ms} .. {self.until_ms}")

    def entered(self, entered_ms: IntArray) -> BoolArray:
        """Return which trades were entered in this span."""
        inside: BoolArray = (entered_ms >= self.from_ms) & (entered_ms < self.until_ms)
        return inside

    def holds(self, entered_ms: IntArray, window_end_ms: IntArray) -> BoolArray:
        """Return which trades lie in this span with their whole replay window."""
        inside: BoolArray = (entered_ms >= self.from_ms) & (window_end_ms <= self.until_ms)
        return inside


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """What is learned on, and the span whose entries are judged. Made by the plans below."""

    train: tuple[Span, ...]
    test: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Positions of trades, ascending.

    purged : how many were entered in a training span and are in neither part, because their replay window
        reaches out of it.
    """

    train: IntArray
    test: IntArray
    purged: int


def split(folds: Sequence[Fold], entered_ms: IntArray, window_end_ms: IntArray) -> Iterator[Split]:
    """Yield the parts of every fold. entered_ms, window_end_ms : (n,), in any order.

    Raises InputError for a replay window that ends before its trade was entered, and where a window of a
    judged trade reaches into a later training span: the embargo is then shorter than the longest window.
    """
    early = np.flatnonzero(window_end_ms < entered_ms)
    if len(early):
        raise InputError(f"the replay window of trade {early[0]} ends before its entry")
    for fold in folds:
        test = fold.test.entered(entered_ms)
        _require_embargo(fold, window_end_ms[test])
        train = np.zeros(len(entered_ms), dtype=np.bool_)
        begun = np.zeros(len(entered_ms), dtype=np.bool_)
        for span in fold.train:
            train |= span.holds(entered_ms, window_end_ms)
            begun |= span.entered(entered_ms)
        yield Split(
            train=np.flatnonzero(train),
            test=np.flatnonzero(test),
            purged=int((begun & ~train & ~test).sum()),
        )


def training_sets(folds: Sequence[Fold], entered_ms: IntArray, window_end_ms: IntArray) -> BoolArray:
    """Return (folds + 1, n): which trades each fold learns from; the last row is every trade."""
    sets = np.ones((len(folds) + 1, len(entered_ms)), dtype=np.bool_)
    for row, parts in enumerate(split(folds, entered_ms, window_end_ms)):
        sets[row] = False
        sets[row, parts.train] = True
    return sets


def fold_of_trades(folds: Sequence[Fold], entered_ms: IntArray) -> IntArray:
    """Return (n,): the fold by which each trade is judged; NO_FOLD where there is none."""
    which = np.full(len(entered_ms), NO_FOLD, dtype=np.int64)
    for row, fold in enumerate(folds):
        which[fold.test.entered(entered_ms)] = row
    return which


def crossfit(from_ms: int, until_ms: int, *, folds: int = 5, embargo_ms: int = DAY_MS) -> tuple[Fold, ...]:
    """Return equal calendar blocks, each judged by what was learned on all the others.

    from_ms : the first entry of any pair. until_ms : after the last entry. embargo_ms : how long after a
    block nothing is learned; at least the longest replay window.
    Raises InputError below two folds, and for blocks that are not longer than the embargo.
    """
    if folds < 2:
        raise InputError(f"cross-fitting needs at least 2 folds, was {folds}")
    block_ms = (until_ms - from_ms) / folds
    if not block_ms > embargo_ms:
        raise InputError(
            f"{_days(until_ms - from_ms)} cannot hold {folds} folds, each longer than the embargo of "
            f"{_days(embargo_ms)}; take fewer folds or more history"
        )
    edges = [from_ms + round(block_ms * number) for number in range(folds)] + [until_ms]
    plan = []
    for number in range(folds):
        begins, ends = edges[number], edges[number + 1]
        before = (Span(from_ms, begins),) if number else ()
        after = (Span(ends + embargo_ms, ALWAYS_MS),) if number + 1 < folds else ()
        plan.append(Fold(train=before + after, test=Span(begins, ends)))
    return tuple(plan)


def holdout(from_ms: int, until_ms: int, *, train_share: float) -> tuple[Fold, ...]:
    """Return one fold: the first share of the time against the rest."""
    if not 0.0 < train_share < 1.0:
        raise InputError(f"train_share must lie between 0 and 1, was {train_share}")
    boundary = from_ms + round((until_ms - from_ms) * train_share)
    return (Fold(train=(Span(from_ms, boundary),), test=Span(boundary, until_ms)),)


def rolling(
    from_ms: int,
    until_ms: int,
    *,
    train_ms: int,
    gap_ms: int,
    test_ms: int,
    anchored: bool = False,
) -> tuple[Fold, ...]:
    """Return windows that move on by `test_ms`: learn, wait for the gap, judge.

    anchored : every window learns from `from_ms` on, so the training part grows.
    Raises InputError where not a single window fits, and for lengths that are not above zero.
    """
    for name, length in (("train", train_ms), ("test", test_ms)):
        if length <= 0:
            raise InputError(
                f"the {name} part of a rolling window must be longer than nothing, was {length} ms"
            )
    if gap_ms < 0:
        raise InputError(f"the gap of a rolling window cannot be negative, was {gap_ms} ms")
    needed = train_ms + gap_ms + test_ms
    if needed > until_ms - from_ms:
        raise InputError(
            f"{_days(until_ms - from_ms)} cannot hold {_days(train_ms)} to learn + {_days(gap_ms)} gap + "
            f"{_days(test_ms)} to judge = {_days(needed)}; shorten a part or take more history"
        )
    plan = []
    begins = from_ms
    while begins + needed <= until_ms:
        learned = begins + train_ms
        judged = learned + gap_ms
        plan.append(
            Fold(
                train=(Span(from_ms if anchored else begins, learned),),
                test=Span(judged, judged + test_ms),
            )
        )
        begins += test_ms
    return tuple(plan)


def _require_embargo(fold: Fold, window_end_ms: IntArray) -> None:
    if len(window_end_ms) == 0:
        return
    last = int(window_end_ms.max())
    for span in fold.train:
        if span.from_ms >= fold.test.until_ms and last > span.from_ms:
            raise InputError(
                f"an embargo of {_days(span.from_ms - fold.test.until_ms)} is shorter than a replay window: "
                f"it must be at least {_days(last - fold.test.until_ms)} here"
            )


def _days(length_ms: int) -> str:
    days = length_ms / DAY_MS
    return f"{days:g} day" if days == 1 else f"{days:g} days"
