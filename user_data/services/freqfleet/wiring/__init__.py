"""The composition root: the only package that chooses concrete stores, clocks and feeders.

Everything else receives what it needs. Imports stand inside the functions: `freqfleet --help` loads
none of them, and a bot loads no optimizer.
"""

from __future__ import annotations

from freqfleet.wiring.bots import open_bot
from freqfleet.wiring.caution import LEARNERS
from freqfleet.wiring.feeders import (
    chosen_recipes,
    feeder_bank,
    make_ensemble,
    open_bank_door,
    open_bank_ensemble,
)
from freqfleet.wiring.host_exits import check_exits_are_asked
from freqfleet.wiring.leverage import check_stoploss, leverage_rule
from freqfleet.wiring.stores import (
    load_book,
    open_store,
    open_store_to_write,
    put_aside,
    saved_book,
    sqlite_store_file,
    write_to_store,
)

__all__ = [
    "LEARNERS",
    "check_exits_are_asked",
    "check_stoploss",
    "chosen_recipes",
    "feeder_bank",
    "leverage_rule",
    "load_book",
    "make_ensemble",
    "open_bank_door",
    "open_bank_ensemble",
    "open_bot",
    "open_store",
    "open_store_to_write",
    "put_aside",
    "saved_book",
    "sqlite_store_file",
    "write_to_store",
]
