"""PairWork: all that is done for one pair, in this process or in another one.

It holds what is the same for every pair and travels to worker processes; a `PairTask` carries what is
different. It reads no store and no clock, so where it runs changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

import numpy as np

from freqfleet.clock import to_ms
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.known import known
from freqfleet.domain.sides import Side
from freqfleet.errors import MarketError
from freqfleet.learning.heap import keep_freed_memory
from freqfleet.learning.pair_side import Finding, PairSideLearner, skipped
from freqfleet.learning.sample import PairMarket
from freqfleet.market.leverage_tiers import Tiers
from freqfleet.market.series import Candles, Funding
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.parameters.book import Resolution
from freqfleet.replay.surface import kernel_for

logger = logging.getLogger(__name__)


class CandleSource(Protocol):
    """Where candles come from; `market.candles.CandleFiles` is one."""

    def pairs(self) -> list[str]:
        """Return the pairs that have candles; raises MarketError where there are none at all."""
        ...

    def load(self, pair: str) -> Candles:
        """Return one pair's candles; raises MarketError with the reason."""
        ...

    def load_funding(self, pair: str) -> Funding | None:
        """Return one pair's funding history, or None; raises MarketError for a broken one."""
        ...


class DetailSource(Protocol):
    """Where finer candles come from, as far as there are any."""

    def load_if_there(self, pair: str) -> Candles | None:
        """Return one pair's candles, None where there are none; raises MarketError for broken ones."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PairOutcome:
    """What was found for one pair. latest_atr_ratio : of its last finished candle; None if not known."""

    pair: str
    findings: tuple[Finding, ...]
    latest_atr_ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairTask:
    """One pair: its trades and what is in force for it, by the sides that are asked for.

    fallbacks : what would be in force without the incumbents; the defaults where not given.
    tiers : the leverage tiers of the pair; None where they are not known.
    """

    pair: str
    trades: Mapping[Side, TradeColumns]
    incumbents: Mapping[Side, Resolution]
    fallbacks: Mapping[Side, ExitParameters] = field(default_factory=dict)
    tiers: Tiers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairWork:
    """Decides every side of a pair. Candles are read where it runs, one pair at a time.

    detail : where finer candles come from; None replays on the candles alone.
    """

    learner: PairSideLearner
    candles: CandleSource
    as_of: datetime
    detail: DetailSource | None = None

    def for_load(self, tasks: Sequence[PairTask]) -> PairWork:
        """Return the same work with the kernel that is done first with so many pairs; results are equal."""
        searches = sum(one is None for task in tasks for one in self._too_few(task).values())
        exact = self.learner.exact
        kernel = kernel_for(searches) if exact.kernel == "auto" else exact.kernel
        return replace(self, learner=replace(self.learner, exact=replace(exact, kernel=kernel)))

    def without_market(self, task: PairTask) -> PairOutcome | None:
        """Return the outcome of a pair with too few trades on every side: no candle is read for it."""
        few = self._too_few(task)
        findings = tuple(one for one in few.values() if one is not None)
        return PairOutcome(pair=task.pair, findings=findings) if len(findings) == len(few) else None

    def outcome(self, task: PairTask) -> PairOutcome:
        """Return what is found for a pair; one without usable candles is skipped with the reason."""
        keep_freed_memory()
        few = self._too_few(task)
        try:
            market = PairMarket(
                candles=self.candles.load(task.pair),
                funding=self.candles.load_funding(task.pair),
                tiers=task.tiers,
                detail=self._detail(task.pair),
            )
        except MarketError as error:
            reason = str(error)
            skips = [few[side] or skipped(task.pair, side, own, reason) for side, own in task.trades.items()]
            return PairOutcome(pair=task.pair, findings=tuple(skips))
        findings = [
            few[side]
            or self.learner.decide(side, own, market, task.incumbents[side], task.fallbacks.get(side))
            for side, own in task.trades.items()
        ]
        return PairOutcome(
            pair=task.pair, findings=tuple(findings), latest_atr_ratio=_latest_atr(market, self.as_of)
        )

    def _detail(self, pair: str) -> Candles | None:
        """Return the finer candles of a pair; broken ones are said aloud and left alone."""
        if self.detail is None:
            return None
        try:
            return self.detail.load_if_there(pair)
        except MarketError as error:
            logger.warning("trades are replayed without finer candles: %s", error)
            return None

    def _too_few(self, task: PairTask) -> dict[Side, Finding | None]:
        return {side: self.learner.too_few(task.pair, side, own) for side, own in task.trades.items()}


def _latest_atr(market: PairMarket, as_of: datetime) -> float | None:
    candles = market.candles
    finished = int(np.searchsorted(candles.time_ms, to_ms(as_of) - candles.timeframe_ms, side="right"))
    return known(market.atr_ratio[finished - 1]) if finished else None
