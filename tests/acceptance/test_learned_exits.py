"""What was published is what BOT3 trades on: named, at its prices, and not a candle before it was known."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from fleet_runs import Stretch, backtest, fleet_userdir, replayed_exit
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.exits import STOP_REASONS, ExitParameters, ExitSource, effective_barriers
from freqfleet.domain.leverage_bins import leverage_bin
from freqfleet.domain.sides import Side
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.market.indicators import atr_ratio
from freqfleet.parameters.version import ParameterKey, ParameterVersion
from freqfleet.replay.exit_rule import ExitKind
from freqfleet.settings import DefaultSettings
from freqfleet.store.sql import SqlStore

pytestmark = pytest.mark.acceptance

LEVERAGE = 5.0
BOT3, GUARDED = "BOT3MetaStrategyAdaptive", "GuardedBOT3"
GUARD = {"lookback_minutes": 240, "stop_minutes": 180, "trade_limit": 2}
GUARDED_STRATEGY = f"""
from bot3_meta import BOT3MetaStrategyAdaptive


class GuardedBOT3(BOT3MetaStrategyAdaptive):
    protections = [
        {{
            "method": "StoplossGuard",
            "lookback_period": {GUARD["lookback_minutes"]},
            "stop_duration": {GUARD["stop_minutes"]},
            "trade_limit": {GUARD["trade_limit"]},
        }}
    ]
