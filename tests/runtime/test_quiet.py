"""Candles that are not asked about: freqtrade, asked all the same, would have done nothing in them."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from freqtrade.enums import ExitType
from freqtrade.persistence import LocalTrade
from freqtrade.strategy import IStrategy
from hypothesis import given, settings
from hypothesis import strategies as st

from botcases import STEP, bot_with, position
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.managed_exits import ManagedExits
from freqfleet.domain.sides import Side
from freqfleet.parameters.version import ParameterVersion
from freqfleet.runtime.bot import FleetBot
from freqfleet.runtime.breakers import Breakers
from freqfleet.runtime.caution import CAREFREE, Caution
from freqfleet.runtime.leverage import LeverageRule
from freqfleet.runtime.sizing import Sizing
from freqfleet.runtime.strategy import FleetStrategy
from freqfleet.testing.candle_frames import random_walk_candles
from freqfleet.testing.host import OPENED
from freqfleet.testing.trades import version

pytestmark = pytest.mark.usefixtures("no_database")

PLAIN = ExitParameters(stop_loss=-0.0325, take_profit=0.03, time_limit_minutes=60)
TIGHTENING = Sizing(leverage=LeverageRule(wanted=3.0), tighten_open_trades=True)
TOMORROW = OPENED + timedelta(minutes=20)


def backtested(
    *versions: ParameterVersion, defaults: ExitParameters = PLAIN, caution: Caution = CAREFREE
) -> FleetBot:
    return bot_with(*versions, defaults=defaults, sizing=TIGHTENING, caution=caution, persistent=False)


class AskingStrategy(FleetStrategy):
    """One with a callback of its own, so that every candle is asked about."""

    def custom_exit(self, **asked: Any) -> str | bool | None:
        answer: str | bool | None = super().custom_exit(**asked)
        return answer


ANALYSED = backtested().indicators(random_walk_candles(np.random.default_rng(3), 700)).assign(close=100.0)


def strategy_with(bot: FleetBot, kind: type[FleetStrategy] = FleetStrategy) -> FleetStrategy:
    strategy = kind({"dry_run": True})
    strategy.bot = bot
    strategy.dp = SimpleNamespace(get_analyzed_dataframe=lambda pair, timeframe: (ANALYSED, OPENED))
    return strategy


def opened(
    strategy: FleetStrategy,
    *,
    side: Side = Side.LONG,
    liquidation: float | None = None,
    tick: float | None = None,
) -> LocalTrade:
    """A position of freqtrade's at 100 with its plan and its stop, as after the fill of its entry."""
    trade = position(is_short=side is Side.SHORT, liquidation_price=liquidation, price_precision=tick)
    strategy.bot.freeze_plan(trade, OPENED, ANALYSED)
    trade.adjust_stop_loss(100.0, strategy.bot.stop_margin_ratio(trade, 100.0), allow_refresh=True)
    return trade


def asked(
    strategy: FleetStrategy,
    trade: LocalTrade,
    at: datetime,
    *,
    low: float,
    high: float,
    rate: float = 100.0,
    **more: Any,
) -> list[tuple[ExitType, str]]:
    known = {"enter": False, "exit_": False, "low": low, "high": high, **more}
    return [(one.exit_type, one.exit_reason) for one in strategy.should_exit(trade, rate, at, **known)]


def stays(strategy: FleetStrategy, trade: LocalTrade, *, after: timedelta = STEP) -> bool:
    return strategy.bot.stays_through(trade, OPENED + after, 99.0, 101.0)


# -- the same as asking -------------------------------------------------------------------------------

# Few values, so that opens and extremes often lie exactly on a stop, a target or a liquidation price.
reaches = st.sampled_from([0.0, 1.0, 2.5, 3.0, 3.5])
candles_seen = st.lists(st.tuples(reaches, reaches, st.sampled_from(["low", "middle", "high"])), max_size=15)


