"""Pair: a futures symbol as freqtrade and ccxt write it, `BTC/USDT:USDT`."""

from __future__ import annotations

import re
from functools import lru_cache

from freqfleet.errors import InputError

_PAIR = re.compile(r"[A-Z0-9]{1,20}/[A-Z0-9]{1,12}(:[A-Z0-9]{1,12})?")


@lru_cache(maxsize=4096)  # every trade that is read names one
def checked_pair(pair: str) -> str:
    """Return `pair` if it is a symbol; raises InputError with the text otherwise.

    The alphabet is closed on purpose: a pair's name ends in queries, file names and tags.
    """
    if not _PAIR.fullmatch(pair):
        raise InputError(f"not a pair: {pair!r}; write BTC/USDT:USDT")
    return pair
