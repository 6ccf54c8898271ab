"""BinExits: stops and targets of a leverage bin, from its trades, through the gate of everything else.

On price, leverage changes no path: bins can differ only by which trades got which leverage. So the rule is
that a bin has the exits of its pair, and values of its own need evidence of a difference: every bin with
enough trades brings a candidacy, is shrunk towards its pair and its side, and stands before the gate with all
the others; paper accounts, the weekly bar and retraction are those of `learning.second_look`.

A pair whose own parameters are in force comes before its bins in the chain of look-ups, so that nothing is
published below it.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from freqfleet.clock import Clock
from freqfleet.domain.decisions import Decision
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.leverage_bins import LEVERAGE_BINS, LeverageBin, leverage_bin
from freqfleet.domain.sides import Side
from freqfleet.errors import MarketError
from freqfleet.learning.bin_columns import bin_codes
from freqfleet.learning.gate_plan import GatePlan, gate_plan
from freqfleet.learning.in_force import asks_for_trend
from freqfleet.learning.memory import BinMemory
from freqfleet.learning.pair_side import Finding, skipped
from freqfleet.learning.pair_work import CandleSource, DetailSource
from freqfleet.learning.publisher import Publisher
from freqfleet.learning.sample import PairMarket, SampleRules, draw_together
from freqfleet.learning.search import DEFAULT_SEARCH
from freqfleet.learning.second_look import SecondLook
from freqfleet.learning.standings import Standings
from freqfleet.market.leverage_tiers import LeverageTiers
from freqfleet.market.trade_columns import SIDES, TradeColumns
from freqfleet.parameters.book import ParameterBook, Resolution
from freqfleet.parameters.version import ParameterKey
from freqfleet.replay.costs import Costs
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.settings import LatticeSettings, Settings
from freqfleet.validation.holdout import Undivided

logger = logging.getLogger(__name__)

# A bin has a fifth of the trades of its pair, which tell fewer exits apart.
BIN_LATTICE = LatticeSettings(stop_losses=6, take_profits=8, volatility_scalings=1)
RUN_NAME = "controller"
_ABOVE_THE_BINS = ("pair", "inherited")


@dataclass(frozen=True, slots=True, kw_only=True)
class BinExitsRun:
    """What a look at the exits of all bins came to. retracted : keys that went back. left_out : by reason."""

    findings: tuple[Finding, ...]
    retracted: tuple[str, ...]
    left_out: dict[str, int]
    wall_seconds: float

    @property
    def published(self) -> int:
        """How many bins got exits."""
        return sum(one.decision.version is not None for one in self.findings)

    @property
    def line(self) -> str:
        """What the heartbeat says."""
        back = f", {len(self.retracted)} retracted" if self.retracted else ""
        out = f", {sum(self.left_out.values())} left out" if self.left_out else ""
        return (
            f"exits of {len(self.findings)} bins judged, {self.published} published{back}{out}, "
            f"{self.wall_seconds:.1f} s"
        )


class BinExits:
    """Looks at the exits of every bin; once a day is what its rules are made for."""

    def __init__(
        self,
        *,
        store: BinMemory,
        candles: CandleSource,
        settings: Settings,
        clock: Clock,
        standings: Standings,
        detail: DetailSource | None = None,
        tiers: LeverageTiers | None = None,
    ) -> None:
        gate = settings.gate.model_copy(update={"lattice": BIN_LATTICE})
        self._settings = settings.model_copy(update={"gate": gate})
        self._store = store
        self._candles = candles
        self._detail = detail
        self._tiers = tiers
        self._clock = clock
        self._standings = standings

    def look(self, trades: TradeColumns, notes: list[str]) -> BinExitsRun:
        """Judge every bin and publish what holds. trades : of the window, closed by now.

        Raises StoreUnavailable where the store does not answer; a look may be made again.
        """
        started, now = time.perf_counter(), self._clock.now()
        book = ParameterBook(
            self._store.parameter_versions(recorded_to=now),
            defaults=self._settings.defaults.parameters(),
            as_of=now,
        )
        plan = self._plan(trades, book, now)
        findings: list[Finding] = []
        retracted: list[str] = []
        left_out: Counter[str] = Counter()
        if plan is None:
            notes.append("[gate] method is holdout: bins get no exits of their own, chance would choose them")
        elif plan.refusal is not None:
            notes.append(f"exits by bin: {plan.refusal}")
        else:
            brought = self._brought(trades, book, plan, now, left_out)
            findings, retracted = self._decided(brought, book, plan, now, notes)
        return BinExitsRun(
            findings=tuple(findings),
            retracted=tuple(retracted),
            left_out=dict(left_out),
            wall_seconds=time.perf_counter() - started,
        )

    def _plan(self, trades: TradeColumns, book: ParameterBook, now: datetime) -> GatePlan | None:
        entered_ms = trades.opened_ms
        return gate_plan(
            self._settings,
            search=DEFAULT_SEARCH,
            entries_ms=(int(entered_ms.min()), int(entered_ms.max())) if len(trades) else None,
            longest_minutes=self._horizon_minutes(
                [one.parameters for one in book.champions(now)] + [book.defaults]
            ),
        )

    def _horizon_minutes(self, exits: Sequence[ExitParameters]) -> int:
        return max(*self._settings.optimizer.time_limit_minutes, *(one.time_limit_minutes for one in exits))

    def _brought(
        self,
        trades: TradeColumns,
        book: ParameterBook,
        plan: GatePlan,
        now: datetime,
        left_out: Counter[str],
    ) -> list[Finding]:
        """Return a finding with its candidacy for every bin that may have exits of its own."""
        brought = []
        for pair, bins in sorted(_by_pair(trades).items()):
            wanted = {}
            for (side, step), own in bins.items():
                found = book.resolve(pair, side, step.low, now)
                if len(own) < self._settings.gate.family_trades:
                    left_out[f"fewer than {self._settings.gate.family_trades} trades"] += 1
                elif found.chain[-1].level in _ABOVE_THE_BINS:
                    left_out["the pair's own parameters come first"] += 1
                else:
                    wanted[side, step] = (own, found)
            if not wanted:
                continue
            try:
                market = self._market(pair)
            except MarketError as error:
                left_out[str(error)] += len(wanted)
                continue
            for side in Side:
                mine = {step: one for (of, step), one in wanted.items() if of is side}
                for finding in self._nominated(pair, side, mine, market, book, plan, now):
                    if finding.candidacy is None:
                        left_out["too few trades can be replayed"] += 1
                    else:
                        brought.append(finding)
        return brought

    def _market(self, pair: str) -> PairMarket:
        return PairMarket(
            candles=self._candles.load(pair),
            funding=self._candles.load_funding(pair),
            tiers=self._tiers.of(pair) if self._tiers is not None else None,
            detail=self._detail.load_if_there(pair) if self._detail is not None else None,
        )

    def _nominated(
        self,
        pair: str,
        side: Side,
        bins: Mapping[LeverageBin, tuple[TradeColumns, Resolution]],
        market: PairMarket,
        book: ParameterBook,
        plan: GatePlan,
        now: datetime,
    ) -> Iterator[Finding]:
        """Yield the finding of every bin of a pair and side; one pass over the candles serves all of them."""
        if not bins:
            return
        optimizer = self._settings.optimizer
        fallbacks = {
            step: book.without_champion(ParameterKey(side=side, pair=pair, leverage_bin=step), now)
            for step in bins
        }
        in_force = [found.parameters for _, found in bins.values()]
        rules = SampleRules(
            side=side,
            horizon_minutes=self._horizon_minutes(in_force),
            as_of=now,
            bot_weights={name: bot.weight for name, bot in self._settings.bots.items()},
            mode=optimizer.source_weights,
            splitter=Undivided(),
            with_trend=asks_for_trend(*in_force, *fallbacks.values()),
        )
        drawn = draw_together([own for own, _ in bins.values()], market, rules)
        nomination = plan.nomination(Costs.of(self._settings.costs))
        assert nomination is not None  # where the plan refuses, nobody comes here
        tables = nomination.together(NumpyEngine(drawn.paths))
        for (step, (own, found)), (first, sample) in zip(bins.items(), drawn.samples, strict=True):
            candidacy = nomination.of(pair, sample, tables.of(first), found.parameters, fallbacks[step])
            if candidacy is not None:
                candidacy = replace(candidacy, leverage_bin=step)
            yield skipped(pair, side, own, "stands before the gate", sample, candidacy)

    def _decided(
        self,
        brought: Sequence[Finding],
        book: ParameterBook,
        plan: GatePlan,
        now: datetime,
        notes: list[str],
    ) -> tuple[list[Finding], list[str]]:
        gate, remembered = self._settings.gate, self._standings.read(plan.lattice)
        if remembered.loss is not None:
            notes.append(f"exits by bin: {remembered.loss}")
        reviewed = SecondLook(
            lattice=plan.lattice,
            book=book,
            as_of=now,
            e_publish=gate.e_publish,
            fdr=gate.fdr,
            pooled_alpha=gate.pooled_alpha,
            before=remembered.records,
        ).review(plan.certifier(DEFAULT_SEARCH).gather(brought))
        # As they were, for now: where they cannot be kept nothing is published.
        self._standings.write(remembered.records, plan.lattice)
        publisher = Publisher(
            store=self._store,
            clock=self._clock,
            run_id=bin_run_id(now),
            pending=None,
            note=notes.append,
        )
        for one in reviewed.retractions:
            publisher.retract(one.champion, book, one.reason)
        findings = [publisher.publish(one.finding) for one in reviewed.gathering.certified]
        # Last: a look that was cut off before is made again with the accounts of before.
        self._standings.write(reviewed.records, plan.lattice)
        for decision in (finding.decision for finding in findings):
            if decision.version is not None:
                logger.info("%s: %s", _label(decision), decision.reason)
        return findings, [one.champion.key.label for one in reviewed.retractions]


def bin_run_id(at: datetime) -> str:
    """Return the id of the look at this time, as its versions carry it."""
    return f"{RUN_NAME}-{at:%Y%m%dT%H%M%SZ}"


def _by_pair(trades: TradeColumns) -> dict[str, dict[tuple[Side, LeverageBin], TradeColumns]]:
    """Return the trades of every bin, by pair; bins in the order of their first trades."""
    by_pair: dict[str, dict[tuple[Side, LeverageBin], TradeColumns]] = {}
    step = bin_codes(trades.leverage)
    for one in trades.groups((trades.pair * len(SIDES) + trades.side) * len(LEVERAGE_BINS) + step):
        bins = by_pair.setdefault(one.pairs[one.pair[0]], {})
        bins[SIDES[one.side[0]], leverage_bin(one.leverage[0])] = one
    return by_pair


def _label(decision: Decision) -> str:
    return f"{decision.pair} {decision.side.value} {decision.leverage_bin}"
