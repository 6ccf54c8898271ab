"""Duplicates: one entry that several bots made is one trade.

BOT3 executes what BOT1 and BOT2 signal, so the same path of prices may be in the data two or three times.
Counted twice, it would look like evidence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from freqfleet.errors import InputError
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray

SAME_ENTRY_MS = 15 * 60_000


def kept_entries(
    entered_ms: IntArray, weights: FloatArray, bots: Sequence[str], *, within_ms: int = SAME_ENTRY_MS
) -> BoolArray:
    """Return (n,): which trades of one pair and side to keep; every argument has one value per trade.

    A trade falls to another bot's trade that was entered within `within_ms` and weighs more; of equal
    weights the earlier stays, then the one of the bot that sorts first. Two trades of one bot are never the
    same entry. Raises InputError where the columns differ in length.
    """
    count = len(entered_ms)
    if len(weights) != count or len(bots) != count:
        raise InputError(
            f"{count} entries need as many weights and bots, were {len(weights)} and {len(bots)}"
        )
    code = {name: at for at, name in enumerate(sorted(set(bots)))}
    names = np.array([code[bot] for bot in bots], dtype=np.int64)  # in the order of the names themselves
    kept = ~_near_another_bot(entered_ms, names, within_ms)
    order = np.lexsort((np.arange(count), names, entered_ms, -weights))
    for at in order[~kept[order]].tolist():
        close = kept & (np.abs(entered_ms - entered_ms[at]) <= within_ms) & (names != names[at])
        kept[at] = not close.any()
    return kept


def _near_another_bot(entered_ms: IntArray, names: IntArray, within_ms: int) -> BoolArray:
    """Return (n,): which trades have an entry of another bot close by; all others stay in any case."""

    def close_by(among: IntArray, of: IntArray) -> IntArray:
        ordered = np.sort(among)
        before = np.searchsorted(ordered, of - within_ms, side="left")
        return np.searchsorted(ordered, of + within_ms, side="right") - before

    own = np.zeros(len(entered_ms), dtype=np.int64)
    for name in np.unique(names):
        mine = names == name
        own[mine] = close_by(entered_ms[mine], entered_ms[mine])
    near: BoolArray = close_by(entered_ms, entered_ms) > own
    return near
