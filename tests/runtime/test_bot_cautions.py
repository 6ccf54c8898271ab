"""FleetBot where it is careful: managed exits, later versions, the kill switch, old books, evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from botcases import BTC, STEP, bot_with
from freqfleet.clock import FixedClock
from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.domain.kill_switch import DrawdownLimits, KillState
from freqfleet.domain.leverage_bins import LEVERAGE_BINS
from freqfleet.domain.managed_exits import ManagedExits
from freqfleet.domain.sides import Side
from freqfleet.market.leverage_tiers import load_leverage_tiers
from freqfleet.market.liquidation import leverage_limit
from freqfleet.parameters.book import NO_RECORDS
from freqfleet.parameters.records import RecordBook
from freqfleet.parameters.version import ParameterVersion
from freqfleet.runtime.bot import FleetBot
from freqfleet.runtime.caution import Caution
from freqfleet.runtime.leverage import LeverageRule
from freqfleet.runtime.plans import PLAN_KEY
from freqfleet.runtime.provenance import ENTRY_KEY, EXIT_KEY
from freqfleet.runtime.sizing import Sizing
from freqfleet.runtime.switchboard import Switchboard
from freqfleet.store.fleet_state import FleetState, Order
from freqfleet.testing.candle_frames import random_walk_candles
from freqfleet.testing.host import OPENED, FakeHostTrades, FakeTrade
from freqfleet.testing.records import bin_record
from freqfleet.testing.trades import version

PUBLISHED = OPENED - timedelta(days=1)
NOTHING = FakeHostTrades()


def frame(closes: list[float], trend: list[float] | None = None) -> pd.DataFrame:
    """Closed candles, the first of which closed when the position was opened."""
    return pd.DataFrame(
        {
            "date": pd.to_datetime([OPENED + STEP * (row - 1) for row in range(len(closes))]),
            "high": [one + 0.2 for one in closes],
            "low": [one - 0.2 for one in closes],
            "close": closes,
            "atr_ratio": 0.002,
            "trend_z": trend if trend is not None else [0.0] * len(closes),
        }
    )


def leaves(
    bot: FleetBot, trade: FakeTrade, closes: list[float], trend: list[float] | None = None
) -> str | None:
    now = OPENED + STEP * (len(closes) - 1)
    return bot.exit_reason(trade, now, closes[-1], lambda: frame(closes, trend))


MANAGED = ManagedExits(
    stop_loss=-0.02,
    take_profit=0.06,
    giveback_ratio=0.5,
    giveback_activation_ratio=0.02,
    regime_exit_z=1.0,
)


@pytest.mark.parametrize(
    ("closes", "trend", "reason"),
    [
        ([100, 102, 104, 102.5], None, None),
        ([100, 102, 104, 102.0], None, "giveback"),
        ([100, 101.9, 100.1], None, None),
        ([100, 101, 101], [0.5, 0.0, -1.0], "regime_exit"),
        ([100, 101, 101], [-1.0, -1.0, -1.0], None),
    ],
)
def test_a_position_is_left_when_it_gave_back_or_the_trend_turned(
    closes: list[float], trend: list[float] | None, reason: str | None
) -> None:
    bot = bot_with(version(recorded_at=PUBLISHED, parameters=MANAGED))

    assert leaves(bot, FakeTrade(), [float(one) for one in closes], trend) == reason


def test_the_best_price_is_of_closes_and_never_the_hosts_max_rate() -> None:
    """freqtrade's max_rate holds the high of the candle that is still open."""
    bot, trade = bot_with(version(recorded_at=PUBLISHED, parameters=MANAGED)), FakeTrade()
    trade.max_rate = 150.0  # type: ignore[attr-defined]

    assert leaves(bot, trade, [100.0, 101.0, 101.0]) is None


MOVING = ManagedExits(
    stop_loss=-0.02,
    take_profit=0.06,
    trailing_stop_ratio=0.01,
    trailing_activation_ratio=0.03,
    break_even_after_ratio=0.015,
)
EVEN = 100.0 * 1.0005 / 0.9995


