"""FleetBot without freqtrade: plain values in, plain values out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcases import BTC, bot_with
from freqfleet.clock import FixedClock
from freqfleet.domain.exits import ExitSource
from freqfleet.domain.sides import Side
from freqfleet.learning.optimizer import Optimizer
from freqfleet.learning.path_lattice import PATH_SEARCH
from freqfleet.runtime.caution import Caution
from freqfleet.runtime.leverage import LeverageRule
from freqfleet.runtime.plans import PLAN_KEY, SIGNAL_KEY
from freqfleet.runtime.sizing import Sizing
from freqfleet.runtime.stop_guard import StopGuardRule
from freqfleet.runtime.voting import ATR_COLUMN
from freqfleet.settings import DefaultSettings, OptimizerSettings, load_settings
from freqfleet.testing.candle_frames import random_walk_candles
from freqfleet.testing.host import OPENED, FakeClosedTrade, FakeHostTrades, FakeTrade
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.trades import version
from replaycases import WAVE_CANDLES, FakeCandleFiles, after, waves

PUBLISHED = OPENED - timedelta(days=1)
GUARD = StopGuardRule(
    lookback_minutes=60,
    stop_minutes=30,
    trade_limit=2,
    only_per_pair=False,
    only_per_side=False,
    required_profit=0.0,
)


def no_candles() -> pd.DataFrame:
    raise AssertionError("a plain plan asks for no candles")


def candles(count: int = 3_000, seed: int = 3) -> pd.DataFrame:
    return random_walk_candles(np.random.default_rng(seed), count)


# -- entries ------------------------------------------------------------------------------------------


def test_candles_come_back_as_they_were_with_votes_and_volatility_beside_them() -> None:
    given_candles = candles()

    analysed = bot_with().indicators(given_candles)

    pd.testing.assert_frame_equal(analysed[given_candles.columns], given_candles)
    assert {"votes_long", "votes_short", "tag_long", ATR_COLUMN} <= set(analysed.columns)
    assert analysed[ATR_COLUMN].iloc[-1] > 0.0


def test_every_entry_has_the_tag_of_its_side_and_no_other_candle_has_one() -> None:
    bot = bot_with()

    analysed = bot.entries(bot.indicators(candles()))

    for side in Side:
        entered = analysed[analysed[f"enter_{side}"] == 1]
        assert len(entered) > 0
        assert entered["enter_tag"].str.startswith(f"{side} ensemble ").all()
    nothing = (analysed["enter_long"] == 0) & (analysed["enter_short"] == 0)
    assert (analysed.loc[nothing, "enter_tag"] == "").all()


def test_later_candles_never_change_an_entry() -> None:
    whole, bot = candles(1_500), bot_with()
    columns = ["enter_long", "enter_short", "enter_tag"]

    full = bot.entries(bot.indicators(whole))[columns]

    for known in (900, 1_211, 1_499):
        part = bot.entries(bot.indicators(whole.iloc[:known]))[columns]
        pd.testing.assert_frame_equal(part, full.iloc[:known])


@pytest.mark.parametrize(("side", "other"), [(Side.LONG, Side.SHORT), (Side.SHORT, Side.LONG)])
def test_a_bot_of_one_side_never_enters_on_the_other(side: Side, other: Side) -> None:
    bot = bot_with(sides=(side,))

    analysed = bot.entries(bot.indicators(candles()))

    assert analysed[f"enter_{side}"].sum() > 0
    assert analysed[f"enter_{other}"].sum() == 0


@given(wanted=st.floats(1.0, 10.0), allowed=st.floats(0.0, 125.0))
def test_leverage_is_what_was_wanted_at_most_what_is_allowed_and_never_below_one(
    wanted: float, allowed: float
) -> None:
    bot = bot_with(sizing=Sizing(leverage=LeverageRule(wanted=wanted)))

    leverage = bot.leverage(BTC, Side.LONG, OPENED, pd.DataFrame(), allowed)

    assert leverage == max(1.0, min(wanted, allowed))


def test_a_guard_refuses_counts_and_says_until_when() -> None:
    bot = bot_with(caution=Caution(stop_guard=(GUARD,)))
    nothing = FakeHostTrades()
    now = OPENED + timedelta(hours=1)
    stops = [FakeClosedTrade(close_date_utc=now - timedelta(minutes=age)) for age in (5, 20)]

    refused = bot.entry_refusal(BTC, Side.LONG, now, lambda pair, since: stops, nothing)
    allowed = bot.entry_refusal(BTC, Side.LONG, now, lambda pair, since: stops[:1], nothing)

    assert refused == "stop guard until 2025-10-01 13:25"
    assert allowed is None
    assert bot.refusals == {"stop_guard": 1}


# -- plans --------------------------------------------------------------------------------------------


def test_a_plan_holds_what_was_in_force_when_the_position_was_filled() -> None:
    first = version(recorded_at=PUBLISHED, stop_loss=-0.02, take_profit=0.05)
    later = version(
        recorded_at=OPENED + timedelta(minutes=5), run_id="run-2", stop_loss=-0.04, take_profit=0.1
    )
    bot, trade = bot_with(first, later), FakeTrade()
    analysed = bot.indicators(candles())

    bot.freeze_plan(trade, OPENED, analysed)

    plan = bot.plan_of(trade)
    assert (plan.parameters.stop_loss, plan.parameters.take_profit) == (-0.02, 0.05)
    assert (plan.source, plan.version) == (ExitSource.OPTUNA, first.version_id)
    assert plan.atr_ratio == analysed[ATR_COLUMN].iloc[-1]
    assert trade.custom[PLAN_KEY] == plan.to_dict()
    assert set(trade.custom[SIGNAL_KEY]) == {"long", "short"}


def test_a_fill_that_is_told_once_more_changes_no_plan() -> None:
    """Live, freqtrade tells it again where fees came late, or after `/reload_trade`."""
    first = version(recorded_at=PUBLISHED, stop_loss=-0.02)
    later = version(recorded_at=OPENED + timedelta(minutes=5), run_id="run-2", stop_loss=-0.04)
    bot, trade = bot_with(first, later), FakeTrade()
    analysed = bot.indicators(candles())
    bot.freeze_plan(trade, OPENED, analysed)
    told_first = dict(trade.custom)

    for one in (bot, bot_with(first, later)):  # the second bot is one that was started anew
        one.freeze_plan(trade, OPENED + timedelta(hours=1), analysed.assign(**{ATR_COLUMN: 0.5}))

        assert one.plan_of(trade).version == first.version_id
        assert trade.custom == told_first


def test_a_plan_is_for_the_side_and_pair_of_its_trade() -> None:
    bot = bot_with(version(recorded_at=PUBLISHED, side=Side.SHORT))

    assert bot.plan_of(FakeTrade(id=1)).source is ExitSource.DEFAULT
    assert bot.plan_of(FakeTrade(id=2, pair="ETH/USDT:USDT", is_short=True)).source is ExitSource.DEFAULT
    assert bot.plan_of(FakeTrade(id=3, is_short=True)).source is ExitSource.OPTUNA


@pytest.mark.parametrize("rows", [0, 5])
def test_without_a_known_volatility_the_plan_has_none(rows: int) -> None:
    bot, trade = bot_with(), FakeTrade()

    bot.freeze_plan(trade, OPENED, bot.indicators(candles()).iloc[:rows])

    assert bot.plan_of(trade).atr_ratio is None


def test_exits_that_cannot_follow_the_volatility_stand_as_written_aloud(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An order that was filled while the bot was down is told of before there are candles."""
    scaled = version(
        recorded_at=PUBLISHED, stop_loss=-0.02, volatility_scaling=1.0, atr_reference_ratio=0.004
    )
    bot, analysed = bot_with(scaled), bot_with().indicators(candles())
    bot.freeze_plan(FakeTrade(id=1), OPENED, analysed)
    bot.freeze_plan(FakeTrade(id=2), OPENED, pd.DataFrame())

    assert bot.plan_of(FakeTrade(id=2)).barriers(100.0, Side.LONG).stop_rate == pytest.approx(98.0)
    assert bot.summary(OPENED)["left_out"] == {f"volatility of {BTC}": 1}
    assert [one.getMessage() for one in caplog.records] == [
        f"BOT3 {BTC}: the volatility at the entry is unknown, so the exits of version {scaled.version_id} "
        "stand as written and do not follow it"
    ]


