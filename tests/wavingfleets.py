"""Userdirs of fleets whose trades a wider target would improve, for tests of whole commands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from freqfleet.clock import iso
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.market.candles import CandleFiles
from freqfleet.market.series import Candles
from freqfleet.parameters.version import ParameterVersion
from freqfleet.settings import load_settings
from freqfleet.testing.candle_tables import write_candles
from freqfleet.wiring import open_store
from replaycases import WAVE_CANDLES, after

ETH = "ETH/USDT:USDT"
WAVES = 80
PEAKS = np.random.default_rng(1).normal(0.08, 0.02, WAVES).clip(0.03, 0.14)
# When the last of the trades can be replayed to its time limit.
AS_OF = iso(after(5 * WAVE_CANDLES * (WAVES + 2)))
FLEET = """
[optimizer]
time_limit_minutes = [240]
trials = 20
[defaults]
time_limit_minutes = 240
"""


def write_fleet(
    userdir: Path, settings: str, markets: Iterable[tuple[Candles, Sequence[ClosedTrade]]]
) -> Path:
    """Write a fleet.toml, the candles of every market and a store with its trades; return the userdir."""
    (userdir / "config").mkdir(parents=True)
    (userdir / "config" / "fleet.toml").write_text(settings, encoding="utf-8")
    loaded = load_settings(userdir)
    files = CandleFiles(loaded.datadir)
    with closing(open_store(loaded)) as store:
        for candles, trades in markets:
            write_candles(files.path(candles.pair), candles)
            store.record_closed_trades(trades)
    return userdir


def published(userdir: Path) -> list[ParameterVersion]:
    """Return every version in the store of a userdir."""
    with closing(open_store(load_settings(userdir))) as store:
        return store.parameter_versions()
