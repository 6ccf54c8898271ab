"""Optimizer: the loop over pairs and sides. Every pair is stored as soon as it is decided.

Failure. The store cannot be read: propagate, there is nothing to learn from. It cannot be written in the
middle of a run: defer, the results wait in a file that the next run publishes. A pair without usable
candles: skipped with the reason, the others go on.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Protocol

import numpy as np

from freqfleet.clock import Clock, to_ms
from freqfleet.domain.decisions import Verdict
from freqfleet.domain.pairs import checked_pair
from freqfleet.domain.sides import Side
from freqfleet.errors import MarketError
from freqfleet.learning.fleet_trades import FleetTrades, load_fleet_trades
from freqfleet.learning.pair_side import Finding, PairSideLearner, skipped
from freqfleet.learning.pending import PendingParameters
from freqfleet.learning.publisher import Publisher
from freqfleet.learning.sample import PairMarket
from freqfleet.learning.search import DEFAULT_SEARCH, checked_search
from freqfleet.market.indicators import atr_ratio
from freqfleet.market.series import Candles, Funding
from freqfleet.parameters.book import ParameterBook
from freqfleet.replay.costs import Costs
from freqfleet.settings import Settings
from freqfleet.store.promise import LearningStore
from freqfleet.validation.gate import Gate, HoldoutGate
from freqfleet.validation.holdout import Holdout

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


@dataclass(frozen=True, slots=True, kw_only=True)
class PairOutcome:
    """What was found for one pair. latest_atr_ratio : of its last finished candle; None if not known."""

    pair: str
    findings: tuple[Finding, ...]
    latest_atr_ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerRun:
    """A whole run. candidates : proposals tried in all. notes : what a person should be told."""

    run_id: str
    as_of: datetime
    search: str
    dry_run: bool
    outcomes: tuple[PairOutcome, ...]
    elapsed_seconds: float
    notes: tuple[str, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, by pair and side."""
        return tuple(finding for outcome in self.outcomes for finding in outcome.findings)

    @property
    def candidates(self) -> int:
        """How many proposals were tried in all."""
        return sum(finding.decision.evidence.candidates or 0 for finding in self.findings)

    def count(self, verdict: Verdict) -> int:
        """Return how many decisions have this verdict."""
        return sum(finding.decision.verdict is verdict for finding in self.findings)


