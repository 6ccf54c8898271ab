"""Voting: the feeders that vote now, what they add to the candles, and where the bot enters on it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pandas as pd

from freqfleet.domain.sides import Side
from freqfleet.market.indicators import atr_ratio, trend_z
from freqfleet.runtime.entries import EntryPolicy
from freqfleet.runtime.later_voters import LaterVoters
from freqfleet.runtime.path_ledger import TREND_COLUMN
from freqfleet.signals.ensemble import Ensemble

logger = logging.getLogger(__name__)

ATR_COLUMN = "atr_ratio"


class Voting:
    """The voters of one bot and the rule their votes are counted by.

    later : voters that may come while the bot runs; None where those of the start stay.
    """

    def __init__(
        self, bot: str, ensemble: Ensemble, policy: EntryPolicy, later: LaterVoters | None = None
    ) -> None:
        self._bot = bot
        self._ensemble = ensemble
        self._policy = policy
        self._later = later

    def take_new(self) -> None:
        """Let voters vote that were found since; to be called between two looks at the market.

        In the middle of one, a candle would be judged by some pairs' rules and other pairs' models.
        """
        found = self._later.take() if self._later is not None else None
        if found is None:
            return
        self._ensemble, self._policy = found, replace(self._policy, min_votes=found.min_votes)
        logger.warning(
            "%s: a feeder bank has come: its %d feeders vote from the next candle on, %d must agree; the "
            "rules vote no more",
            self._bot, len(found.feeders), found.min_votes,
        )  # fmt: skip

    def stop(self) -> None:
        """End the looking for new voters."""
        if self._later is not None:
            self._later.stop()

    @property
    def reads_context(self) -> bool:
        """True where a feeder reads more than the pair's own candles; see runtime/market_context.py."""
        return self._ensemble.reads_context

    def indicators(self, candles: pd.DataFrame) -> pd.DataFrame:
        """Return `candles` with the votes of the ensemble and the volatility known at each close."""
        columns = self._ensemble.columns(candles)
        columns[ATR_COLUMN] = atr_ratio(
            candles["high"].to_numpy(), candles["low"].to_numpy(), candles["close"].to_numpy()
        )
        columns[TREND_COLUMN] = trend_z(candles["close"].to_numpy())
        return candles.join(columns)

    def entries(self, analysed: pd.DataFrame) -> pd.DataFrame:
        """Return `analysed` with enter_long, enter_short and enter_tag where this bot enters."""
        analysed["enter_tag"] = ""
        for side in Side:
            enters = self._policy.enters(analysed, side)
            analysed[f"enter_{side}"] = enters.astype("int8")
            analysed.loc[enters, "enter_tag"] = analysed.loc[enters, f"tag_{side}"]
        return analysed

    def said(self, analysed: pd.DataFrame) -> dict[str, Any] | None:
        """Return what the feeders said at the newest candle; None where there is none."""
        return self._ensemble.detail(analysed.iloc[-1]) if len(analysed) else None
