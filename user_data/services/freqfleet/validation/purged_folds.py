"""Walk-forward folds without leaks: what a label saw after its row must be over before a test begins.

After Lopez de Prado, Advances in Financial Machine Learning (2018), chapter 7: purging removes rows whose
label reaches into the test, the embargo keeps a further distance, because neighbours share features.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from freqfleet.errors import InputError
from freqfleet.market.arrays import IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PurgedFold:
    """Rows of one fold, ascending: `train` is older than `stopping`, that is older than `test`.

    stopping : decides when boosting stops; neither learned from nor tested on.
    """

    train: IntArray
    stopping: IntArray
    test: IntArray


def purged_walk_forward(
    time_ms: IntArray,
    known_ms: IntArray,
    *,
    folds: int,
    embargo_ms: int,
    first_train_share: float = 0.4,
    stopping_share: float = 0.2,
) -> Iterator[PurgedFold]:
    """Yield `folds` folds whose test blocks follow each other to the end of the data.

    time_ms : when each row was decided; known_ms : when its label was known, not before. Any order.
    first_train_share : of the time, before the first test block; every later fold has more.
    stopping_share : of the time before a test block, its end.

    For every fold: known_ms of `train` + embargo <= time_ms of `stopping`, and known_ms of `stopping` +
    embargo <= time_ms of `test`. A fold may come out with an empty part; the caller says so.
    Raises InputError for shares and counts that make no folds.
    """
    if folds < 1 or not 0.0 < first_train_share < 1.0 or not 0.0 < stopping_share < 1.0:
        raise InputError(
            f"folds must be at least 1 and shares lie in 0..1, were {folds}, {first_train_share} and "
            f"{stopping_share}"
        )
    if not len(time_ms):
        return
    first, last = int(time_ms.min()), int(time_ms.max()) + 1
    edges = np.linspace(first + first_train_share * (last - first), last, folds + 1).astype(np.int64)
    for begins, ends in itertools.pairwise(edges.tolist()):
        stops_from = begins - int(stopping_share * (begins - first))
        yield PurgedFold(
            train=np.flatnonzero(known_ms + embargo_ms <= stops_from),
            stopping=np.flatnonzero((time_ms >= stops_from) & (known_ms + embargo_ms <= begins)),
            test=np.flatnonzero((time_ms >= begins) & (time_ms < ends)),
        )