class Optimizer:
    """Learns from the fleet's closed trades as they stand at `clock.now()`, when it is made.

    clock : a FixedClock makes the run a point-in-time one: only trades closed and candles finished before
        its time count, and versions are recorded at its time.
    pending : where results wait while the store cannot be written; None lets StoreUnavailable through,
        which is right for a point-in-time run.
    """

    def __init__(
        self,
        *,
        store: LearningStore,
        candles: CandleSource,
        settings: Settings,
        clock: Clock,
        search: str = DEFAULT_SEARCH,
        dry_run: bool = False,
        pending: PendingParameters | None = None,
        gate: Gate | None = None,
    ) -> None:
        self._store = store
        self._candles = candles
        self._settings = settings
        self._clock = clock
        self._dry_run = dry_run
        self._pending = pending
        self.as_of = clock.now()
        self.run_id = _run_id(self.as_of, settings, checked_search(search))
        self.notes: list[str] = []
        self._search = search
        self._publisher = Publisher(
            store=store, clock=clock, run_id=self.run_id, pending=pending, note=self._note
        )
        self._learner = PairSideLearner(
            settings=settings.optimizer,
            costs=Costs.of(settings.costs),
            bot_weights={name: bot.weight for name, bot in settings.bots.items()},
            search=search,
            as_of=self.as_of,
            splitter=Holdout(settings.optimizer.train_share),
            gate=gate if gate is not None else HoldoutGate(),
        )
        asked = {side for bot in settings.bots.values() for side in bot.sides}
        self.sides = tuple(side for side in Side if side in asked)

    @cached_property
    def pairs(self) -> tuple[str, ...]:
        """Every pair that has candles or was traded in the window, sorted.

        Raises MarketError where there are no candles at all.
        """
        return tuple(sorted({*self._candles.pairs(), *self._trades.pairs}))

    def run(
        self,
        pairs: Sequence[str] | None = None,
        on_outcome: Callable[[PairOutcome], None] | None = None,
    ) -> OptimizerRun:
        """Decide every side of every pair and publish what holds, pair by pair.

        pairs : None means `self.pairs`. on_outcome : called after each pair is stored.

        Raises StoreUnavailable where the store cannot be read; MarketError where there are no candles
        at all; InputError for a pair that is none.
        """
        started = time.perf_counter()
        known = self.pairs
        asked = known if pairs is None else tuple(dict.fromkeys(checked_pair(one) for one in pairs))
        for pair in asked:
            if pair not in known:
                self._note(f"{pair} has neither candles nor trades; known: {', '.join(known)}")
        self._publish_waiting()
        for bot, count in self._trades.strangers.items():
            bots = ", ".join(self._settings.bots)
            self._note(f"{count} trades of {bot} take no part: this run learns from {bots}")
        book = self._book(self.as_of)
        outcomes = []
        for pair in asked:
            outcomes.append(self._published(self._learn(pair, book)))
            if on_outcome is not None:
                on_outcome(outcomes[-1])
        return OptimizerRun(
            run_id=self.run_id,
            as_of=self.as_of,
            search=self._search,
            dry_run=self._dry_run,
            outcomes=tuple(outcomes),
            elapsed_seconds=time.perf_counter() - started,
            notes=tuple(self.notes),
        )

    @cached_property
    def _trades(self) -> FleetTrades:
        return load_fleet_trades(
            self._store,
            bots=tuple(self._settings.bots),
            as_of=self.as_of,
            days_back=self._settings.optimizer.days_back,
        )

    def _book(self, at: datetime) -> ParameterBook:
        versions = self._store.parameter_versions(recorded_to=at)
        return ParameterBook(versions, defaults=self._settings.defaults.parameters(), as_of=at)

    def _learn(self, pair: str, book: ParameterBook) -> PairOutcome:
        by_side = {side: self._trades.of(pair, side) for side in self.sides}
        few = {side: self._learner.too_few(pair, side, own) for side, own in by_side.items()}
        if all(few.values()):
            return PairOutcome(pair=pair, findings=tuple(one for one in few.values() if one is not None))
        try:
            market = PairMarket(candles=self._candles.load(pair), funding=self._candles.load_funding(pair))
        except MarketError as error:
            findings = [few[side] or skipped(pair, side, own, str(error)) for side, own in by_side.items()]
            return PairOutcome(pair=pair, findings=tuple(findings))
        leverage = self._settings.runtime.leverage
        findings = [
            few[side]
            or self._learner.decide(side, own, market, book.resolve(pair, side, leverage, self.as_of))
            for side, own in by_side.items()
        ]
        return PairOutcome(
            pair=pair, findings=tuple(findings), latest_atr_ratio=_latest_atr(market.candles, self.as_of)
        )

    def _published(self, outcome: PairOutcome) -> PairOutcome:
        if self._dry_run:
            return outcome
        return replace(
            outcome, findings=tuple(self._publisher.publish(finding) for finding in outcome.findings)
        )

    def _publish_waiting(self) -> None:
        if not self._dry_run:
            self._publisher.publish_waiting(self._book(self._clock.now()))
        elif self._pending is not None and (waiting := self._pending.read()):
            self._note(
                f"{len(waiting)} results of an earlier run wait in {self._pending.file}; "
                "a run without --dry-run publishes them"
            )

    def _note(self, text: str) -> None:
        if text not in self.notes:
            logger.info("%s", text)
            self.notes.append(text)


def _latest_atr(candles: Candles, as_of: datetime) -> float | None:
    finished = int(np.searchsorted(candles.time_ms, to_ms(as_of) - candles.timeframe_ms, side="right"))
    ratios = atr_ratio(candles.high[:finished], candles.low[:finished], candles.close[:finished])
    return float(ratios[-1]) if len(ratios) and np.isfinite(ratios[-1]) else None


def _run_id(as_of: datetime, settings: Settings, search: str) -> str:
    """Return the same id for the same question: time, settings that matter, search."""
    asked = settings.model_dump_json(include={"bots", "defaults", "optimizer", "costs", "gate"})
    digest = hashlib.sha256(f"{search}|{asked}".encode()).hexdigest()
    return f"{as_of:%Y%m%dT%H%M%SZ}-{digest[:6]}"
