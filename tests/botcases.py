"""What a strategy works with: a bot on published parameters, and a position as freqtrade keeps it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ccxt import TICK_SIZE
from freqtrade.persistence import LocalTrade

from freqfleet.clock import FixedClock
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.parameters.book import NO_RECORDS, ParameterBook
from freqfleet.parameters.records import RecordBook
from freqfleet.parameters.version import ParameterVersion
from freqfleet.runtime.bookkeeper import BookKeeper
from freqfleet.runtime.bot import FleetBot
from freqfleet.runtime.caution import CAREFREE, Caution
from freqfleet.runtime.entries import EntryPolicy
from freqfleet.runtime.leverage import LeverageRule
from freqfleet.runtime.path_ledger import PathLedger
from freqfleet.runtime.plans import PlanLedger
from freqfleet.runtime.sizing import Sizing
from freqfleet.signals.ensemble import Ensemble
from freqfleet.signals.feeders.registry import FEEDERS
from freqfleet.testing.host import OPENED

BTC = "BTC/USDT:USDT"
STEP = timedelta(minutes=5)
DEFAULTS = ExitParameters(stop_loss=-0.03, take_profit=0.03, time_limit_minutes=1440)
SIZING = Sizing(leverage=LeverageRule(wanted=3.0))


def bot_with(
    *versions: ParameterVersion,
    defaults: ExitParameters = DEFAULTS,
    records: RecordBook = NO_RECORDS,
    sides: tuple[Side, ...] = tuple(Side),
    sizing: Sizing = SIZING,
    caution: Caution = CAREFREE,
    persistent: bool = True,
    started: bool = True,
) -> FleetBot:
    """A bot whose book is loaded when a position opens; persistent as live, not so in a backtest."""
    books = BookKeeper(
        lambda: ParameterBook(versions, defaults=defaults, records=records),
        defaults=ParameterBook((), defaults=defaults),
        clock=FixedClock(OPENED),
        max_age=timedelta(hours=48),
        refresh_every=None,
    )
    if started:
        books.start()
    return FleetBot(
        "BOT3",
        ensemble=Ensemble(FEEDERS, min_votes=2),
        policy=EntryPolicy(sides=sides, min_votes=2),
        books=books,
        ledger=PlanLedger(persistent=persistent),
        paths=PathLedger(timeframe=STEP, persistent=persistent),
        sizing=sizing,
        caution=caution,
        persistent=persistent,
    )


def position(**overrides: Any) -> LocalTrade:
    """A BTC long at 100 and 3x of freqtrade's own, as in a backtest; overrides are its fields."""
    values: dict[str, Any] = {
        "id": 7,
        "pair": BTC,
        "is_open": True,
        "is_short": False,
        "leverage": 3.0,
        "open_date": OPENED,
        "open_rate": 100.0,
        "stake_amount": 100.0,
        "amount": 3.0,
        "fee_open": 0.0005,
        "fee_close": 0.0005,
        "exchange": "binance",
        "precision_mode_price": TICK_SIZE,
    }
    trade = LocalTrade(**{**values, **overrides})
    trade.recalc_open_trade_value()
    return trade
