"""Which engine replays managed positions: they agree to the last bit, so the choice is one of time alone."""

from __future__ import annotations

import importlib.util
import logging
import sys

from freqfleet.replay.managed_engine import ManagedEngine
from freqfleet.replay.managed_numpy import ManagedNumpyEngine
from freqfleet.replay.paths import TradePaths

logger = logging.getLogger(__name__)

# Trades times vectors from which on Numba saves more than it costs to load: about 0.7 s of CPU against
# the 15 us that one trade under one vector takes in NumPy with windows of a day.
WORTH_LOADING_NUMBA = 50_000

_NUMBA_ENGINE = "freqfleet.replay.managed_numba"


def open_managed_engine(
    paths: TradePaths, vectors: int, *, fee_ratio: float, replays: int = 0
) -> ManagedEngine:
    """Return the engine that is done first.

    vectors : how many parameter vectors it will be asked in all. fee_ratio : see LevelMaker.
    replays : trades times vectors of all the engines that this process will open, where that is known.
    """
    if _NUMBA_ENGINE in sys.modules or max(replays, len(paths) * vectors) >= WORTH_LOADING_NUMBA:
        if importlib.util.find_spec("numba") is not None:
            from freqfleet.replay.managed_numba import ManagedNumbaEngine  # noqa: PLC0415 - half a second

            return ManagedNumbaEngine(paths, fee_ratio=fee_ratio)
        logger.warning("numba is not installed: managed exits take the slower engine, with the same results")
    return ManagedNumpyEngine(paths, fee_ratio=fee_ratio)
