"""Where real candles and results are, for tests that want them; such tests skip where they are absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_SHARED = Path(os.environ.get("FREQFLEET_SHARED", Path(__file__).parents[2] / "shared"))


def market_dir(name: str, exchange: str = "binance") -> Path:
    """Return the freqtrade datadir of a set of real candles, or skip the test with the reason."""
    folder = _SHARED / "market" / name / exchange
    if not folder.is_dir():
        pytest.skip(f"no real candles at {folder}; set FREQFLEET_SHARED to a folder that holds market/")
    return folder


def results_dir(name: str) -> Path:
    """Return a folder of real freqtrade backtest results, or skip the test with the reason."""
    folder = _SHARED / "trades" / name
    if not folder.is_dir():
        pytest.skip(f"no freqtrade results at {folder}; set FREQFLEET_SHARED to a folder that holds trades/")
    return folder
