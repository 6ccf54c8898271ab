"""Which engine replays managed positions: they agree to the last bit, so the choice is one of time alone.

Nobody knows beforehand how many engines a run will open. So NumPy is taken until all of them together have
cost as much as loading Numba does; from then on Numba is. That never takes twice as long as the better of the
two would have (the rule for renting skis).
"""

from __future__ import annotations

import importlib.util
import logging
import sys
from dataclasses import dataclass

from freqfleet.replay.managed_engine import ManagedEngine
from freqfleet.replay.managed_numpy import ManagedNumpyEngine
from freqfleet.replay.paths import TradePaths

logger = logging.getLogger(__name__)

# Costs are counted in what one trade under one vector takes in NumPy with windows of a day, about 15 us of
# CPU. Loading Numba takes about 0.7 s.
WORTH_LOADING_NUMBA = 50_000
# NumPy's steps from candle to candle, however few trades there are: about 60 us each.
COST_OF_A_CANDLE = 4

_NUMBA_ENGINE = "freqfleet.replay.managed_numba"


@dataclass(slots=True)
class _Account:
    """What NumPy's engines of this process have cost."""

    spent: int = 0


_ACCOUNT = _Account()


def open_managed_engine(paths: TradePaths, vectors: int, *, fee_ratio: float) -> ManagedEngine:
    """Return the engine that is done first.

    vectors : how many parameter vectors it will be asked in all. fee_ratio : see LevelMaker.
    """
    cost = len(paths) * vectors + COST_OF_A_CANDLE * paths.width
    if _NUMBA_ENGINE in sys.modules or _ACCOUNT.spent + cost >= WORTH_LOADING_NUMBA:
        if importlib.util.find_spec("numba") is not None:
            from freqfleet.replay.managed_numba import ManagedNumbaEngine  # noqa: PLC0415 - half a second

            return ManagedNumbaEngine(paths, fee_ratio=fee_ratio)
        if _ACCOUNT.spent < WORTH_LOADING_NUMBA:
            logger.warning(
                "numba is not installed: managed exits take the slower engine, with the same results"
            )
    _ACCOUNT.spent += cost
    return ManagedNumpyEngine(paths, fee_ratio=fee_ratio)
