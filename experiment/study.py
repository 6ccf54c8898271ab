"""The learning experiment on one market: three bots, three arms.

The first pass trades on the defaults; its trades are what both learners learn from, in steps. The other arms
trade on what was published, read as of each candle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from experiment.backtests import Arm, Backtest, Backtests
from experiment.effects import Effect, effect, entry_of
from experiment.markets import Market
from experiment.walks import WalkStep, clear, walk
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.errors import FreqfleetError
from freqfleet.settings import Settings

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
    walks: Mapping[Arm, Sequence[WalkStep]]
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
    runs = {(one.bot, one.arm): one for one in backtests.run({Arm.DEFAULTS: bots})}
    walks = {}
    for arm in (Arm.LEARNED, Arm.HOLDOUT):
        tell(f"{market.name}: walk-forward, {arm}")
        if not backtests.resume:
            clear(backtests, arm)
        walks[arm] = walk(backtests, arm, [runs[bot, Arm.DEFAULTS] for bot in bots], every)
    concerned = {
        arm: [bot for bot in bots if _concerns(steps, settings, bot)] for arm, steps in walks.items()
    }
    changed = {(bot, arm) for arm, listed in concerned.items() for bot in listed}
    tell(f"{market.name}: {len(changed)} backtests with what was published")
    runs |= {(one.bot, one.arm): one for one in backtests.run(concerned)}
    for bot, arm in sorted(changed):
        check_beginning(runs[bot, Arm.DEFAULTS], runs[bot, arm], walks[arm][0].as_of)
    same = {(bot, arm) for arm in walks for bot in bots} - changed
    runs |= {(bot, arm): runs[bot, Arm.DEFAULTS] for bot, arm in same}
    return Study(
        market=market,
        bots=bots,
        runs=runs,
        walks=walks,
        unchanged=frozenset(same),
        not_served=backtests.not_served,
        backtest_seconds=backtests.seconds,
        walk_seconds=sum(step.seconds for steps in walks.values() for step in steps),
    )


def check_beginning(defaults: Backtest, learned: Backtest, first: datetime) -> None:
    """Raise FreqfleetError unless both arms are the same up to the first step, where none knew anything."""

    def known(one: Backtest) -> list[tuple[object, ...]]:
        return [
            (
                *entry_of(it),
                it.open_rate,
                it.leverage,
                it.stake_quote,
                it.closed_at,
                it.close_rate,
                it.exit_reason,
            )
            for it in one.trades
            if it.closed_at <= first
        ]

    if known(defaults) != known(learned):
        raise FreqfleetError(
            f"{learned.bot}, {learned.arm}: trades differ from those with the defaults before anything was "
            "published; were they made by another version of the program? run without --resume"
        )


def _concerns(steps: Sequence[WalkStep], settings: Settings, bot: str) -> bool:
    sides = {side.value for side in settings.bots[bot].sides}
    return any(sides & (set(step.versions) | set(step.bin_records)) for step in steps)
