"""FleetStrategy: what freqtrade asks, what the bot answers, and what is answered when the bot fails."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from freqtrade.enums import ExitCheckTuple, ExitType
from freqtrade.persistence import LocalTrade

from botcases import BTC, position
from freqfleet.domain.exit_plan import ExitPlan
from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.domain.sides import Side
from freqfleet.runtime.bot import FleetBot
from freqfleet.runtime.faults import Faults
from freqfleet.runtime.host_trades import closed_trades
from freqfleet.runtime.strategy import KEEP_STOPLOSS, NO_TARGET, REFUSE, STAY, FleetStrategy
from freqfleet.testing.host import OPENED

PLAN = ExitPlan(
    parameters=ExitParameters(stop_loss=-0.02, take_profit=0.04, time_limit_minutes=240),
    source=ExitSource.OPTUNA,
    version="aaaaaaaaaaaa",
    atr_ratio=None,
)


class FixedBot:
    """A bot that answers what it was told to, and remembers the plans it froze."""

    def __init__(self, refusal: str | None = None) -> None:
        self.faults = Faults("BOT3")
        self.refusal = refusal
        self.asked: list[tuple[str, Side]] = []
        self.frozen: list[tuple[int, datetime, int]] = []
        self.exits: list[str] = []
        self.closed_ids: list[int] = []
        self.stake_factor = 1.0
        self.tightened: float | None = None
        self.moved: float | None = None
        self.is_closed = False

    measures_equity = False
    prices_positions = False
    reads_context = False

    def take_new_voters(self) -> None:
        self.reads_context = True

    def close(self) -> None:
        self.is_closed = True

    def leverage(
        self, pair: str, side: Side, at: datetime, analysed: pd.DataFrame, max_leverage: float
    ) -> float:
        return min(3.0, max_leverage)

    def stake(self, pair: str, side: Side, at: datetime, *, proposed: float, leverage: float) -> float:
        return proposed * self.stake_factor

    def closed(self, trade: LocalTrade) -> None:
        self.closed_ids.append(trade.id)

    def left(self, trade: LocalTrade, now: datetime, reason: str) -> None:
        self.exits.append(reason)

    def tightened_stop_margin_ratio(
        self, trade: LocalTrade, now: datetime, rate: float, analysed: object
    ) -> float | None:
        return self.tightened

    def moved_stop_rate(self, trade: LocalTrade, rate: float, analysed: object) -> float | None:
        return self.moved

    def stop_reason(self, trade: LocalTrade, analysed: object) -> str:
        return PLAN.stop_reason if self.moved is None else "trailing_stop"

    def entry_refusal(
        self, pair: str, side: Side, now: datetime, closed: object, trades: object
    ) -> str | None:
        self.asked.append((pair, side))
        return self.refusal

    def freeze_plan(self, trade: LocalTrade, now: datetime, analysed: pd.DataFrame) -> None:
        self.frozen.append((trade.id, now, len(analysed)))

    def plan_of(self, trade: LocalTrade) -> ExitPlan:
        return PLAN

    def exit_reason(self, trade: LocalTrade, now: datetime, rate: float, analysed: object) -> str | None:
        return "time_limit" if now - OPENED >= timedelta(hours=4) else None

    def stop_margin_ratio(self, trade: LocalTrade, rate: float) -> float:
        return -0.06

    def target_margin_ratio(self, trade: LocalTrade) -> float:
        return trade.calc_profit_ratio(104.0)


class BrokenBot:
    """A bot of which everything fails."""

    def __init__(self) -> None:
        self.faults = Faults("BOT3")

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(f"{name} is broken")


def strategy_with(bot: FixedBot | BrokenBot | FleetBot) -> FleetStrategy:
    strategy = FleetStrategy({"dry_run": True})
    strategy.bot = bot  # type: ignore[assignment]
    strategy.wallets = SimpleNamespace(get_starting_balance=lambda: 1_000.0)
    strategy.dp = SimpleNamespace(
        get_analyzed_dataframe=lambda pair, timeframe: (pd.DataFrame({"close": [1.0] * 7}), OPENED)
    )
    return strategy


@pytest.fixture
def trade(no_database: None) -> LocalTrade:
    return position()


def entry(strategy: FleetStrategy, side: str = "long") -> bool:
    return strategy.confirm_trade_entry(
        pair=BTC,
        order_type="limit",
        amount=1.0,
        rate=100.0,
        time_in_force="GTC",
        current_time=OPENED,
        entry_tag=None,
        side=side,
    )


def asked(trade: LocalTrade, *, minutes: int = 5, rate: float = 100.0, **more: Any) -> dict[str, Any]:
    """The arguments that freqtrade gives to the callbacks of an open trade."""
    now = OPENED + timedelta(minutes=minutes)
    return {
        "pair": BTC,
        "trade": trade,
        "current_time": now,
        "current_rate": rate,
        "current_profit": 0.0,
        **more,
    }


# -- entries ------------------------------------------------------------------------------------------


def test_leverage_is_the_bots() -> None:
    strategy = strategy_with(FixedBot())

    assert strategy.leverage(BTC, OPENED, 100.0, 1.0, 20.0, None, "long") == 3.0
    assert strategy.leverage(BTC, OPENED, 100.0, 1.0, 2.0, None, "long") == 2.0


@pytest.mark.usefixtures("no_database")
@pytest.mark.parametrize(("refusal", "confirmed"), [(None, True), ("stop guard", False)])
def test_an_entry_is_confirmed_unless_the_bot_refuses(refusal: str | None, confirmed: bool) -> None:
    bot = FixedBot(refusal)

    assert entry(strategy_with(bot), "short") is confirmed
    assert bot.asked == [(BTC, Side.SHORT)]


@pytest.mark.parametrize(("order_side", "frozen"), [("buy", [(7, OPENED, 7)]), ("sell", [])])
def test_the_plan_is_frozen_when_the_entry_is_filled_and_not_at_the_exit(
    trade: LocalTrade, order_side: str, frozen: list[object]
) -> None:
    bot = FixedBot()

    strategy_with(bot).order_filled(BTC, trade, SimpleNamespace(ft_order_side=order_side), OPENED)

    assert bot.frozen == frozen


@pytest.mark.parametrize(("is_open", "passed_on"), [(True, []), (False, [7])], ids=["in part", "whole"])
def test_a_trade_is_passed_on_when_its_exit_has_closed_it(
    trade: LocalTrade, is_open: bool, passed_on: list[int]
) -> None:
    bot = FixedBot()
    trade.is_open = is_open

    strategy_with(bot).order_filled(BTC, trade, SimpleNamespace(ft_order_side="sell"), OPENED)

    assert bot.closed_ids == passed_on


def test_there_are_no_exit_signals() -> None:
    frame = strategy_with(FixedBot()).populate_exit_trend(pd.DataFrame({"close": [1.0, 2.0]}), {"pair": BTC})

    assert (frame[["exit_long", "exit_short"]] == 0).all(axis=None)


# -- exits --------------------------------------------------------------------------------------------


def test_the_stop_is_priced_once_when_the_position_has_been_filled(trade: LocalTrade) -> None:
    strategy = strategy_with(FixedBot())

    assert strategy.custom_stoploss(**asked(trade), after_fill=True) == -0.06
    assert strategy.custom_stoploss(**asked(trade), after_fill=False) is KEEP_STOPLOSS


def test_custom_exit_leaves_for_the_reason_of_the_bot(trade: LocalTrade) -> None:
    strategy = strategy_with(FixedBot())

    assert strategy.custom_exit(**asked(trade, minutes=235)) is STAY
    assert strategy.custom_exit(**asked(trade, minutes=240)) == "time_limit"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (99.0, 101.0, []),
        (97.9, 101.0, [ExitCheckTuple(ExitType.STOP_LOSS, "stop_loss_optuna")]),
        (99.0, 104.1, [ExitCheckTuple(ExitType.ROI, "roi_optuna")]),
    ],
    ids=["stays", "stop", "target"],
)
def test_freqtrades_own_exits_are_named_after_the_source_of_their_level(
    trade: LocalTrade, low: float, high: float, expected: list[ExitCheckTuple]
) -> None:
    strategy = strategy_with(FixedBot())
    trade.adjust_stop_loss(100.0, -0.06, initial=True)

    exits = strategy.should_exit(
        trade, 100.0, OPENED + timedelta(minutes=5), enter=False, exit_=False, low=low, high=high
    )

    assert [(one.exit_type, one.exit_reason) for one in exits] == [
        (one.exit_type, one.exit_reason) for one in expected
    ]


@pytest.mark.parametrize(
    ("low", "high", "reasons"),
    [
        (101.5, 103.0, []),
        (100.9, 103.0, ["trailing_stop"]),
        (
            97.0,
            103.0,
            ["trailing_stop"],
        ),  # freqtrade asks custom_stoploss for no nearer stop in such a candle
        (100.9, 105.0, ["trailing_stop", "roi_optuna"]),  # freqtrade alone would take the target first
    ],
)
def test_a_stop_that_has_moved_ends_the_position_before_its_target(
    trade: LocalTrade, low: float, high: float, reasons: list[str]
) -> None:
    bot = FixedBot()
    bot.moved = 101.0
    trade.adjust_stop_loss(100.0, -0.06, initial=True)

    exits = strategy_with(bot).should_exit(
        trade, 102.0, OPENED + timedelta(minutes=5), enter=False, exit_=False, low=low, high=high
    )

    assert [one.exit_reason for one in exits] == reasons
    assert trade.stop_loss == 101.0


def test_a_liquidation_keeps_its_own_name(trade: LocalTrade) -> None:
    named = strategy_with(FixedBot())._named(trade, ExitCheckTuple(ExitType.LIQUIDATION), pd.DataFrame)

    assert named.exit_reason == "liquidation"


def test_new_voters_are_taken_before_the_loop_fetches_what_they_read() -> None:
    strategy = strategy_with(FixedBot())
    strategy.dp.current_whitelist = lambda: [BTC]

    asked = strategy.informative_pairs()

    assert (BTC, "1h", "funding_rate") in asked


def test_the_bot_ends_with_its_strategy_also_where_the_start_had_failed() -> None:
    bot, failed = FixedBot(), FleetStrategy({"dry_run": True})

    strategy_with(bot).ft_bot_cleanup()
    failed.ft_bot_cleanup()

    assert bot.is_closed


# -- when the bot fails -------------------------------------------------------------------------------


def test_a_failing_bot_gives_the_safe_answer_of_every_callback_and_is_counted(trade: LocalTrade) -> None:
    bot = BrokenBot()
    strategy = strategy_with(bot)
    long = {"entry_tag": None, "side": "long"}

    assert strategy.leverage(BTC, OPENED, 100.0, 1.0, 20.0, None, "long") == 1.0
    assert entry(strategy) is REFUSE
    strategy.order_filled(BTC, trade, SimpleNamespace(ft_order_side="buy"), OPENED)
    assert strategy.custom_exit(**asked(trade)) is STAY
    assert strategy.custom_stoploss(**asked(trade), after_fill=True) is KEEP_STOPLOSS
    assert strategy.custom_roi(BTC, trade, OPENED, 5, **long) is NO_TARGET

    callbacks = (
        "leverage", "confirm_trade_entry", "order_filled", "custom_exit", "custom_stoploss", "custom_roi"
    )  # fmt: skip
    assert bot.faults.counts == dict.fromkeys(((name, BTC) for name in callbacks), 1)


def test_a_failing_bot_keeps_freqtrades_stop_under_freqtrades_name(trade: LocalTrade) -> None:
    bot = BrokenBot()
    strategy = strategy_with(bot)
    trade.adjust_stop_loss(100.0, -0.06, initial=True)

    exits = strategy.should_exit(
        trade, 100.0, OPENED + timedelta(minutes=5), enter=False, exit_=False, low=97.0, high=101.0
    )

    assert [(one.exit_type, one.exit_reason) for one in exits] == [(ExitType.STOP_LOSS, "stop_loss")]
    assert bot.faults.counts[("should_exit", BTC)] == 1
    assert bot.faults.counts[("move_stop", BTC)] == 1


# -- freqtrade's trades -------------------------------------------------------------------------------


def test_closed_trades_are_those_that_closed_since(trade: LocalTrade) -> None:
    LocalTrade.add_bt_trade(trade)
    assert list(closed_trades(None, OPENED)) == []

    trade.close_date = OPENED + timedelta(hours=2)
    trade.is_open, trade.close_profit_abs = False, 3.0
    LocalTrade.close_bt_trade(trade)

    assert [one.id for one in closed_trades(BTC, OPENED)] == [7]
    assert list(closed_trades(BTC, OPENED + timedelta(hours=3))) == []
    assert list(closed_trades("ETH/USDT:USDT", OPENED)) == []


# -- stakes, tightening, provenance --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factor", "least", "stake"),
    [(1.0, 500.0, 100.0), (0.5, 40.0, 50.0), (0.5, 60.0, 0.0), (1.2, None, 120.0)],
)
def test_a_stake_below_the_exchanges_least_is_none_and_never_rounded_up(
    factor: float, least: float | None, stake: float
) -> None:
    bot = FixedBot()
    bot.stake_factor = factor

    found = strategy_with(bot).custom_stake_amount(BTC, OPENED, 100.0, 100.0, least, 1e4, 3.0, None, "long")

    assert found == pytest.approx(stake)


def test_a_later_stop_is_handed_on_and_none_keeps_the_stop(trade: LocalTrade) -> None:
    bot = FixedBot()
    strategy = strategy_with(bot)
    kept = strategy.custom_stoploss(**asked(trade), after_fill=False)
    bot.tightened = -0.03

    assert kept is KEEP_STOPLOSS
    assert strategy.custom_stoploss(**asked(trade), after_fill=False) == -0.03


def test_an_exit_is_written_down_and_never_refused(trade: LocalTrade) -> None:
    bot = FixedBot()
    left = {"order_type": "market", "amount": 3.0, "rate": 100.0, "time_in_force": "GTC"}

    for one in (bot, BrokenBot()):
        confirmed = strategy_with(one).confirm_trade_exit(
            BTC, trade, exit_reason="giveback", current_time=OPENED, **left
        )
        assert confirmed is True
    assert bot.exits == ["giveback"]


def test_no_callback_reads_the_whitelist(trade: LocalTrade) -> None:
    """A pair that left the whitelist keeps its exits (freqtrade#13547)."""

    class NoWhitelist:
        def get_analyzed_dataframe(self, pair: str, timeframe: str) -> tuple[pd.DataFrame, datetime]:
            return pd.DataFrame({"close": [1.0]}), OPENED

        def __getattr__(self, name: str) -> object:
            raise AssertionError(f"a callback asked the data provider for {name}")

    strategy = strategy_with(FixedBot())
    strategy.dp = NoWhitelist()
    strategy.config = {}

    assert strategy.leverage(BTC, OPENED, 100.0, 1.0, 20.0, None, "long") == 3.0
    assert entry(strategy) is True
    strategy.order_filled(BTC, trade, SimpleNamespace(ft_order_side="buy"), OPENED)
    assert strategy.custom_exit(**asked(trade, minutes=240)) == "time_limit"
    assert strategy.custom_stoploss(**asked(trade), after_fill=True) == -0.06
    assert strategy.bot.faults.counts == {}
