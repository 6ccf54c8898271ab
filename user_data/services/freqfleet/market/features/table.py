"""The feature table: every family, one fixed order of names, float32.

The same function serves training, backtest and live, so that they cannot differ. Row t uses candles up
to and including t, and what `market.features.context` knew when candle t closed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from freqfleet.errors import MarketError
from freqfleet.market.features import (
    breakout,
    funding,
    higher,
    leader,
    momentum,
    reversion,
    rhythm,
    shape,
    trend,
    volatility,
    volume,
    zones,
)
from freqfleet.market.features.view import view_of

FeatureArray = npt.NDArray[np.float32]

FAMILIES = (
    trend,
    momentum,
    reversion,
    volume,
    volatility,
    breakout,
    shape,
    zones,
    higher,
    leader,
    funding,
    rhythm,
)
FEATURE_NAMES: tuple[str, ...] = tuple(name for family in FAMILIES for name in family.NAMES)
"""Every column, in the order of the table; a new feature goes into its family."""

WARMUP_CANDLES = 600
"""Rows at the start without a value: what strategies ask freqtrade for, and enough that averages forget."""

_LIMIT = 1e6


def feature_table(candles: pd.DataFrame) -> FeatureArray:
    """Return the features of every candle: shape (n_candles, n_features), column by column in memory.

    candles : closed candles of one pair, oldest first, as `require_candles` accepts them, with the
        context columns where they are known. The frame is not changed.

    NaN : the first WARMUP_CANDLES rows; rows at which nothing moves (`atr_ratio` below 1e-5); single
        values that are not known, for example every leader feature without a leader. Never infinite.
    """
    table = np.full((len(candles), len(FEATURE_NAMES)), np.nan, dtype=np.float32, order="F")
    if len(candles) <= WARMUP_CANDLES:
        return table
    view = view_of(candles)
    column = 0
    with np.errstate(invalid="ignore", divide="ignore"):
        for family in FAMILIES:
            found = family.compute(view)
            for name in family.NAMES:
                table[:, column] = np.clip(found[name], -_LIMIT, _LIMIT)
                column += 1
    table[:WARMUP_CANDLES] = np.nan
    table[np.isnan(view.atr)] = np.nan
    return table


def feature_indices(names: Sequence[str]) -> list[int]:
    """Return the columns of the table with these names; raises MarketError for a name it does not have."""
    known = {name: index for index, name in enumerate(FEATURE_NAMES)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise MarketError(f"no feature is called {unknown[0]!r}; market/features/ defines {len(known)}")
    return [known[name] for name in names]


@cache
def feature_code_hash() -> str:
    """Return a hash of the source that computes features: a table made by other code is another table."""
    digest = hashlib.blake2b(digest_size=8)
    folder = Path(__file__).parent
    for file in (*sorted(folder.glob("*.py")), folder.parent / "indicators.py"):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
