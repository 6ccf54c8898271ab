"""An internal of freqtrade, touched here only: the deep copy of the trade before a callback.

freqtrade copies the whole trade, orders included, for every callback of every candle, so that a strategy
cannot change it; for callbacks of its own it does not, and knows them by their qualified name. Ours read
the trade and change nothing, and that copy was two thirds of a backtest. Where freqtrade stops looking
at the name, the copies come back and nothing else changes; tests/runtime/test_host_copies.py notices.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Callback = TypeVar("Callback", bound=Callable[..., object])


def only_reads_the_trade(callback: Callback) -> Callback:
    """Mark a strategy callback that reads its trade and never changes it."""
    callback.__qualname__ = f"IStrategy.{callback.__name__}"
    return callback
