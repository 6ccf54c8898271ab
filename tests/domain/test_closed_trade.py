from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from freqfleet.domain.closed_trade import ClosedTrade, TradeMode
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError

OPENED = datetime(2025, 11, 1, 12, 0, tzinfo=UTC)
TRADE = ClosedTrade(
    bot="BOT1",
    instance="bot1.sqlite",
    trade_id=7,
    pair="BTC/USDT:USDT",
    side=Side.LONG,
    leverage=3.0,
    opened_at=OPENED,
    closed_at=OPENED + timedelta(minutes=65),
    open_rate=100.0,
    close_rate=102.0,
    stake_quote=50.0,
    margin_profit_ratio=0.057,
    profit_quote=2.85,
    fee_open_ratio=0.0005,
    fee_close_ratio=0.0005,
    funding_fees_quote=0.0,
    exit_reason="roi_optuna",
    mode=TradeMode.DRY_RUN,
)


def test_the_profit_on_price_is_the_profit_on_margin_over_the_leverage():
    assert TRADE.position_profit_ratio == pytest.approx(0.019)


@pytest.mark.parametrize(
    ("mode", "executed"),
    [(TradeMode.LIVE, True), (TradeMode.DRY_RUN, False), (TradeMode.BACKTEST, False)],
)
def test_only_live_trades_were_filled_by_an_exchange(mode, executed):
    assert replace(TRADE, mode=mode).executed is executed


def test_a_trade_may_close_in_the_moment_it_opened():
    assert replace(TRADE, closed_at=OPENED).closed_at == OPENED


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"pair": "BTC; DROP"}, "'BTC; DROP'"),
        ({"leverage": 0.0}, "was 0.0"),
        ({"leverage": math.inf}, "was inf"),
        ({"opened_at": OPENED.replace(tzinfo=None)}, "opened_at needs a zone"),
        ({"closed_at": OPENED.replace(tzinfo=None)}, "closed_at needs a zone"),
        ({"closed_at": OPENED - timedelta(seconds=1)}, "before it opened"),
        ({"open_rate": 0.0}, "open_rate must be above 0, was 0.0"),
        ({"close_rate": -1.0}, "close_rate must be above 0, was -1.0"),
        ({"close_rate": math.nan}, "was nan"),
        ({"open_rate": math.inf}, "was inf"),
        ({"margin_profit_ratio": math.nan}, "margin_profit_ratio must be a number, was nan"),
    ],
)
def test_a_trade_that_cannot_be_is_refused_with_the_value(changes, shown):
    with pytest.raises(InputError) as refusal:
        replace(TRADE, **changes)

    assert shown in str(refusal.value)


def test_a_refusal_names_the_trade():
    with pytest.raises(InputError, match="BOT1 trade 7 BTC/USDT:USDT"):
        replace(TRADE, open_rate=0.0)
