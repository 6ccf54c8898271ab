"""Which engine replays: they agree to the last bit, so the choice is one of time alone."""

from __future__ import annotations

import importlib.util
import logging
import sys
from functools import cache

from freqfleet.replay.engine import ReplayEngine
from freqfleet.replay.fills import HONEST, Fills
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.replay.paths import TradePaths

logger = logging.getLogger(__name__)

# Trades times vectors from which on Numba saves more than its import and its cached kernels take: about
# 0.7 s of CPU against 45 to 90 ns each. Once it is loaded it is the faster one for a single vector too.
WORTH_LOADING_NUMBA = 10_000_000

_NUMBA_ENGINE = "freqfleet.replay.numba_engine"


def open_engine(
    paths: TradePaths, vectors: int, *, fills: Fills = HONEST, engines_alike: int = 1
) -> ReplayEngine:
    """Return the engine that is done first.

    vectors : how many parameter vectors it will be asked in all.
    engines_alike : for how many sets of paths like this one the process will open an engine.
    """
    evaluations = len(paths) * vectors * engines_alike
    worth = _NUMBA_ENGINE in sys.modules or evaluations >= WORTH_LOADING_NUMBA
    if worth and _numba_is_installed():
        from freqfleet.replay.numba_engine import NumbaEngine  # noqa: PLC0415 - half a second

        return NumbaEngine(paths, fills)
    return NumpyEngine(paths, fills)


@cache
def _numba_is_installed() -> bool:
    installed = importlib.util.find_spec("numba") is not None
    if not installed:
        logger.warning("numba is not installed: replay takes its slower engine, with the same results")
    return installed
