"""WalkForward: the versions that a learner would have published, had it run every so often in the past.

Each step is a whole optimizer run that stands in its own time: trades closed before it, candles finished
before it, incumbents of then. What it publishes is recorded at its time, so a book read at any moment, by
`freqtrade backtesting` for example, answers as it would have answered then.

Idempotent. A walk decides every step anew, from the trades, the candles and its own steps before, and stores
what is not stored yet. What was stored by a walk over other trades or candles is refused, not mixed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from freqfleet.clock import FixedClock, iso
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.decisions import Verdict
from freqfleet.errors import InputError
from freqfleet.learning.decay_series import record_decay
from freqfleet.learning.optimizer import Optimizer, OptimizerRun, run_id_of
from freqfleet.learning.pair_side import Finding
from freqfleet.learning.pair_work import CandleSource, DetailSource, PairOutcome
from freqfleet.learning.search import DEFAULT_SEARCH
from freqfleet.learning.standings import Standings, StandingsInMemory
from freqfleet.learning.walk_draft import Draft
from freqfleet.learning.workers import InProcess, Workers
from freqfleet.market.leverage_tiers import LeverageTiers
from freqfleet.parameters.lifecycle import RETIRE_RUN, ROLLBACK_RUN
from freqfleet.parameters.version import ParameterVersion
from freqfleet.settings import Settings
from freqfleet.store.promise import LearningStore

TAKES = (Verdict.PUBLISHED, Verdict.INHERITED)
_SHORTEST_STEP = timedelta(hours=1)
_LONGEST_WALK = 10_000
_ELSEWHERE = "walk into a store of its own: freqfleet --store sqlite:///FILE walk-forward …"


class PastMarket(Protocol):
    """The candles as they were known at any time."""

    def candles(self, as_of: datetime) -> CandleSource:
        """Return a source of candles that were finished at `as_of`."""
        ...

    def detail(self, as_of: datetime) -> DetailSource | None:
        """Return a source of finer candles that were finished at `as_of`; None does without."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the walk. versions : what it recorded, retractions too. stored_before : how many of them
    were in the store already.
    """

    run: OptimizerRun
    versions: tuple[ParameterVersion, ...]
    stored_before: int

    @property
    def as_of(self) -> datetime:
        """What time the step knew."""
        return self.run.as_of

    @property
    def taken(self) -> tuple[Finding, ...]:
        """The findings that became versions."""
        return tuple(one for one in self.run.findings if one.decision.verdict in TAKES)

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

        Raises InputError where other runs have recorded versions inside the span or no trade was closed
        early enough, before anything is stored, and at a step that is stored but was decided from other
        trades or candles; StoreUnavailable where the store does not answer.
        """
        first, last = self.times[0], self.times[-1]
        versions = self.store.parameter_versions(recorded_to=last)
        inside = [one for one in versions if one.recorded_at >= first]
        self._refuse_strangers(inside)
        draft = Draft(self._known_trades(), (one for one in versions if one.recorded_at < first))
        standings = StandingsInMemory()
        for at in self.times:
            stored = [one for one in inside if one.recorded_at == at]
            yield self._step(at, draft, standings, stored, on_pair)

    def _step(
        self,
        at: datetime,
        draft: Draft,
        standings: Standings,
        stored: Sequence[ParameterVersion],
        on_pair: Callable[[int], None] | None,
    ) -> Step:
        optimizer = self._optimizer(at, draft, standings)
        pairs = optimizer.pairs

        def told(_: PairOutcome) -> None:
            if on_pair is not None:
                on_pair(len(pairs))

        run = optimizer.run(pairs, told)
        drafted = draft.drafted(at)
        ids = {one.version_id for one in drafted}
        for one in stored:
            if one.version_id not in ids:
                raise InputError(
                    f"version {one.version_id} of {one.key.label} is of a walk over other trades or candles: "
                    f"as of {iso(at)} this one decides otherwise; {_ELSEWHERE}"
                )
        if len(drafted) > len(stored):
            receipt = self.store.publish_parameters(drafted)
            if receipt.rejected:
                raise InputError(f"the store refused what was learned as of {iso(at)}: {receipt.rejected[0]}")
        problem = record_decay(self.store, run.decay, at)
        if problem is not None and problem not in run.notes:
            run = replace(run, notes=(*run.notes, problem))
        return Step(run=run, versions=tuple(drafted), stored_before=len(stored))

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

    def _known_trades(self) -> list[ClosedTrade]:
        days = timedelta(days=self.settings.optimizer.days_back)
        trades = self.store.closed_trades(closed_from=self.times[0] - days, closed_to=self.times[-1])
        if not trades:
            raise InputError(
                f"no trade was closed before {iso(self.times[-1])}, so there is nothing to learn from; "
                "fill the store first: freqfleet sync, or sync --from-backtest FILE"
            )
        return trades

    def _refuse_strangers(self, inside: Sequence[ParameterVersion]) -> None:
        """Refuse versions that no step of this walk can have made."""
        own = {run_id_of(at, self.settings, self.search) for at in self.times}
        own |= {ROLLBACK_RUN, RETIRE_RUN}  # a step that takes something back
        strangers = [one for one in inside if one.run_id not in own or one.recorded_at not in self.times]
        if not strangers:
            return
        first, last, example = self.times[0], self.times[-1], strangers[0]
        raise InputError(
            f"between {iso(first)} and {iso(last)} the store holds versions of other runs "
            f"({len(strangers)}), for example {example.version_id} of {example.key.label} by run "
            f"{example.run_id}; a history has one author: {_ELSEWHERE}"
        )
