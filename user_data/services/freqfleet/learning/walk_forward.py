"""WalkForward: the versions that a learner would have published, had it run every so often in the past.

Each step is a whole optimizer run that stands in its own time: trades closed before it, candles finished
before it, incumbents of then. What it publishes is recorded at its time, so a book read at any moment, by
`freqtrade backtesting` for example, answers as it would have answered then.

Idempotent. A step that is there already is decided again and compared, and nothing is stored twice. What
was decided from other trades or candles is refused, not mixed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from freqfleet.clock import FixedClock, iso
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.decisions import Verdict
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.learning.optimizer import Optimizer, OptimizerRun
from freqfleet.learning.pair_side import Finding
from freqfleet.learning.pair_work import CandleSource, DetailSource, PairOutcome
from freqfleet.learning.search import DEFAULT_SEARCH
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
    """One step of the walk. stored_before : its versions were in the store when the walk came to it."""

    run: OptimizerRun
    stored_before: bool

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

        Raises InputError, before anything is stored, where other runs have recorded versions inside the
        span, where no trade was closed early enough, and where a step that is stored was decided from other
        trades or candles; StoreUnavailable where the store does not answer.
        """
        history = _KeptTrades(self._known_trades())
        optimizers = [self._optimizer(at, history, dry_run=True) for at in self.times]
        self._refuse_strangers({one.run_id for one in optimizers})
        for at in self.times:
            yield self._step(at, history, on_pair)

    def _step(
        self,
        at: datetime,
        history: _KeptTrades,
        on_pair: Callable[[int], None] | None,
    ) -> Step:
        stored = self._stored(at, history)
        optimizer = self._optimizer(at, history, dry_run=bool(stored))
        pairs = optimizer.pairs

        def told(_: PairOutcome) -> None:
            if on_pair is not None:
                on_pair(len(pairs))

        run = optimizer.run(pairs, told)
        if not stored:
            return Step(run=run, stored_before=False)
        known = _recognised(run, stored)
        if len(known) < sum(one.decision.verdict in TAKES for one in run.findings):
            # A walk that was killed inside this step: what it stored stays, the rest follows.
            return Step(run=self._optimizer(at, history, dry_run=False).run(pairs), stored_before=False)
        return Step(run=_with_ids(run, known), stored_before=True)

    def _stored(self, at: datetime, history: _KeptTrades) -> list[ParameterVersion]:
        run_id = self._optimizer(at, history, dry_run=True).run_id
        versions = self.store.parameter_versions(recorded_to=at)
        return [one for one in versions if one.run_id == run_id]

    def _optimizer(self, at: datetime, history: _KeptTrades, *, dry_run: bool) -> Optimizer:
        return Optimizer(
            store=self.store,
            candles=self.market.candles(at),
            settings=self.settings,
            clock=FixedClock(at),
            search=self.search,
            dry_run=dry_run,
            workers=self.workers,
            resumed=True,  # what this very step has stored is not what was in force before it
            tiers=self.tiers,
            detail=self.market.detail(at),
            history=history,
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

    def _refuse_strangers(self, own: set[str]) -> None:
        first, last = self.times[0], self.times[-1]
        inside = [one for one in self.store.parameter_versions(recorded_to=last) if one.recorded_at >= first]
        strangers = [one for one in inside if one.run_id not in own and not self._own_change(one)]
        if not strangers:
            return
        example = strangers[0]
        raise InputError(
            f"the store holds {len(strangers)} versions of other runs between {iso(first)} and {iso(last)}, "
            f"for example {example.version_id} of {example.key.label} by run {example.run_id}; a history "
            f"has one author: {_ELSEWHERE}"
        )

    def _own_change(self, one: ParameterVersion) -> bool:
        """Whether a step of this walk took something back: such versions bear the name of no run."""
        return one.run_id in (ROLLBACK_RUN, RETIRE_RUN) and one.recorded_at in self.times


class _KeptTrades:
    """Every trade that a walk may learn from, read once; answers as the store does."""

    def __init__(self, trades: Iterable[ClosedTrade]) -> None:
        self._trades = tuple(trades)

    def closed_trades(
        self,
        *,
        closed_from: datetime | None = None,
        closed_to: datetime | None = None,
        bots: Sequence[str] | None = None,
        pairs: Sequence[str] | None = None,
    ) -> list[ClosedTrade]:
        return [
            one
            for one in self._trades
            if (closed_from is None or closed_from <= one.closed_at)
            and (closed_to is None or one.closed_at < closed_to)
            and (bots is None or one.bot in bots)
            and (pairs is None or one.pair in pairs)
        ]


def _recognised(
    run: OptimizerRun, stored: Sequence[ParameterVersion]
) -> dict[tuple[str | None, Side], ParameterVersion]:
    """Return the stored versions of a step by pair and side; raises InputError where it decides otherwise."""
    found: dict[tuple[str | None, Side], Finding] = {
        (one.decision.pair, one.decision.side): one for one in run.findings if one.decision.verdict in TAKES
    }
    for one in stored:
        now = found.get((one.key.pair, one.key.side))
        if now is None or not _same(now, one):
            raise InputError(
                f"version {one.version_id} of {one.key.label} is of a walk over other trades or candles: "
                f"as of {iso(run.as_of)} this one decides otherwise; {_ELSEWHERE}"
            )
    return {(one.key.pair, one.key.side): one for one in stored}


def _same(finding: Finding, version: ParameterVersion) -> bool:
    decision = finding.decision
    return (
        decision.parameters == version.parameters
        and finding.learned_until == version.learned_until
        and decision.evidence.trades == version.evidence.trades
        and decision.evidence.data_hash == version.evidence.data_hash
    )


def _with_ids(run: OptimizerRun, stored: dict[tuple[str | None, Side], ParameterVersion]) -> OptimizerRun:
    """Return a run that was only decided again, with the ids under which its versions are stored."""

    def named(one: Finding) -> Finding:
        version = stored.get((one.decision.pair, one.decision.side))
        if version is None:
            return one
        return replace(one, decision=replace(one.decision, version=version.version_id))

    outcomes = tuple(
        replace(outcome, findings=tuple(named(one) for one in outcome.findings)) for outcome in run.outcomes
    )
    return replace(run, outcomes=outcomes, dry_run=False)