@given(
    seen=candles_seen,
    side=st.sampled_from(Side),
    tick=st.sampled_from([None, 0.5]),
    liquidation=st.sampled_from([None, 3.0, 2.5]),
    later_stop=st.sampled_from([None, -0.02, -0.04]),
)
@settings(max_examples=300, deadline=None)
def test_a_position_ends_as_if_every_candle_had_been_asked_about(
    seen: list[tuple[float, float, str]],
    side: Side,
    tick: float | None,
    liquidation: float | None,
    later_stop: float | None,
) -> None:
    versions = (
        ()
        if later_stop is None
        else (version(recorded_at=TOMORROW, side=side, stop_loss=later_stop, take_profit=0.05),)
    )
    price = None if liquidation is None else 100.0 - side.sign * liquidation
    both = []
    for kind in (FleetStrategy, AskingStrategy):
        strategy = strategy_with(backtested(*versions), kind)
        trade, told = opened(strategy, side=side, liquidation=price, tick=tick), []
        for number, (down, up, opens) in enumerate(seen):
            at, low, high = OPENED + number * STEP, 100.0 - down, 100.0 + up
            rate = {"low": low, "middle": 100.0, "high": high}[opens]
            exits = asked(strategy, trade, at, rate=rate, low=low, high=high)
            told.append((exits, trade.stop_loss, trade.min_rate, trade.max_rate, trade.is_stop_loss_trailing))
            if exits:
                break
        assert strategy.bot.faults.counts == {}
        both.append(told)

    assert both[0] == both[1]


@pytest.mark.parametrize("side", list(Side))
def test_a_quiet_candle_asks_freqtrade_nothing_but_its_extremes_count(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    strategy = strategy_with(backtested())
    trade = opened(strategy, side=side)
    monkeypatch.setattr(IStrategy, "should_exit", lambda *_, **__: pytest.fail("freqtrade was asked"))

    assert asked(strategy, trade, OPENED + STEP, low=98.0, high=102.0) == []

    assert (trade.min_rate, trade.max_rate) == (98.0, 102.0)


# -- what is never quiet ------------------------------------------------------------------------------


def test_time_is_up_at_the_limit_and_not_a_candle_before() -> None:
    strategy = strategy_with(backtested())
    trade = opened(strategy)

    assert stays(strategy, trade, after=timedelta(minutes=55))
    assert not stays(strategy, trade, after=timedelta(minutes=60))
    assert not stays(strategy, trade, after=timedelta(minutes=65))


def test_a_later_version_is_looked_at_from_its_first_candle_on() -> None:
    strategy = strategy_with(backtested(version(recorded_at=TOMORROW, stop_loss=-0.02)))
    trade = opened(strategy)

    assert stays(strategy, trade, after=timedelta(minutes=15))
    assert not stays(strategy, trade, after=timedelta(minutes=20))

    assert asked(strategy, trade, TOMORROW, low=99.0, high=101.0) == []

    assert trade.stop_loss == pytest.approx(98.0)
    assert stays(strategy, trade, after=timedelta(minutes=25))


def test_what_follows_the_path_sees_every_candle() -> None:
    managed = ManagedExits(
        stop_loss=-0.03, take_profit=0.03, giveback_ratio=0.5, giveback_activation_ratio=0.01
    )
    strategy = strategy_with(backtested(defaults=managed))

    assert not stays(strategy, opened(strategy))


def test_breakers_want_the_profit_of_every_candle() -> None:
    strategy = strategy_with(backtested(caution=Caution(breakers=Breakers(daily_loss_ratio=0.02))))

    assert not stays(strategy, opened(strategy))


def test_a_stop_that_freqtrade_never_set_is_asked_about() -> None:
    strategy = strategy_with(backtested())
    trade = opened(strategy)
    trade.stop_loss = None

    assert not stays(strategy, trade)


@pytest.mark.parametrize(
    ("changed", "more"),
    [
        ({"minimal_roi": {0: 0.001}}, {}),
        ({"trailing_stop": True}, {}),
        ({}, {"exit_": True}),
        ({}, {"force_stoploss": -0.001}),
        ({}, {"low": None, "high": None}),
    ],
)
def test_what_the_bot_does_not_know_of_leaves_the_question_to_freqtrade(
    changed: dict[str, Any], more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    strategy = strategy_with(backtested())
    trade = opened(strategy)
    for name, value in changed.items():
        setattr(strategy, name, value)
    told: list[float] = []
    monkeypatch.setattr(IStrategy, "should_exit", lambda _, __, rate, *___, **____: told.append(rate) or [])

    asked(strategy, trade, OPENED + STEP, **{"low": 99.0, "high": 101.0, **more})

    assert told == [100.0]


def test_another_position_of_the_pair_is_looked_at_anew() -> None:
    strategy = strategy_with(backtested())
    first, second = opened(strategy), opened(strategy, side=Side.SHORT)

    assert stays(strategy, first)
    assert not strategy.bot.stays_through(second, OPENED + STEP, 96.9, 101.0)
    assert strategy.bot.stays_through(second, OPENED + STEP, 99.0, 103.1)
