"""PairSideLearner: from the trades of one pair and side to a decision, with its evidence.

trades -> candle windows -> training and held-out part -> search on the first -> gate on the second.
It reads no store and no clock: the same trades and candles give the same decision anywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from freqfleet.domain.decisions import Decision, Evidence, Verdict
from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.domain.known import known
from freqfleet.domain.sides import Side
from freqfleet.learning.candidacy import Candidacy, Nomination
from freqfleet.learning.exact_search import ExactSearch, TrainingTrades
from freqfleet.learning.grid import ExactGrid, GridSteps
from freqfleet.learning.importance import sampled_importance
from freqfleet.learning.in_force import asks_for_trend
from freqfleet.learning.objective import Objective
from freqfleet.learning.path_lattice import PATH_SEARCH
from freqfleet.learning.plateau import Plateau
from freqfleet.learning.sample import PairMarket, Sample, SampleRules, draw_sample
from freqfleet.learning.search import (
    BATCH,
    DEAF_BATCH,
    DEAF_SEARCHES,
    NO_DIARY,
    Diary,
    SearchResult,
    find_best,
    open_search,
    study_seed,
)
from freqfleet.learning.search_space import SearchSpace
from freqfleet.learning.trial_diary import Diaries, NoDiaries
from freqfleet.learning.wording import exits_text
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.parameters.book import Resolution
from freqfleet.replay.costs import Costs
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.settings import OptimizerSettings
from freqfleet.validation.gate import Gate, HeldOut
from freqfleet.validation.holdout import Splitter

logger = logging.getLogger(__name__)

PLATEAU_DECIMALS = 6
NOT_JUDGED = "only the gate chooses among exits that follow the path, and it judges nothing in this run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A decision, and what a publisher and a report need beside it.

    learned_until : the end of the newest candle or trade that took part; None where none did.
    dropped, purged : trades that could not be replayed, by reason; trades between the two parts.
    without_funding : replayed trades whose funding is not known, and was therefore not charged.
    without_liquidation : replayed trades whose liquidation price is not known, and is therefore not replayed.
    coarse : trades that were not replayed on the finer candles of their pair, see `Sample.coarse`.
    parameter_importance : share of the objective's spread by parameter; None where not measured.
    holdout : what a plain hold-out would have decided, once the gate has decided; else None.
    candidacy : what goes before the gate; None for too few trades, and where there is no gate to pass.
    """

    decision: Decision
    holdout: Decision | None = None
    candidacy: Candidacy | None = field(default=None, compare=False, repr=False)
    learned_until: datetime | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)
    purged: int = 0
    without_funding: int = 0
    without_liquidation: int = 0
    coarse: int = 0
    parameter_importance: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSideLearner:
    """Decides one pair and side at a time; holds what is the same for all of them.

    search : a name of `learning.search.SEARCHES`, or PATH_SEARCH, which searches nothing before the
        gate. bot_weights : by bot, above zero.
    diaries : where trials are kept, so that a killed search goes on.
    importance : measure parameter importance of sampled searches, which costs as much as the search.
    nomination : how candidacies are made; None where nothing goes before the gate.
    """

    settings: OptimizerSettings
    costs: Costs
    bot_weights: Mapping[str, float]
    search: str
    as_of: datetime
    splitter: Splitter
    gate: Gate
    exact: ExactSearch = field(default_factory=ExactSearch)
    diaries: Diaries = field(default_factory=NoDiaries)
    importance: bool = False
    nomination: Nomination | None = None

    def too_few(self, pair: str, side: Side, trades: TradeColumns) -> Finding | None:
        """Return the finding for fewer trades than needed: no candle has to be read for it."""
        needed = self.settings.min_trades
        least = needed if self.nomination is None else min(needed, self.nomination.least_trades)
        if len(trades) >= least:
            return None
        return skipped(pair, side, trades, f"{len(trades)} trades, {needed} needed")

    def decide(
        self,
        side: Side,
        trades: TradeColumns,
        market: PairMarket,
        incumbent: Resolution,
        fallback: ExitParameters | None = None,
    ) -> Finding:
        """Return what the trades of one pair and side say.

        trades : of the pair of the candles, closed before `as_of`.
        incumbent : the parameters in force at `as_of`. fallback : what would be without them; None means the
        defaults.
        """
        pair = market.candles.pair
        rules = SampleRules(
            side=side,
            horizon_minutes=max(self.horizon_minutes, incumbent.parameters.time_limit_minutes),
            as_of=self.as_of,
            bot_weights=self.bot_weights,
            mode=self.settings.source_weights,
            splitter=self.splitter,
            with_trend=asks_for_trend(*self._priced_beside(incumbent, fallback))
            or (self.nomination is not None and self.nomination.cells.with_trend),
        )
        sample = draw_sample(trades, market, rules)
        engine = NumpyEngine(sample.whole.paths)  # looks at the candles, once for all that follows
        whole = Objective(engine, sample.whole.weights, self.costs)
        candidacy = None
        if self.nomination is not None:
            candidacy = self.nomination.of(
                pair,
                sample,
                self.nomination.alone(engine, whole.exits),
                incumbent.parameters,
                fallback,
            )
        if self.search == PATH_SEARCH:
            return self._left_to_the_gate(pair, side, trades, sample, candidacy)
        flaw = sample.shortage(self.settings.min_trades)
        if flaw is not None:
            return skipped(pair, side, trades, flaw, sample, candidacy)
        space = SearchSpace.of(self.settings, sample.median_atr_ratio)
        logger.info(
            "%s %s: %d trades (train: %d, test: %d), median entry ATR ratio %s",
            pair,
            side.value,
            len(sample.trades),
            len(sample.train.weights),
            len(sample.test.weights),
            space.atr_reference_ratio,
        )
        training = whole.part(sample.train.rows, sample.train.weights)
        held_out = whole.part(sample.test.rows, sample.test.weights)
        result = (
            self._search_exactly(sample, training, space, incumbent)
            if self.search == "exact"
            else self._search(pair, side, sample, training, space)
        )
        if result.best is None:
            reason = f"none of {result.candidates} proposals kept the constraints"
            return skipped(pair, side, trades, reason, sample, candidacy)
        judged = self._judged(
            pair,
            side,
            sample,
            training,
            held_out,
            space,
            result,
            result.best,
            incumbent,
        )
        return replace(judged, candidacy=candidacy)

    def _left_to_the_gate(
        self,
        pair: str,
        side: Side,
        trades: TradeColumns,
        sample: Sample,
        candidacy: Candidacy | None,
    ) -> Finding:
        """Return a finding whose candidacy is all there is: nothing was searched before the gate looks."""
        reason = "stands before the gate"
        if candidacy is None:
            too_few = "too few trades are left once entries that several bots made count once"
            reason = sample.shortage_in_all(self.settings.min_trades) or (
                NOT_JUDGED if self.nomination is None else too_few
            )
        return replace(
            skipped(pair, side, trades, reason, sample, candidacy),
            without_funding=self.costs.trades_without_funding(sample.whole.paths),
            without_liquidation=self.costs.trades_without_liquidation(sample.whole.paths),
        )

    def _priced_beside(
        self, incumbent: Resolution, fallback: ExitParameters | None
    ) -> tuple[ExitParameters, ...]:
        """Return the exits that are no candidates and priced all the same."""
        if fallback is not None:
            return incumbent.parameters, fallback
        if self.nomination is not None:
            return incumbent.parameters, self.nomination.defaults
        return (incumbent.parameters,)

    @property
    def horizon_minutes(self) -> int:
        """The longest time limit that is searched."""
        return max(self.settings.time_limit_minutes)

    def _search(
        self, pair: str, side: Side, sample: Sample, training: Objective, space: SearchSpace
    ) -> SearchResult:
        trials, seed = self.settings.trials, study_seed(self.settings.seed, pair, side)
        deaf = self.search in DEAF_SEARCHES
        return find_best(
            open_search(self.search, space, seed=seed, trials=trials),
            space,
            training.means,
            trials=trials,
            diary=NO_DIARY if deaf else self._diary(pair, side, sample, space),
            batch=DEAF_BATCH if deaf else BATCH,
        )

    def _diary(self, pair: str, side: Side, sample: Sample, space: SearchSpace) -> Diary:
        """Return where the trials of a search that learns are kept; any other is done again in no time."""
        trials, seed = self.settings.trials, study_seed(self.settings.seed, pair, side)
        identity = {**asdict(space), "search": self.search, "trials": trials, "seed": seed, **sample.mark}
        return self.diaries.open(pair, side, space, identity)

    def _search_exactly(
        self, sample: Sample, objective: Objective, space: SearchSpace, incumbent: Resolution
    ) -> SearchResult:
        training = TrainingTrades(
            paths=sample.train.paths,
            weights=sample.train.weights,
            costs=self.costs,
            profits=objective.profits,
            incumbent=incumbent.parameters,
        )
        search = replace(self.exact, importance=self.importance)
        return search.find_best(ExactGrid.of(space, GridSteps.of(self.settings.grid)), training)

    def _judged(
        self,
        pair: str,
        side: Side,
        sample: Sample,
        training: Objective,
        held_out: Objective,
        space: SearchSpace,
        result: SearchResult,
        best: ExitParameters,
        incumbent: Resolution,
    ) -> Finding:
        ruling = self.gate.judge(
            HeldOut(
                candidate_profit=held_out.profits(best),
                incumbent_profit=held_out.profits(incumbent.parameters),
                weights=sample.test.weights,
                entered_ms=sample.test.entered_ms,
                incumbent=_name(incumbent),
            )
        )
        score = held_out.score(best)
        evidence = Evidence(
            trades=len(sample.trades),
            effective_trades=sample.effective,
            train_profit=result.value,
            test_profit=known(score.mean_profit),
            incumbent_test_profit=known(held_out.mean(incumbent.parameters)),
            backtested_profit=known(score.mean_profit),  # out of sample, and nothing else
            win_rate=known(score.win_rate),
            profit_factor=known(score.profit_factor),
            sharpe_per_trade=known(score.sharpe_per_trade),
            detail_trades=sample.detailed or None,
            ambiguous_trades=training.ambiguous_trades(best) + score.ambiguous_trades,
            optimistic_test_profit=known(score.optimistic_mean_profit),
            search=self.search,
            candidates=result.candidates,
            seed=study_seed(self.settings.seed, pair, side),
            bot_trades=sample.trades.bot_counts(),
        )
        if result.plateau is not None and self.nomination is None:  # the gate looks around its own choice
            evidence = _with_surroundings(evidence, result.plateau)
        reason = ruling.reason if ruling.publish else f"{ruling.reason}; found {exits_text(best)}"
        edges = space.boundaries(best) if result.plateau is None else result.plateau.edges
        if edges:
            reason += f"; optimum on the boundary of {' and '.join(edges)}"
        return Finding(
            decision=Decision(
                pair=pair,
                side=side,
                verdict=Verdict.PUBLISHED if ruling.publish else Verdict.KEPT,
                reason=reason,
                parameters=best if ruling.publish else incumbent.parameters,
                evidence=evidence,
            ),
            learned_until=sample.learned_until,
            dropped=sample.dropped,
            purged=sample.purged,
            coarse=sample.coarse,
            without_funding=sum(
                self.costs.trades_without_funding(sample.whole.paths, part.rows)
                for part in (sample.train, sample.test)
            ),
            without_liquidation=sum(
                self.costs.trades_without_liquidation(sample.whole.paths, part.rows)
                for part in (sample.train, sample.test)
            ),
            parameter_importance=self._importance(pair, side, space, result),
        )

    def _importance(
        self, pair: str, side: Side, space: SearchSpace, result: SearchResult
    ) -> Mapping[str, float] | None:
        if not self.importance or self.search == "exact":
            return result.importance
        return sampled_importance(result.tried, space, seed=study_seed(self.settings.seed, pair, side))