def test_a_trade_without_a_plan_gets_what_was_in_force_at_its_entry() -> None:
    early = version(recorded_at=PUBLISHED, stop_loss=-0.02, take_profit=0.05)
    late = version(recorded_at=OPENED + timedelta(days=1), run_id="run-2", stop_loss=-0.04, take_profit=0.1)
    bot = bot_with(early, late)

    assert bot.plan_of(FakeTrade()).version == early.version_id
    assert bot.summary(OPENED)["missing_plans"] == 1


def test_a_learned_way_to_follow_the_path_reaches_the_plan_of_a_position() -> None:
    """From waves that give everything back, through the gate and the book, to what a position trades on."""
    market, trades = waves(np.random.default_rng(3).uniform(0.03, 0.09, 80))
    store = MemoryStore()
    store.record_closed_trades(trades)
    learned = after(5 * WAVE_CANDLES * 82)
    Optimizer(
        store=store,
        candles=FakeCandleFiles(market),
        settings=load_settings(
            Path("nowhere"),
            optimizer=OptimizerSettings(time_limit_minutes=(240,)),
            defaults=DefaultSettings(stop_loss=-0.04, take_profit=0.10, time_limit_minutes=240),
        ),
        clock=FixedClock(learned),
        search=PATH_SEARCH,
    ).run()
    (published,) = store.parameter_versions()
    trade = FakeTrade(open_date_utc=learned)
    bot = bot_with(published)

    bot.freeze_plan(trade, learned, bot.indicators(candles()))

    plan = bot.plan_of(trade)
    assert (plan.source, plan.version) == (ExitSource.OPTUNA, published.version_id)
    assert plan.parameters == published.parameters
    barriers = plan.managed(open_rate=100.0, side=Side.LONG, fee_ratio=0.0005)
    assert barriers is not None
    assert (barriers.giveback_ratio is not None) or (barriers.trailing_stop_ratio is not None)


