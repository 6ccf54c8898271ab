"""Pair: a futures symbol as freqtrade and ccxt write it, `BTC/USDT:USDT`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from functools import lru_cache

from freqfleet.errors import InputError

_SHOWN = 8
_PAIR = re.compile(r"[A-Z0-9]{1,20}/[A-Z0-9]{1,12}(:[A-Z0-9]{1,12})?")


@lru_cache(maxsize=4096)  # every trade that is read names one
def checked_pair(pair: str) -> str:
    """Return `pair` if it is a symbol; raises InputError with the text otherwise.

    The alphabet is closed on purpose: a pair's name ends in queries, file names and tags.
    """
    if not _PAIR.fullmatch(pair):
        raise InputError(f"not a pair: {pair!r}; write BTC/USDT:USDT")
    return pair


def did_you_mean(pair: str, known: Iterable[str]) -> str:
    """Return what to say of a pair that is not among the known ones: the nearest of them, or some."""
    names = sorted(set(known))
    coins = {name.partition("/")[0]: name for name in names}  # what follows the coin is the same for most
    nearest = difflib.get_close_matches(pair.partition("/")[0], coins, n=1)
    if nearest:
        return f"did you mean {coins[nearest[0]]}?"
    if not names:
        return "no pair is known"
    return f"known: {', '.join(names[:_SHOWN])}" + (
        f" and {len(names) - _SHOWN} more" * (len(names) > _SHOWN)
    )