@pytest.mark.parametrize(
    ("closes", "rate", "stop_rate", "reason"),
    [
        ([100, 101], 101.0, None, "stop_loss_optuna"),  # the best price was 101.2
        ([100, 101.3], 101.3, EVEN, "break_even"),
        ([100, 101.3, 100.5], 100.5, EVEN, "break_even"),
        ([100, 101.3, 103.8], 103.8, 104.0 * 0.99, "trailing_stop"),
        ([100, 103.8, 103.0], 102.9, None, "trailing_stop"),  # beyond the stop: it is left at this rate
    ],
)
def test_a_stop_comes_nearer_when_a_candle_has_closed(
    closes: list[float], rate: float, stop_rate: float | None, reason: str
) -> None:
    bot, trade = bot_with(version(recorded_at=PUBLISHED, parameters=MOVING)), FakeTrade()
    analysed = frame([float(one) for one in closes])

    moved = bot.moved_stop_rate(trade, rate, lambda: analysed)

    assert moved == (None if stop_rate is None else pytest.approx(stop_rate, rel=1e-12))
    assert bot.stop_reason(trade, lambda: analysed) == reason


def test_an_open_beyond_a_stop_that_has_moved_is_left_there_and_named_after_it() -> None:
    bot, trade = bot_with(version(recorded_at=PUBLISHED, parameters=MOVING)), FakeTrade()

    assert leaves(bot, trade, [100.0, 103.8, 103.0]) is None
    assert leaves(bot, trade, [100.0, 103.8, 103.0, 102.9]) == "trailing_stop"


@pytest.mark.parametrize("exits", [MANAGED, MANAGED.plain()], ids=["gives back", "plain"])
def test_a_stop_that_never_moves_asks_for_no_candles(exits: ExitParameters) -> None:
    bot = bot_with(version(recorded_at=PUBLISHED, parameters=exits))

    def unasked() -> pd.DataFrame:
        raise AssertionError("the candles were asked for")

    assert bot.moved_stop_rate(FakeTrade(), 101.0, unasked) is None
    assert bot.stop_reason(FakeTrade(), unasked) == "stop_loss_optuna"


def test_a_moved_stop_stands_where_it_stood_after_a_restart() -> None:
    published, trade = version(recorded_at=PUBLISHED, parameters=MOVING), FakeTrade()
    bot_with(published).moved_stop_rate(trade, 103.0, lambda: frame([100.0, 103.8, 103.0]))
    only_lately = frame([100.0, 103.8, 103.0, 103.1]).tail(1)

    moved = bot_with(published).moved_stop_rate(trade, 103.1, lambda: only_lately)

    assert moved == pytest.approx(104.0 * 0.99)


def test_parts_that_only_the_replay_knows_are_left_out_aloud(caplog: pytest.LogCaptureFixture) -> None:
    parameters = replace(MOVING, partial_targets=((0.02, 0.5),))
    bot = bot_with(version(recorded_at=PUBLISHED, parameters=parameters))

    plan = bot.plan_of(FakeTrade())

    assert plan.parameters == MOVING
    assert "the partial targets of version" in caplog.text
    assert bot.summary(OPENED)["left_out"] == {f"partial targets of {plan.version}": 1}


# -- later versions -------------------------------------------------------------------------------------


def tightening(stop_loss: float) -> tuple[FleetBot, FakeTrade, ParameterVersion]:
    first = version(recorded_at=PUBLISHED, stop_loss=-0.02)
    later = version(recorded_at=OPENED + STEP, run_id="run-2", stop_loss=stop_loss, take_profit=0.01)
    bot = bot_with(first, later, sizing=Sizing(leverage=LeverageRule(wanted=3.0), tighten_open_trades=True))
    trade = FakeTrade()
    bot.freeze_plan(trade, OPENED, bot.indicators(random_walk_candles(np.random.default_rng(1), 800)))
    return bot, trade, later