def skipped(
    pair: str,
    side: Side,
    trades: TradeColumns,
    reason: str,
    sample: Sample | None = None,
    candidacy: Candidacy | None = None,
) -> Finding:
    """Return the finding for a pair and side that was not searched; `sample` is what was drawn, if any."""
    usable = trades if sample is None else sample.trades
    return Finding(
        decision=Decision(
            pair=pair,
            side=side,
            verdict=Verdict.SKIPPED,
            reason=reason,
            parameters=None,
            evidence=Evidence(
                trades=len(usable),
                effective_trades=None if sample is None else sample.effective,
                bot_trades=usable.bot_counts(),
            ),
        ),
        dropped={} if sample is None else sample.dropped,
        purged=0 if sample is None else sample.purged,
        coarse=0 if sample is None else sample.coarse,
        learned_until=None if sample is None else sample.learned_until,
        candidacy=candidacy,
    )


def _name(resolution: Resolution) -> str:
    if resolution.source is ExitSource.DEFAULT:
        return "default"
    return f"{resolution.source.value} {resolution.version}"


def _with_surroundings(evidence: Evidence, plateau: Plateau) -> Evidence:
    """Return the evidence with the plateau; rounded, for kernels differ in the last bits of their sums."""
    return replace(
        evidence,
        plateau_ratio=None if plateau.ratio is None else round(plateau.ratio, PLATEAU_DECIMALS),
        plateau_neighbours=plateau.neighbours,
        plateau_mean_profit=round(plateau.mean, PLATEAU_DECIMALS),
        plateau_least_profit=round(plateau.least, PLATEAU_DECIMALS),
        plateau_widths=plateau.widths,
        boundary=plateau.edges,
    )
