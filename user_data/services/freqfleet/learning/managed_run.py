"""ManagedRun: what trailing, giveback, break-even and partial targets are worth, pair by pair.

It compares and shows, and publishes nothing: a sampler chooses its proposals by looking at trades, so the
publication gate, which judges every trade by a choice made without it, refuses what it finds. What the gate
can judge is a lattice that no trade had a part in (`path_lattice`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import NormalDist

from freqfleet.domain.pairs import checked_pair
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, MarketError
from freqfleet.learning.fleet_trades import load_fleet_trades
from freqfleet.learning.managed_search import (
    CLEAR_STANDARD_ERRORS,
    ManagedFinding,
    ManagedObjective,
    compare_with_plain,
)
from freqfleet.learning.managed_space import ManagedSpace
from freqfleet.learning.pair_work import CandleSource
from freqfleet.learning.sample import PairMarket, Part, SampleRules, draw_sample
from freqfleet.learning.search import checked_search, study_seed
from freqfleet.learning.search_space import SearchSpace
from freqfleet.market.leverage_tiers import LeverageTiers
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.replay.costs import Costs
from freqfleet.replay.managed_engines import open_managed_engine
from freqfleet.settings import Settings
from freqfleet.store.promise import LearningStore
from freqfleet.validation.holdout import Holdout


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedOutcome:
    """One pair and side. finding : None where nothing was compared, which `reason` then explains."""

    pair: str
    side: Side
    finding: ManagedFinding | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedRun:
    """Every pair and side. trials : proposals of each of the two searches of a pair and side."""

    as_of: datetime
    search: str
    trials: int
    outcomes: tuple[ManagedOutcome, ...]

    @property
    def compared(self) -> tuple[ManagedOutcome, ...]:
        """Those that were compared."""
        return tuple(one for one in self.outcomes if one.finding is not None)

    @property
    def helped(self) -> int:
        """For how many of them following the path stands clear of chance on its own."""
        return sum(one.finding.helps for one in self.outcomes if one.finding is not None)

    @property
    def helped_by_chance(self) -> float:
        """For how many of them it would where it is worth nothing."""
        return len(self.compared) * (1.0 - NormalDist().cdf(CLEAR_STANDARD_ERRORS))


def compare_managed(
    store: LearningStore,
    candles: CandleSource,
    settings: Settings,
    *,
    search: str,
    as_of: datetime,
    pairs: Sequence[str] = (),
    tiers: LeverageTiers | None = None,
    on_outcome: Callable[[ManagedOutcome], None] | None = None,
) -> ManagedRun:
    """Compare managed and plain exits of every pair and side of the fleet, as it stood at `as_of`.

    pairs : none means every pair that was traded. tiers : None replays no liquidation.
    on_outcome : called when a pair and side is done.

    Raises InputError for a search that samples nothing and for a pair that is none, StoreUnavailable where
    the store cannot be read.
    """
    if checked_search(search) == "exact":
        raise InputError(
            "--search exact replays a grid of stops and targets; managed exits are compared by tpe, gp, "
            "cmaes, qmc, random or grid"
        )
    pairs = [checked_pair(one) for one in pairs]
    trades = load_fleet_trades(
        store,
        bots=tuple(settings.bots),
        as_of=as_of,
        days_back=settings.optimizer.days_back,
        pairs=pairs or None,
    )
    asked = {side for bot in settings.bots.values() for side in bot.sides}
    outcomes = []
    for pair in pairs or trades.pairs:
        market: PairMarket | None = None
        for side in (one for one in Side if one in asked):
            own = trades.of(pair, side)
            needed = settings.optimizer.min_trades
            if len(own) < needed:
                outcome = _none(pair, side, f"{len(own)} trades, {needed} needed")
            else:
                try:
                    market = market or PairMarket(
                        candles=candles.load(pair),
                        funding=candles.load_funding(pair),
                        tiers=tiers.of(pair) if tiers is not None else None,
                    )
                    outcome = _compared(market, side, own, settings, search, as_of)
                except MarketError as error:
                    outcome = _none(pair, side, str(error))
            outcomes.append(outcome)
            if on_outcome is not None:
                on_outcome(outcome)
    return ManagedRun(as_of=as_of, search=search, trials=settings.optimizer.trials, outcomes=tuple(outcomes))


def _compared(
    market: PairMarket,
    side: Side,
    trades: TradeColumns,
    settings: Settings,
    search: str,
    as_of: datetime,
) -> ManagedOutcome:
    optimizer, pair = settings.optimizer, market.candles.pair
    rules = SampleRules(
        side=side,
        horizon_minutes=max(optimizer.time_limit_minutes),
        as_of=as_of,
        bot_weights={name: bot.weight for name, bot in settings.bots.items()},
        mode=optimizer.source_weights,
        splitter=Holdout(optimizer.train_share),
    )
    sample = draw_sample(trades, market, rules)
    flaw = sample.shortage(optimizer.min_trades)
    if flaw is not None:
        return _none(pair, side, flaw)
    costs = Costs.of(settings.costs)

    def objective(part: Part, vectors: int) -> ManagedObjective:
        engine = open_managed_engine(part.paths, vectors, fee_ratio=costs.fee_ratio)
        return ManagedObjective(engine, part.weights, costs)

    finding = compare_with_plain(
        search,
        ManagedSpace.around(SearchSpace.of(optimizer, sample.median_atr_ratio)),
        searched=objective(sample.train, 2 * optimizer.trials),
        held_out=objective(sample.test, 4),
        seed=study_seed(optimizer.seed, pair, side),
        trials=optimizer.trials,
    )
    return ManagedOutcome(pair=pair, side=side, finding=finding)


def _none(pair: str, side: Side, reason: str) -> ManagedOutcome:
    return ManagedOutcome(pair=pair, side=side, finding=None, reason=reason)