def test_a_later_version_tightens_the_stop_and_nothing_else() -> None:
    bot, trade, later = tightening(-0.01)
    target = bot.plan_of(trade).barriers(100.0, Side.LONG).target_rate

    before = bot.tightened_stop_margin_ratio(trade, OPENED, 100.5, lambda: frame([100.0]))
    after = bot.tightened_stop_margin_ratio(trade, OPENED + STEP, 100.5, lambda: frame([100.0]))

    assert before is None
    assert after == pytest.approx(3.0 * (99.0 / 100.5 - 1.0))
    plan = bot.plan_of(trade)
    assert plan.tightened_by == later.version_id == trade.custom[PLAN_KEY]["tightened_by"]
    assert plan.barriers(100.0, Side.LONG).target_rate == target
    assert plan.stop_reason == "stop_loss_optuna"


@pytest.mark.parametrize(("stop_loss", "close"), [(-0.04, 100.0), (-0.01, 98.9)], ids=["wider", "beyond"])
def test_a_stop_never_widens_and_tightening_ends_no_position_by_itself(
    stop_loss: float, close: float
) -> None:
    bot, trade, _ = tightening(stop_loss)

    assert bot.tightened_stop_margin_ratio(trade, OPENED + STEP, 100.0, lambda: frame([close])) is None
    assert bot.plan_of(trade).parameters.stop_loss == -0.02


def test_defaults_that_stand_in_for_a_book_tighten_nothing() -> None:
    """Started anew while the store is away; the learned stop of an open position is the wider one."""
    tightens = Sizing(leverage=LeverageRule(wanted=3.0), tighten_open_trades=True)
    trade = FakeTrade()
    bot_with(version(recorded_at=PUBLISHED, stop_loss=-0.05)).freeze_plan(trade, OPENED, pd.DataFrame())

    again = bot_with(sizing=tightens, caution=Caution(book_max_age=timedelta(hours=48)), started=False)

    assert again.tightened_stop_margin_ratio(trade, OPENED + STEP, 100.0, lambda: frame([100.0])) is None
    assert again.plan_of(trade).parameters.stop_loss == -0.05


# -- what keeps a bot from opening ------------------------------------------------------------------------


def refusal(bot: FleetBot) -> str | None:
    return bot.entry_refusal(BTC, Side.LONG, OPENED, lambda pair, since: [], NOTHING)


@pytest.mark.parametrize(
    ("state", "opens", "reason"),
    [(KillState.GREEN, True, None), (KillState.YELLOW, False, None), (KillState.RED, False, "kill_switch")],
)
def test_an_operators_order_while_a_position_is_open(
    tmp_path: Path, state: KillState, opens: bool, reason: str | None
) -> None:
    folder, limits = FleetState(tmp_path), DrawdownLimits(yellow_ratio=None, red_ratio=None)
    board = Switchboard("BOT3", limits=limits, clock=FixedClock(OPENED), state=folder)
    bot, trade = bot_with(caution=Caution(switchboard=board)), FakeTrade()
    assert leaves(bot, trade, [100.0, 100.0]) is None

    folder.give("fleet", Order(state=state, reason="drill", at=OPENED))
    board.refresh()

    assert (refusal(bot) is None) is opens
    assert leaves(bot, trade, [100.0, 100.0]) == reason


@pytest.mark.parametrize(("allowed", "refused"), [(True, False), (False, True)])
def test_entries_on_a_book_that_was_never_loaded_are_the_operators_choice(
    allowed: bool, refused: bool
) -> None:
    caution = Caution(entries_when_degraded=allowed, book_max_age=timedelta(hours=48))
    bot = bot_with(caution=caution, started=False)

    assert (refusal(bot) is not None) is refused
    assert bot.book_age().degraded


# -- leverage and stake ----------------------------------------------------------------------------------

RULE = LeverageRule(wanted=3.0, tiers=load_leverage_tiers(), stake_quote=100.0)
CALM = frame([100.0])
RECORDS = RecordBook([bin_record(step=step, lower_bound_bps=96.0) for step in LEVERAGE_BINS])


