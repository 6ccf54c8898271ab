"""The learning experiment on one market: three bots, three arms.

The first pass trades on the defaults; its trades are what both learners learn from, in steps. The other arms
trade on what was published, read as of each candle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from experiment.backtests import Arm, Backtest, Backtests
from experiment.effects import Effect, effect
from experiment.markets import Market
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.learning.walk_forward import Step, WalkForward, walk_times
from freqfleet.market.leverage_tiers import load_leverage_tiers
from freqfleet.market.past import PastCandles
from freqfleet.settings import Settings
from freqfleet.store.sql import SqlStore
from freqfleet.trades.sync import sync_reading

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What came out on one market.

    runs : by bot and arm. walks : the steps of each arm that learns. unchanged : bots for which an arm
    published nothing, so that it is the defaults by construction and was not run again.
    not_served : pairs that no bot traded, with the reasons. seconds : of wall time, backtests and walks.
    """

    market: Market
    bots: tuple[str, ...]
    runs: Mapping[tuple[str, Arm], Backtest]
    walks: Mapping[Arm, tuple[Step, ...]]
    unchanged: frozenset[tuple[str, Arm]]
    not_served: Mapping[str, str]
    backtest_seconds: float
    walk_seconds: float

    @property
    def since(self) -> datetime:
        """When the first step was taken: nothing can differ before."""
        return self.walks[Arm.LEARNED][0].as_of

    @property
    def days(self) -> list[date]:
        """Every day from the first step on."""
        count = (self.market.ends_at - self.since).days
        return [(self.since + timedelta(days=number)).date() for number in range(count)]

    def trades(self, arm: Arm, *, bot: str | None = None, pair: str | None = None) -> list[ClosedTrade]:
        """Return the trades of an arm, of one bot and pair or of all."""
        return [
            trade
            for name in self.bots
            if bot in (None, name)
            for trade in self.runs[name, arm].trades
            if pair in (None, trade.pair)
        ]

    def effect(self, arm: Arm, *, bot: str | None = None, pair: str | None = None) -> Effect:
        """Return what an arm changed."""
        return effect(
            self.trades(Arm.DEFAULTS, bot=bot, pair=pair),
            self.trades(arm, bot=bot, pair=pair),
            since=self.since,
            days=self.days,
        )


def run_study(backtests: Backtests, *, every: timedelta, tell: Tell) -> Study:
    """Run all three arms on the market of `backtests`."""
    market, settings = backtests.market, backtests.settings
    bots = tuple(settings.bots)
    backtests.prepare()
    tell(f"{market.name}: {len(bots)} bots trade on the defaults")
    runs = {(one.bot, one.arm): one for one in backtests.run([(bot, Arm.DEFAULTS) for bot in bots])}
    walks = {}
    for arm in (Arm.LEARNED, Arm.HOLDOUT):
        tell(f"{market.name}: walk-forward, {arm}")
        walks[arm] = _walked(backtests, arm, [runs[bot, Arm.DEFAULTS] for bot in bots], every)
    changed = [(bot, arm) for arm, steps in walks.items() for bot in bots if _concerns(steps, settings, bot)]
    tell(f"{market.name}: {len(changed)} backtests with what was published")
    runs |= {(one.bot, one.arm): one for one in backtests.run(changed)}
    same = {(bot, arm) for arm in walks for bot in bots} - set(changed)
    runs |= {(bot, arm): runs[bot, Arm.DEFAULTS] for bot, arm in same}
    return Study(
        market=market,
        bots=bots,
        runs=runs,
        walks=walks,
        unchanged=frozenset(same),
        not_served=backtests.not_served,
        backtest_seconds=sum(one.seconds for key, one in runs.items() if key not in same),
        walk_seconds=sum(step.run.elapsed_seconds for steps in walks.values() for step in steps),
    )


def _walked(
    backtests: Backtests, arm: Arm, learned_from: list[Backtest], every: timedelta
) -> tuple[Step, ...]:
    market = backtests.market
    settings = _settings_of(backtests.settings, arm)
    with closing(SqlStore(backtests.store_url(arm))) as store:
        for one in learned_from:
            sync_reading(store, one.reading)
        walk = WalkForward(
            store=store,
            market=PastCandles(market.datadir, "5m", "none"),
            settings=settings,
            times=walk_times(market.starts_at + every, market.ends_at - every, every),
            tiers=load_leverage_tiers(),
        )
        return tuple(_light(step) for step in walk.steps())


def _light(step: Step) -> Step:
    """Return a step without what its pairs brought before the gate, which fills memory."""
    outcomes = tuple(
        replace(one, findings=tuple(replace(finding, candidacy=None) for finding in one.findings))
        for one in step.run.outcomes
    )
    return replace(step, run=replace(step.run, outcomes=outcomes, gathering=None))


def _settings_of(settings: Settings, arm: Arm) -> Settings:
    if arm is not Arm.HOLDOUT:
        return settings
    return settings.model_copy(update={"gate": settings.gate.model_copy(update={"method": "holdout"})})


def _concerns(steps: tuple[Step, ...], settings: Settings, bot: str) -> bool:
    sides = settings.bots[bot].sides
    return any(version.key.side in sides for step in steps for version in step.versions)