"""

DEFAULTS = DefaultSettings().parameters()
FIXED = ExitParameters(stop_loss=-0.02, take_profit=0.025, time_limit_minutes=62)
BINNED = ExitParameters(stop_loss=-0.015, take_profit=0.02, time_limit_minutes=720)
LATER = ExitParameters(stop_loss=-0.01, take_profit=0.012, time_limit_minutes=720)
NEVER = ExitParameters(stop_loss=-0.005, take_profit=0.006, time_limit_minutes=30)
HOSTS_OWN = {"force_exit", "liquidation"}


@dataclass(frozen=True, slots=True)
class Learned:
    """A market, what was published for its pairs, and the trades of BOT3 on it.

    Each pair has one story: `learned` and `binned` hold from the start; `later` is meant from `middle` on;
    `backfilled` is meant from the start and became known at `middle`; `unknown` became known after the end.
    """

    stretch: Stretch
    middle: datetime
    scaled: ExitParameters
    trades: tuple[ClosedTrade, ...] = ()
    guarded: tuple[ClosedTrade, ...] = ()

    def story(self, trade: ClosedTrade) -> str:
        names = ("learned", "binned", "later", "backfilled", "unknown")
        return names[self.stretch.pairs.index(trade.pair)]

    def plan(self, trade: ClosedTrade) -> tuple[ExitParameters, ExitSource]:
        """What must be in force for a trade, told by hand."""
        story = self.story(trade)
        if story == "learned":
            return (FIXED if trade.side is Side.LONG else self.scaled), ExitSource.OPTUNA
        if story == "binned":
            return BINNED, ExitSource.BIN
        if story in {"later", "backfilled"} and trade.opened_at >= self.middle:
            return LATER, ExitSource.OPTUNA
        return DEFAULTS, ExitSource.DEFAULT

    def replayed(self, trade: ClosedTrade, *, candles_before_entry: int = 1) -> ExitKind | None:
        """Why the replay of its plan leaves where the trade left; None where it leaves elsewhere.

        candles_before_entry : whose ATR scales the barriers; 1 is the last candle closed before the entry.
        """
        parameters = self.plan(trade)[0]
        entry = self.stretch.index_at(trade.pair, trade.opened_at)
        barriers = effective_barriers(
            parameters,
            open_rate=trade.open_rate,
            side=trade.side,
            atr_ratio=float(volatility(self.stretch, trade.pair)[entry - candles_before_entry]),
        )
        found, candle_opened = replayed_exit(self.stretch, trade, barriers, parameters.time_limit_minutes)
        if trade.exit_reason in HOSTS_OWN:
            return found.kind if candle_opened >= trade.closed_at else None
        tick = self.stretch.tick(trade.pair, trade.opened_at)
        same_price = abs(found.rate - trade.close_rate) <= 1.001 * tick
        return found.kind if same_price and candle_opened == trade.closed_at else None


def volatility(stretch: Stretch, pair: str) -> np.ndarray:
    candles = stretch.candles(pair)
    return atr_ratio(candles.high, candles.low, candles.close)


def versions(market: Learned) -> list[ParameterVersion]:
    before, middle = market.stretch.starts_at - timedelta(days=1), market.middle
    after = market.stretch.ends_at + timedelta(days=1)
    learned, binned, later, backfilled, unknown = market.stretch.pairs
    step, other_step = leverage_bin(LEVERAGE), leverage_bin(3.0)

    def version(
        pair: str, side: Side, parameters: ExitParameters, valid_from: datetime, recorded_at: datetime
    ) -> ParameterVersion:
        return ParameterVersion(
            key=ParameterKey(pair=pair, side=side),
            parameters=parameters,
            source=ExitSource.OPTUNA,
            valid_from=valid_from,
            recorded_at=recorded_at,
            learned_until=before,
            run_id="by hand",
        )

    def bin_version(side: Side, parameters: ExitParameters, *, other: bool) -> ParameterVersion:
        key = ParameterKey(pair=binned, side=side, leverage_bin=other_step if other else step)
        return replace(version(binned, side, parameters, before, before), key=key, source=ExitSource.BIN)

    listed = [
        version(learned, Side.LONG, FIXED, before, before),
        version(learned, Side.SHORT, market.scaled, before, before),
    ]
    for side in Side:
        listed += [
            bin_version(side, BINNED, other=False),
            bin_version(side, NEVER, other=True),
            version(later, side, LATER, middle, before),
            version(backfilled, side, LATER, before, middle),
            version(unknown, side, NEVER, before, after),
        ]
    return listed


@pytest.fixture(scope="module")
def market(stretch: Stretch, tmp_path_factory: pytest.TempPathFactory) -> Learned:
    """One run of BOT3, and of BOT3 with a StoplossGuard, on published parameters at five times leverage."""
    usual = float(np.nanmedian(volatility(stretch, stretch.pairs[0])))
    planned = Learned(
        stretch=stretch,
        # Off the grid of candles: the first trade that may use it opens with the candle after.
        middle=stretch.starts_at + (stretch.ends_at - stretch.starts_at) / 2 + timedelta(minutes=2),
        scaled=ExitParameters(
            stop_loss=-0.02,
            take_profit=0.025,
            volatility_scaling=1.0,
            atr_reference_ratio=usual,
            time_limit_minutes=1440,
        ),
    )
    with LoopbackExchange(stretch.datadir) as exchange:
        userdir = fleet_userdir(tmp_path_factory.mktemp("learned"), exchange, stretch.pairs)
        (userdir / "strategies" / "guarded.py").write_text(GUARDED_STRATEGY, encoding="utf-8")
        publish(userdir / "learning.sqlite", versions(planned))
        runs = backtest(
            userdir,
            stretch,
            [BOT3, GUARDED],
            "--enable-protections",
            env={
                "FREQFLEET_RUNTIME__LEVERAGE": f"{LEVERAGE:g}",
                # Tightening has a test of its own; here a plan stays what it was.
                "FREQFLEET_RUNTIME__TIGHTEN_OPEN_TRADES": "false",
            },
        )
    return replace(planned, trades=runs[BOT3], guarded=runs[GUARDED])


def publish(file: Path, listed: list[ParameterVersion]) -> None:
    store = SqlStore(f"sqlite:///{file}")
    try:
        assert store.publish_parameters(listed).accepted == len(listed)
    finally:
        store.close()


def test_exits_are_named_after_the_source_of_their_level(market: Learned) -> None:
    for trade in market.trades:
        source = market.plan(trade)[1]

        assert trade.exit_reason in {source.stop_reason, source.target_reason, "time_limit", *HOSTS_OWN}


def test_a_version_counts_for_trades_opened_after_both_of_its_times(market: Learned) -> None:
    for story in ("later", "backfilled"):
        stops_and_targets = [
            (trade.opened_at >= market.middle, trade.exit_reason)
            for trade in market.trades
            if market.story(trade) == story and trade.exit_reason not in {"time_limit", *HOSTS_OWN}
        ]
        before = {reason for known, reason in stops_and_targets if not known}
        since = {reason for known, reason in stops_and_targets if known}

        assert before, story
        assert before <= {"cutloss_fallback", "roi_fallback"}
        assert since == {"stop_loss_optuna", "roi_optuna"}


def test_a_version_recorded_after_the_end_is_never_used(market: Learned) -> None:
    reasons = Counter(trade.exit_reason for trade in market.trades if market.story(trade) == "unknown")

    assert reasons.total() > 0
    assert set(reasons) <= {"cutloss_fallback", "roi_fallback", "time_limit", *HOSTS_OWN}


def test_a_position_open_at_the_change_keeps_its_plan(market: Learned) -> None:
    kept = [
        trade
        for trade in market.trades
        if market.story(trade) in {"later", "backfilled"}
        and trade.opened_at < market.middle < trade.closed_at
    ]

    assert kept
    assert {trade.exit_reason for trade in kept} <= {"cutloss_fallback", "roi_fallback", "time_limit"}


def test_every_trade_leaves_where_the_replay_of_its_parameters_says(market: Learned) -> None:
    for trade in market.trades:
        kind = market.replayed(trade)

        source = market.plan(trade)[1]
        names = {ExitKind.STOP: source.stop_reason, ExitKind.TARGET: source.target_reason}
        assert kind is not None, trade
        assert trade.exit_reason in {names.get(kind, "time_limit"), *HOSTS_OWN}


def test_scaled_barriers_follow_the_last_candle_closed_before_the_entry(market: Learned) -> None:
    scaled = [trade for trade in market.trades if market.plan(trade)[0] is market.scaled]
    moved = [trade for trade in scaled if trade.exit_reason not in {"time_limit", *HOSTS_OWN}]

    assert moved
    assert all(market.replayed(trade) is not None for trade in moved)
    # Neither the candle of the entry nor the one before the last would do.
    assert not all(market.replayed(trade, candles_before_entry=0) is not None for trade in moved)
    assert not all(market.replayed(trade, candles_before_entry=2) is not None for trade in moved)


def test_the_time_limit_ends_at_the_first_open_that_reaches_it(market: Learned) -> None:
    timed_out = [
        trade
        for trade in market.trades
        if trade.exit_reason == "time_limit" and market.plan(trade)[0] is FIXED
    ]

    assert timed_out
    assert {trade.closed_at - trade.opened_at for trade in timed_out} == {timedelta(minutes=65)}


def test_leverage_is_the_configured_one(market: Learned) -> None:
    assert {trade.leverage for trade in market.trades} == {LEVERAGE}


def test_the_stoploss_guard_counts_named_stops(market: Learned) -> None:
    locked = locked_entries(market.trades)

    assert len(locked) > 0
    assert locked_entries(market.guarded) == []
    assert 0 < len(market.guarded) < len(market.trades)


def locked_entries(trades: tuple[ClosedTrade, ...]) -> list[ClosedTrade]:
    """Return the trades opened while the guard, told again from its settings, forbids it."""
    lookback, pause = (timedelta(minutes=GUARD[name]) for name in ("lookback_minutes", "stop_minutes"))
    stops = [trade for trade in trades if trade.exit_reason in STOP_REASONS | {"liquidation"}]

    def forbidden(at: datetime) -> bool:
        recent = [one.closed_at for one in stops if at - lookback < one.closed_at < at]
        return len(recent) >= GUARD["trade_limit"] and max(recent) + pause > at

    return [trade for trade in trades if forbidden(trade.opened_at)]