@pytest.mark.parametrize(
    ("records", "atr", "pair", "leverage"),
    [
        (NO_RECORDS, 0.002, BTC, 3.0),
        (RECORDS, 0.002, BTC, 6.0),
        (RECORDS, 0.01, BTC, 2.946),
        (RECORDS, 0.002, "NEW/USDT:USDT", 1.0),
    ],
    ids=["nothing published", "supported", "volatile", "no tiers"],
)
def test_leverage_is_chosen_by_evidence_within_its_limits(
    records: RecordBook, atr: float, pair: str, leverage: float
) -> None:
    bot = bot_with(records=records, sizing=Sizing(leverage=RULE))

    found = bot.leverage(pair, Side.LONG, OPENED, CALM.assign(atr_ratio=atr), 20.0)

    assert found == pytest.approx(leverage, rel=1e-3)


def test_leverage_leaves_room_for_the_stop_of_its_own_bin() -> None:
    """Evidence proposes 6x, and the exits of that bin have a far wider stop than those of the setting's."""
    high, wide = LEVERAGE_BINS[3], -0.15
    by_bin = version(
        recorded_at=PUBLISHED, source=ExitSource.BIN, leverage_bin=high, stop_loss=wide, take_profit=0.3
    )
    bot = bot_with(by_bin, records=RECORDS, sizing=Sizing(leverage=RULE))

    leverage = bot.leverage(BTC, Side.LONG, OPENED, CALM, 20.0)

    room = leverage_limit(
        RULE.tiers.of(BTC) if RULE.tiers is not None else None,
        pair=BTC,
        side=Side.LONG,
        stop_ratio=bot.plan_of(FakeTrade(leverage=leverage)).parameters.stop_loss,
        stake_quote=RULE.stake_quote,
        margin=RULE.liquidation_margin,
    )
    assert leverage <= room.most
    assert high.low > leverage > RULE.wanted


def test_a_pair_without_tiers_is_said_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    bot = bot_with(sizing=Sizing(leverage=RULE))

    for pair in (BTC, "NEW/USDT:USDT", "NEW/USDT:USDT"):
        bot.leverage(pair, Side.LONG, OPENED, CALM, 20.0)

    (said,) = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert said == "BOT3 NEW/USDT:USDT: 1x and no more, the exchange's leverage tiers do not know it"
    assert bot.summary(OPENED)["left_out"] == {"leverage of NEW/USDT:USDT": 2}


def test_stakes_follow_evidence_only_where_that_is_wanted() -> None:
    wanted = Sizing(leverage=RULE, stake_by_evidence=True)
    asked = {"proposed": 100.0, "leverage": 10.0}

    assert bot_with(records=RECORDS).stake(BTC, Side.LONG, OPENED, **asked) == 100.0
    assert bot_with(records=RECORDS, sizing=wanted).stake(BTC, Side.LONG, OPENED, **asked) == pytest.approx(
        60
    )
    assert bot_with(sizing=wanted).stake(BTC, Side.LONG, OPENED, **asked) == 100.0


def test_every_exit_can_be_traced_to_its_version_and_the_age_of_the_book() -> None:
    published = version(recorded_at=PUBLISHED)
    bot, trade = bot_with(published, sizing=Sizing(leverage=RULE)), FakeTrade()
    analysed = bot.indicators(random_walk_candles(np.random.default_rng(1), 800))
    bot.leverage(BTC, Side.LONG, OPENED, analysed, 20.0)

    bot.freeze_plan(trade, OPENED, analysed)
    bot.left(trade, OPENED + STEP, "roi_optuna")

    entry, left = trade.custom[ENTRY_KEY], trade.custom[EXIT_KEY]
    assert (entry["level"], entry["version"]) == ("pair", published.version_id)
    assert entry["version_age_seconds"] == 86_400.0
    assert entry["book_age_seconds"] == 0.0
    assert entry["leverage_reason"] == "nothing published: the setting, 3x"
    assert (left["reason"], left["version"], left["degraded"]) == ("roi_optuna", published.version_id, False)
