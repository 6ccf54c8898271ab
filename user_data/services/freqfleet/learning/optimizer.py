"""Optimizer: what each pair could learn, then all of them before the gate, then what holds is published.

Failure. The store cannot be read: propagate, there is nothing to learn from. It cannot be written in the
middle of a run: defer, the results wait in a file that the next run publishes. A pair without usable
candles: skipped with the reason, the others go on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from freqfleet.clock import Clock
from freqfleet.domain.pairs import checked_pair, did_you_mean
from freqfleet.domain.sides import Side
from freqfleet.errors import StoreUnavailable
from freqfleet.learning.certification import Gathering
from freqfleet.learning.decay_series import record_decay
from freqfleet.learning.fleet_trades import FleetTrades, load_fleet_trades
from freqfleet.learning.gate_plan import GatePlan, gate_plan
from freqfleet.learning.memory import LearningMemory
from freqfleet.learning.optimizer_run import OptimizerRun, run_id_of
from freqfleet.learning.pair_side import PairSideLearner
from freqfleet.learning.pair_work import CandleSource, DetailSource, PairOutcome, PairTask, PairWork
from freqfleet.learning.path_lattice import PATH_SEARCH
from freqfleet.learning.pending import PendingParameters
from freqfleet.learning.publisher import Publisher
from freqfleet.learning.run_record import RunRecord
from freqfleet.learning.search import DEFAULT_SEARCH, checked_search
from freqfleet.learning.second_look import Reviewed, SecondLook
from freqfleet.learning.standings import Standings, StandingsInMemory
from freqfleet.learning.trial_diary import NoDiaries
from freqfleet.learning.workers import InProcess, Workers
from freqfleet.market.leverage_tiers import LeverageTiers
from freqfleet.parameters.book import ParameterBook, Resolution
from freqfleet.parameters.version import ParameterKey
from freqfleet.replay.costs import Costs
from freqfleet.settings import Settings
from freqfleet.validation.decay import DecayReport
from freqfleet.validation.gate import HoldoutGate
from freqfleet.validation.holdout import Holdout, Undivided

logger = logging.getLogger(__name__)


class Optimizer:
    """Learns from the fleet's closed trades as they stand at `clock.now()`, when it is made.

    clock : a FixedClock makes the run a point-in-time one: only trades closed and candles finished before
        its time count, and versions are recorded at its time.
    pending : where results wait while the store cannot be written; None lets StoreUnavailable through,
        which is right for a point-in-time run.
    as_of : what time the run knows; None means `clock.now()`.
    workers : who works on the pairs; None means this process.
    record : remembers what is finished; None remembers nothing. resumed : the record is of an earlier call
        of this same run: what that has published counts as this run's own, not as what was in force before.
    search : see `PairSideLearner`. importance : see there.
    tiers : the leverage tiers of the exchange; without them no liquidation is replayed, and every trade is
        counted as one whose liquidation is not known.
    detail : finer candles, for what happened inside the candles; None does without.
    standings : the paper accounts between runs; None begins anew, as a point-in-time run has to.
    notes : what was to be said before this run.
    """

    def __init__(
        self,
        *,
        store: LearningMemory,
        candles: CandleSource,
        settings: Settings,
        clock: Clock,
        search: str = DEFAULT_SEARCH,
        dry_run: bool = False,
        pending: PendingParameters | None = None,
        as_of: datetime | None = None,
        workers: Workers | None = None,
        record: RunRecord | None = None,
        resumed: bool = False,
        importance: bool = False,
        tiers: LeverageTiers | None = None,
        detail: DetailSource | None = None,
        standings: Standings | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self._store = store
        self._detail = detail
        self._tiers = tiers
        self._standings = standings if standings is not None else StandingsInMemory()
        self._candles = candles
        self._settings = settings
        self._clock = clock
        self._dry_run = dry_run
        self._pending = pending
        self.as_of = clock.now() if as_of is None else as_of
        self.run_id = run_id_of(
            self.as_of, settings, search if search == PATH_SEARCH else checked_search(search)
        )
        self.notes: list[str] = []
        for one in notes:
            self._note(one)
        self._search = search
        self._workers = workers if workers is not None else InProcess()
        self._record = record
        self._resumed = resumed
        self._learner = PairSideLearner(
            settings=settings.optimizer,
            costs=Costs.of(settings.costs),
            bot_weights={name: bot.weight for name, bot in settings.bots.items()},
            search=search,
            as_of=self.as_of,
            splitter=Undivided() if search == PATH_SEARCH else Holdout(settings.optimizer.train_share),
            gate=HoldoutGate(),
            diaries=record.diaries if record is not None else NoDiaries(),
            importance=importance,
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
        """Decide every side of every pair and publish what holds.

        pairs : None means `self.pairs`. on_outcome : called when a pair has been worked on, and kept.

        Raises StoreUnavailable where the store cannot be read; MarketError where there are no candles
        at all; InputError for a pair that is none.
        """
        started = time.perf_counter()
        asked = self.pairs if pairs is None else tuple(dict.fromkeys(checked_pair(one) for one in pairs))
        trades = self._trades_of(asked)
        known = {*self._candles.pairs(), *trades.pairs}
        for pair in asked:
            if pair not in known:
                self._note(f"{pair} has neither candles nor trades; {did_you_mean(pair, known)}")
        if trades.missing is not None:
            self._note(trades.missing)
        for bot, count in trades.strangers.items():
            bots = ", ".join(self._settings.bots)
            self._note(f"{count} trades of {bot} take no part: this run learns from {bots}")
        book = self._book(self.as_of)
        plan = self._gate_plan(trades, book)
        found = {}
        for outcome in self._worked_on(asked, trades, book, plan):
            found[outcome.pair] = outcome
            if on_outcome is not None:
                on_outcome(outcome)
        # Not as they came: the gate adds over pairs, and another order would round another way.
        outcomes = {pair: found[pair] for pair in asked}
        gathering = decay = None
        if plan is not None:
            outcomes, gathering, decay = self._certified(outcomes, book, plan)
            self._note_few(asked)
        else:
            self._note("[gate] method is holdout: about half of what it publishes is chance")
        if self._record is not None:
            self._record.end()
        return OptimizerRun(
            run_id=self.run_id,
            as_of=self.as_of,
            search=self._search,
            dry_run=self._dry_run,
            outcomes=tuple(outcomes[pair] for pair in asked),
            elapsed_seconds=time.perf_counter() - started,
            notes=tuple(self.notes),
            gathering=gathering,
            decay=decay,
        )

    def _gate_plan(self, trades: FleetTrades, book: ParameterBook) -> GatePlan | None:
        in_force = [one.parameters for one in book.champions(self.as_of)] + [book.defaults]
        plan = gate_plan(
            self._settings,
            search=self._search,
            entries_ms=trades.entries_ms,
            longest_minutes=max(self._learner.horizon_minutes, *(one.time_limit_minutes for one in in_force)),
        )
        if plan is not None and plan.refusal is not None:
            self._note(plan.refusal)
        return plan

    def _certified(
        self, outcomes: Mapping[str, PairOutcome], book: ParameterBook, plan: GatePlan
    ) -> tuple[dict[str, PairOutcome], Gathering, DecayReport]:
        """Return what the gate makes of what was found, published where it holds."""
        certifier = plan.certifier(self._search)
        findings = [finding for outcome in outcomes.values() for finding in outcome.findings]
        reviewed = self._reviewed(certifier.gather(findings), book, plan)
        gathering = reviewed.gathering
        decided = {}
        for pair, outcome in outcomes.items():
            through = []
            for finding in outcome.findings:
                certified = gathering.of(pair, finding.decision.side)
                if certified is not None:
                    through.append(certified.finding)
                    continue
                in_force = self._in_force(book, pair, finding.decision.side)
                through.append(certifier.refused(finding, in_force.parameters))
            decided[pair] = self._published(replace(outcome, findings=tuple(through)))
        if not self._dry_run:
            self._settle(reviewed, book, plan)
        return decided, gathering, reviewed.decay

    def _reviewed(self, gathering: Gathering, book: ParameterBook, plan: GatePlan) -> Reviewed:
        """Apply the rules for looking daily."""
        gate, remembered = self._settings.gate, self._standings.read(plan.lattice)
        if remembered.loss is not None:
            self._note(remembered.loss)
        look = SecondLook(
            lattice=plan.lattice,
            book=book,
            as_of=self.as_of,
            e_publish=gate.e_publish,
            fdr=gate.fdr,
            pooled_alpha=gate.pooled_alpha,
            before=remembered.records,
        )
        reviewed = look.review(gathering)
        if not self._dry_run:  # as they were, for now: where they cannot be kept nothing is published
            self._standings.write(remembered.records, plan.lattice)
        return reviewed

    def _settle(self, reviewed: Reviewed, book: ParameterBook, plan: GatePlan) -> None:
        """Take back what has lost its place, and keep the accounts.

        Last: a run that is cut off while it publishes is made again with the accounts of before. Later ones
        would take what is not in force yet for a change that has to last a week.
        """
        for one in reviewed.retractions:
            self._publisher.retract(one.champion, book, one.reason)
        self._standings.write(reviewed.records, plan.lattice)
        self._record_decay(reviewed.decay)

    def _record_decay(self, decay: DecayReport) -> None:
        try:
            problem = record_decay(self._store, decay, self.as_of)
        except StoreUnavailable as error:
            if self._pending is None:
                raise
            problem = f"the decay of this run is not stored: {error}"
        if problem is not None:
            self._note(problem)

    def _note_few(self, asked: Sequence[str]) -> None:
        """Say what a run over some of the pairs cannot promise."""
        left_out = sum(pair not in asked for pair in self._candles.pairs())
        if left_out:
            self._note(
                f"{left_out} pairs with candles were not asked for: the error rate holds within this run "
                "only; run after run over other pairs finds what chance explains"
            )

    def _worked_on(
        self, asked: Sequence[str], trades: FleetTrades, book: ParameterBook, plan: GatePlan | None
    ) -> Iterator[PairOutcome]:
        """Yield the outcome of every pair once it is kept; what needs no gate is published before that."""
        finished = {pair: outcome for pair, outcome in self._finished().items() if pair in asked}
        yield from finished.values()
        learner = self._learner
        if plan is not None:
            learner = replace(learner, nomination=plan.nomination(learner.costs))
        work = PairWork(learner=learner, candles=self._candles, as_of=self.as_of, detail=self._detail)
        in_hand: list[PairTask] = []
        for pair in asked:
            if pair in finished:
                continue
            task = self._task(pair, trades, book)
            skips = work.without_market(task)
            if skips is None:
                in_hand.append(task)
            else:
                yield skips
        for outcome in self._workers.outcomes(work.for_load(in_hand), in_hand):
            safe = outcome if plan is not None else self._published(outcome)
            if self._record is not None:
                self._record.finish(safe)
            yield safe

    @cached_property
    def _trades(self) -> FleetTrades:
        return self._read_trades(None)

    def _trades_of(self, pairs: Sequence[str]) -> FleetTrades:
        """Return the trades of these pairs: a run over a few of them reads no others."""
        return self._trades if "_trades" in vars(self) else self._read_trades(pairs)

    def _read_trades(self, pairs: Sequence[str] | None) -> FleetTrades:
        return load_fleet_trades(
            self._store,
            bots=tuple(self._settings.bots),
            as_of=self.as_of,
            days_back=self._settings.optimizer.days_back,
            pairs=pairs,
        )

    @cached_property
    def _publisher(self) -> Publisher:
        stored = self._store.parameter_versions() if self._resumed else []
        return Publisher(
            store=self._store,
            clock=self._clock,
            run_id=self.run_id,
            pending=self._pending,
            note=self._note,
            published_before={one.key: one.version_id for one in stored if one.run_id == self.run_id},
        )

    def _book(self, at: datetime) -> ParameterBook:
        versions = self._store.parameter_versions(recorded_to=at)
        if self._resumed:
            versions = [one for one in versions if one.run_id != self.run_id]
        return ParameterBook(versions, defaults=self._settings.defaults.parameters(), as_of=at)

    def _task(self, pair: str, trades: FleetTrades, book: ParameterBook) -> PairTask:
        return PairTask(
            pair=pair,
            trades={side: trades.of(pair, side) for side in self.sides},
            incumbents={side: self._in_force(book, pair, side) for side in self.sides},
            fallbacks={
                side: book.without_champion(ParameterKey(side=side, pair=pair), self.as_of)
                for side in self.sides
            },
            tiers=self._tiers.of(pair) if self._tiers is not None else None,
        )

    def _in_force(self, book: ParameterBook, pair: str, side: Side) -> Resolution:
        return book.resolve(pair, side, self._settings.runtime.leverage, self.as_of)

    def _finished(self) -> dict[str, PairOutcome]:
        """Return the pairs an earlier, interrupted call of this run has finished."""
        if self._record is None:
            return {}
        finished = self._record.finished()
        if finished:
            self._note(f"study {self._record.name} goes on: {len(finished)} pairs were finished before")
        return finished

    def _published(self, outcome: PairOutcome) -> PairOutcome:
        if self._dry_run:
            return outcome
        return replace(
            outcome, findings=tuple(self._publisher.publish(finding) for finding in outcome.findings)
        )

    def _note(self, text: str) -> None:
        if text not in self.notes:
            logger.info("%s", text)
            self.notes.append(text)
