"""The FreqAI door: the feeder bank for people who run a FreqAI configuration.

FreqAI trains one model a pair, and slices candles before it predicts; the bank is pooled over pairs and
needs the candles before. So the bank scores where all candles are at hand, in the strategy's
`feature_engineering_standard`, and the FreqAI model hands those scores on as its predictions.

FreqAI turns an exception of a training into a warning and neutral predictions: a backtest without a
trade that ends with exit code 0. What fails here is therefore no exception that it would catch.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NoReturn

import numpy as np
import numpy.typing as npt
import pandas as pd

from freqfleet.domain.sides import Side
from freqfleet.errors import FreqfleetError, ModelError
from freqfleet.signals.ensemble import Ensemble

logger = logging.getLogger(__name__)

FEATURE_PREFIX = "%-freqfleet_"
LABEL_PREFIX = "&-freqfleet_"


def add_scores(ensemble: Ensemble, candles: pd.DataFrame) -> pd.DataFrame:
    """Return `candles` with a feature a side: votes for it over `min_votes`; NaN where nobody can speak.

    For `feature_engineering_standard`. 1 and more is an agreement, as it is for the fleet's own bots.
    """
    columns = ensemble.columns(candles)
    features = {
        f"{FEATURE_PREFIX}{side}": np.where(
            columns[f"voters_{side}"] > 0, columns[f"votes_{side}"] / ensemble.min_votes, np.nan
        ).astype(np.float64)
        for side in Side
    }
    return candles.assign(**features)


def add_targets(candles: pd.DataFrame) -> pd.DataFrame:
    """Return `candles` with the columns that FreqAI calls targets; the bank's models have learned already."""
    return candles.assign(**{f"{LABEL_PREFIX}{side}": 0.0 for side in Side})


class BankDoor:
    """What the FreqAI model class delegates to. ensemble : of the bank's feeders."""

    def __init__(self, ensemble: Ensemble, versions: Sequence[str]) -> None:
        self._ensemble = ensemble
        self._versions = tuple(versions)

    def versions(self) -> tuple[str, ...]:
        """Return the versions of the bank; ends the program where there is none."""
        if not self._versions:
            _end(ModelError("the feeder bank holds no version; train one: freqfleet feeders train"))
        return self._versions

    def predict(
        self, candles: pd.DataFrame, labels: Sequence[str]
    ) -> tuple[pd.DataFrame, npt.NDArray[np.int_]]:
        """Return one column a label, and 1 where a feeder spoke.

        candles : the part FreqAI predicts, with the columns of `add_scores`.
        Ends the program where they are missing: a strategy that forgot them would never trade.
        """
        sides = {f"{LABEL_PREFIX}{side}": f"{FEATURE_PREFIX}{side}" for side in Side}
        unknown = [label for label in labels if label not in sides]
        missing = [name for name in sides.values() if name not in candles.columns]
        if unknown or missing:
            what = f"target {unknown[0]}" if unknown else f"feature {missing[0]}"
            remedy = "call add_targets and add_scores of freqfleet.runtime.freqai_door in the strategy"
            _end(ModelError(f"FreqfleetBank and the strategy do not fit together, see {what}; {remedy}"))
        said = candles[[sides[label] for label in labels]].reset_index(drop=True)
        spoken = said.notna().any(axis=1).to_numpy().astype(np.int_)
        said.columns = pd.Index(labels)
        return said.fillna(0.0), spoken


def _end(error: FreqfleetError) -> NoReturn:
    """End the program with our exit code: FreqAI would swallow an Exception."""
    logger.error("%s", error)
    raise SystemExit(error.exit_code)
