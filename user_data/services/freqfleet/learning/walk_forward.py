"""WalkForward: the versions that a learner would have published, had it run every so often in the past.

Each step is a whole optimizer run and after it a cycle of the controller, both standing in their own time:
trades closed before it, candles finished before it, incumbents of then. What they publish is recorded at that
time, so a book read at any moment, by `freqtrade backtesting` for example, answers as it would have answered
then: parameters and bin records alike.

Idempotent. A walk decides every step anew, from the trades, the candles and its own steps before, and stores
what is not stored yet. What was stored by a walk over other trades or candles is refused, not mixed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NoReturn

from freqfleet.clock import FixedClock, iso
from freqfleet.domain.bin_record import BinRecord
from freqfleet.domain.decisions import Verdict
from freqfleet.errors import InputError
from freqfleet.learning.bin_exits import bin_run_id
from freqfleet.learning.controller import Cycle
from freqfleet.learning.decay_series import record_decay
from freqfleet.learning.optimizer import Optimizer
from freqfleet.learning.optimizer_run import OptimizerRun, run_id_of
from freqfleet.learning.pair_side import Finding
from freqfleet.learning.pair_work import PairOutcome
from freqfleet.learning.past_market import PastMarket
from freqfleet.learning.search import DEFAULT_SEARCH
from freqfleet.learning.standings import Standings, StandingsInMemory
from freqfleet.learning.walk_bins import BinWalk
from freqfleet.learning.walk_draft import Draft
from freqfleet.learning.workers import InProcess, Workers
from freqfleet.market.leverage_tiers import LeverageTiers
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.parameters.lifecycle import RETIRE_RUN, ROLLBACK_RUN
from freqfleet.parameters.version import ParameterVersion
from freqfleet.settings import Settings
from freqfleet.store.promise import LearningStore

TAKES = (Verdict.PUBLISHED, Verdict.INHERITED)
_SHORTEST_STEP = timedelta(hours=1)
_LONGEST_WALK = 10_000
_ELSEWHERE = "walk into a store of its own: freqfleet --store sqlite:///FILE walk-forward …"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the walk. run, cycle : of the optimizer, then of the controller.

    versions : what both recorded, retractions too. stored_before : how many of them and of the bin records
    were in the store already.
    """

    run: OptimizerRun
    cycle: Cycle
    versions: tuple[ParameterVersion, ...]
    stored_before: int

    @property
    def as_of(self) -> datetime:
        """What time the step knew."""
        return self.run.as_of

    @property
    def records(self) -> tuple[BinRecord, ...]:
        """What was recorded of leverage bins."""
        return self.cycle.recorded

    @property
    def taken(self) -> tuple[Finding, ...]:
        """The findings that became versions, of pair sides and then of bins."""
        return tuple(one for one in (*self.run.findings, *self.bin_findings) if one.decision.verdict in TAKES)

    @property
    def bin_findings(self) -> tuple[Finding, ...]:
        """What was found of the exits of bins."""
        return self.cycle.exits.findings if self.cycle.exits is not None else ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should be told."""
        return (*self.run.notes, *self.cycle.notes)

    @property
    def trades(self) -> int:
        """How many trades could be learned from."""
        return sum(one.decision.evidence.trades for one in self.run.findings)


def walk_times(first: datetime, last: datetime, every: timedelta) -> tuple[datetime, ...]:
    """Return `first`, `first + every`, … up to and including `last`.

    Raises InputError for a walk that ends before it begins, and for steps that are too short or too many.
    """
    if every < _SHORTEST_STEP:
        raise InputError(f"--every must be an hour or more, was {every}")
    if last < first:
        raise InputError(f"the walk ends at {iso(last)}, before it begins at {iso(first)}")
    steps = (last - first) // every + 1
    if steps > _LONGEST_WALK:
        raise InputError(f"{steps} steps from {iso(first)} to {iso(last)}; take a longer --every")
    return tuple(first + number * every for number in range(steps))


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForward:
    """Walks through the past of one store.

    times : when the learner would have run, ascending, none of them in the future.
    market : raises MarketError per pair, which is skipped then, as in any run.
    Nothing else may have been recorded between the first and the last of `times`.
    """

    store: LearningStore
    market: PastMarket
    settings: Settings
    times: Sequence[datetime]
    search: str = DEFAULT_SEARCH
    workers: Workers = field(default_factory=InProcess)
    tiers: LeverageTiers | None = None

    def steps(self, on_pair: Callable[[int], None] | None = None) -> Iterator[Step]:
        """Yield every step when it is decided and stored.

        on_pair : called when a pair has been worked on, with how many pairs the step has.

        Raises InputError where other runs have recorded anything inside the span or no trade was closed
        early enough, before anything is stored, and at a step that is stored but was decided from other
        trades or candles; StoreUnavailable where the store does not answer.
        """
        first, last = self.times[0], self.times[-1]
        versions = self.store.parameter_versions(recorded_to=last)
        records = self.store.bin_records(recorded_to=last)
        inside = [one for one in versions if one.recorded_at >= first]
        recorded = [one for one in records if one.recorded_at >= first]
        self._refuse_strangers(inside, recorded)
        draft = Draft(
            self._known_trades(),
            (one for one in versions if one.recorded_at < first),
            (one for one in records if one.recorded_at < first),
            at=first,
        )
        standings, bins = StandingsInMemory(), BinWalk(draft, self.market, self.settings, self.tiers)
        for at in self.times:
            draft.go_to(at)
            run = self._optimized(at, draft, standings, on_pair)
            cycle = bins.cycle()
            step = Step(run=run, cycle=cycle, versions=tuple(draft.drafted(at)), stored_before=0)
            yield self._stored(
                step,
                [one for one in inside if one.recorded_at == at],
                [one for one in recorded if one.recorded_at == at],
            )

    def _optimized(
        self, at: datetime, draft: Draft, standings: Standings, on_pair: Callable[[int], None] | None
    ) -> OptimizerRun:
        optimizer = self._optimizer(at, draft, standings)
        pairs = optimizer.pairs

        def told(_: PairOutcome) -> None:
            if on_pair is not None:
                on_pair(len(pairs))

        return optimizer.run(pairs, told)

    def _stored(self, step: Step, versions: Sequence[ParameterVersion], records: Sequence[BinRecord]) -> Step:
        """Store what the step decided. versions, records : of its time, which the store holds already."""
        at = step.as_of
        ids, said = {one.version_id for one in step.versions}, frozenset(step.records)
        for one in versions:
            if one.version_id not in ids:
                raise InputError(
                    f"version {one.version_id} of {one.key.label} is of a walk over other trades or candles: "
                    f"as of {iso(at)} this one decides otherwise; {_ELSEWHERE}"
                )
        for record in records:
            if record not in said:
                raise InputError(
                    f"the bin record of {record.label} is of a walk over other trades or candles: "
                    f"as of {iso(at)} this one says otherwise; {_ELSEWHERE}"
                )
        rejected: tuple[str, ...] = ()
        if len(step.versions) > len(versions):
            rejected = self.store.publish_parameters(step.versions).rejected
        if len(step.records) > len(records):
            rejected += self.store.record_bins(step.records).rejected
        if rejected:
            raise InputError(f"the store refused what was learned as of {iso(at)}: {rejected[0]}")
        run, problem = step.run, record_decay(self.store, step.run.decay, at)
        if problem is not None and problem not in run.notes:
            run = replace(run, notes=(*run.notes, problem))
        return replace(step, run=run, stored_before=len(versions) + len(records))

    def _optimizer(self, at: datetime, draft: Draft, standings: Standings) -> Optimizer:
        return Optimizer(
            store=draft,
            candles=self.market.candles(at),
            settings=self.settings,
            clock=FixedClock(at),
            search=self.search,
            workers=self.workers,
            tiers=self.tiers,
            detail=self.market.detail(at),
            standings=standings,
        )

    def _known_trades(self) -> TradeColumns:
        days = timedelta(days=self.settings.optimizer.days_back)
        trades = self.store.trade_columns(closed_from=self.times[0] - days, closed_to=self.times[-1])
        if not len(trades):
            raise InputError(
                f"no trade was closed before {iso(self.times[-1])}, so there is nothing to learn from; "
                "fill the store first: freqfleet sync, or sync --from-backtest FILE"
            )
        return trades

    def _refuse_strangers(self, versions: Sequence[ParameterVersion], records: Sequence[BinRecord]) -> None:
        """Refuse versions and bin records that no step of this walk can have made."""
        own = {run_id_of(at, self.settings, self.search) for at in self.times}
        own |= {bin_run_id(at) for at in self.times}
        own |= {ROLLBACK_RUN, RETIRE_RUN}  # a step that takes something back
        times = frozenset(self.times)
        foreign = [one for one in versions if one.run_id not in own or one.recorded_at not in times]
        if foreign:
            one = foreign[0]
            self._refuse("versions", len(foreign), f"{one.version_id} of {one.key.label} by run {one.run_id}")
        strange = [one for one in records if one.recorded_at not in times]
        if strange:
            said = f"that of {strange[0].label}, recorded at {iso(strange[0].recorded_at)}"
            self._refuse("bin records", len(strange), said)

    def _refuse(self, what: str, count: int, example: str) -> NoReturn:
        raise InputError(
            f"between {iso(self.times[0])} and {iso(self.times[-1])} the store holds {what} of other runs "
            f"({count}), for example {example}; a history has one author: {_ELSEWHERE}"
        )