# -- exits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("is_short", "rate", "minutes", "reason"),
    [
        (False, 100.0, 5, None),
        (False, 97.9, 5, "stop_loss_optuna"),
        (False, 105.1, 5, "roi_optuna"),
        (True, 102.1, 5, "stop_loss_optuna"),
        (True, 94.9, 5, "roi_optuna"),
        (False, 100.0, 240, "time_limit"),
        (True, 100.0, 239, None),
    ],
)
def test_a_position_is_left_for_a_reason_that_names_the_source(
    is_short: bool, rate: float, minutes: int, reason: str | None
) -> None:
    exits = {"stop_loss": -0.02, "take_profit": 0.05, "time_limit_minutes": 240}
    bot = bot_with(*(version(recorded_at=PUBLISHED, side=side, **exits) for side in Side))

    found = bot.exit_reason(
        FakeTrade(is_short=is_short), OPENED + timedelta(minutes=minutes), rate, no_candles
    )

    assert found == reason


@given(
    is_short=st.booleans(),
    leverage=st.floats(1.0, 10.0),
    open_rate=st.floats(1e-4, 1e5),
    at=st.floats(0.981, 1.019),
)
def test_the_stop_for_freqtrade_leads_back_to_the_price_of_the_plan(
    is_short: bool, leverage: float, open_rate: float, at: float
) -> None:
    """freqtrade computes rate * (1 -+ |stop| / leverage), from whatever rate it asked at."""
    bot = bot_with(*(version(recorded_at=PUBLISHED, side=side, stop_loss=-0.02) for side in Side))
    rate = open_rate * at
    trade = FakeTrade(is_short=is_short, leverage=leverage, open_rate=open_rate)

    stop = bot.stop_margin_ratio(trade, rate)

    assert stop < 0.0
    sign = 1.0 if is_short else -1.0
    assert rate * (1.0 + sign * abs(stop) / leverage) == pytest.approx(open_rate * (1.0 + sign * 0.02))


@pytest.mark.parametrize("is_short", [False, True])
def test_the_target_for_freqtrade_is_net_of_the_fees_it_will_add_again(is_short: bool) -> None:
    bot = bot_with(*(version(recorded_at=PUBLISHED, side=side, take_profit=0.05) for side in Side))
    trade = FakeTrade(is_short=is_short)
    at_target = 95.0 if is_short else 105.0

    assert bot.target_margin_ratio(trade) == trade.calc_profit_ratio(at_target)
    assert 0.14 < bot.target_margin_ratio(trade) < 0.15  # 5 % on price at 3x, less two fees


# -- what an operator sees ----------------------------------------------------------------------------


def test_a_summary_counts_versions_plans_refusals_and_faults() -> None:
    bot = bot_with(version(recorded_at=PUBLISHED))
    with bot.faults.recorded("custom_exit", BTC):
        raise ValueError("broken")

    assert bot.summary(datetime(2025, 10, 2, tzinfo=UTC)) == {
        "bot": "BOT3",
        "versions": 1,
        "champions": 1,
        "book_age_seconds": 0.0,
        "missing_plans": 0,
        "degraded": False,
        "left_out": {},
        "refusals": {},
        "faults": {f"custom_exit {BTC}": 1},
    }
