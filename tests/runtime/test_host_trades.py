"""HostTrades: what the bot is worth, and when that is known after a start in the middle of a trade."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from freqtrade.persistence import LocalTrade

from botcases import bot_with, position
from freqfleet.clock import FixedClock
from freqfleet.domain.kill_switch import DrawdownLimits, EquityMark, KillState
from freqfleet.runtime.caution import Caution
from freqfleet.runtime.host_trades import HostTrades
from freqfleet.runtime.strategy import FleetStrategy
from freqfleet.runtime.switchboard import Switchboard
from freqfleet.store.fleet_state import EquityReport, FleetState
from freqfleet.testing.host import OPENED

pytestmark = pytest.mark.usefixtures("no_database")

START = 1_000.0
NOW = OPENED + timedelta(minutes=5)


def opened(trade_id: int, pair: str = "BTC/USDT:USDT") -> LocalTrade:
    trade = position(id=trade_id, pair=pair)
    LocalTrade.add_bt_trade(trade)
    return trade


def close(trade: LocalTrade) -> None:
    trade.is_open, trade.close_date, trade.close_profit_abs = False, NOW, 20.0
    LocalTrade.close_bt_trade(trade)


def test_a_restart_among_gains_that_are_open_is_no_drawdown(tmp_path: Path) -> None:
    """Without the gains of what is open, 1000 would look like a loss of 13 % after a peak of 1150."""
    state, trades = FleetState(tmp_path), [opened(7), opened(8, "ETH/USDT:USDT")]
    state.report("BOT3", EquityReport(mark=EquityMark.starting_at(1_150.0), at=OPENED))
    limits = DrawdownLimits(yellow_ratio=0.05, red_ratio=0.10)
    board = Switchboard("BOT3", limits=limits, clock=FixedClock(NOW), state=state)
    board.start()
    strategy = FleetStrategy({"dry_run": True})
    strategy.bot = bot_with(caution=Caution(switchboard=board))
    strategy.wallets = SimpleNamespace(get_starting_balance=lambda: START)

    told = []
    for trade in (None, *trades):
        if trade is not None:
            strategy.custom_exit(trade.pair, trade, NOW, current_rate=100.0, current_profit=0.76)
        strategy.bot_loop_start(NOW)
        board.refresh()
        told.append((board.standing(NOW).state, state.reports()["BOT3"].mark.equity_quote))

    assert told == [(KillState.GREEN, 1_150.0)] * 2 + [(KillState.GREEN, 1_152.0)]
    assert strategy.bot.faults.counts == {}


def test_what_has_no_price_yet_is_named_and_its_end_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    first, last = opened(7), opened(8, "ETH/USDT:USDT")
    trades = HostTrades(START)

    asked = [trades.all_priced]
    for one in (first, last):
        trades.price(one, 0.1)
        asked += [trades.all_priced, trades.all_priced]

    assert asked == [False, False, False, True, True]
    assert [one.getMessage() for one in caplog.records] == [
        "the drawdown is not measured before every position of an earlier start has a price: "
        "BTC/USDT:USDT, ETH/USDT:USDT",
        "the drawdown is measured: every open position has a price",
    ]


def test_a_position_that_is_gone_needs_no_price() -> None:
    left_open = opened(7)
    trades = HostTrades(START)
    before = trades.all_priced

    close(left_open)

    assert (before, trades.all_priced) == (False, True)
    assert trades.equity_quote() == START + 20.0


def test_an_entry_that_waits_for_its_fill_and_one_of_this_start_need_no_price() -> None:
    LocalTrade.add_bt_trade(position(amount=0.0))
    trades = HostTrades(START)
    opened(8, "ETH/USDT:USDT")

    assert trades.all_priced
    assert trades.equity_quote() == START
