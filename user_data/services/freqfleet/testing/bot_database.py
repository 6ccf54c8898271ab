"""A bot's freqtrade database for tests, written through freqtrade's own models.

So a test that reads it back fails when freqtrade changes its tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from freqtrade.persistence import KeyValueStore, Order, Trade, init_db
from freqtrade.persistence.custom_data import _CustomData
from freqtrade.persistence.usedb_context import enable_database_use

from freqfleet.domain.closed_trade import ClosedTrade, TradeMode
from freqfleet.domain.exit_plan import ExitPlan
from freqfleet.domain.exits import ExitParameters, ExitSource


def write_bot_database(
    file: Path,
    trades: Sequence[ClosedTrade] = (),
    *,
    open_trades: Sequence[ClosedTrade] = (),
    started_at: datetime | None = None,
) -> None:
    """Make the database, or go on with it, and add trades under their ids.

    open_trades : written as still open; what they say of their close is left out.
    started_at : what freqtrade notes as the start of a database; None leaves it out, as old ones do.
    """
    with _freqtrade(file):
        if started_at is not None:
            KeyValueStore.store_value("bot_start_time", started_at)
        for trade, is_open in [*((one, False) for one in trades), *((one, True) for one in open_trades)]:
            _add(trade, is_open=is_open)
        Trade.commit()


def amend_bot_database(file: Path, trade_id: int, **columns: object) -> None:
    """Change columns of one trade, by freqtrade's names."""
    with _freqtrade(file):
        stored = Trade.session.get(Trade, trade_id)
        for name, value in columns.items():
            assert hasattr(stored, name), name
            setattr(stored, name, value)
        Trade.commit()


@contextmanager
def _freqtrade(file: Path) -> Iterator[None]:
    enable_database_use()
    init_db(f"sqlite:///{file}")
    engine = Trade.session.get_bind()
    try:
        yield
    finally:
        Trade.session.remove()
        _CustomData.session.remove()
        engine.dispose()


def _add(trade: ClosedTrade, *, is_open: bool) -> None:
    row = Trade(
        id=trade.trade_id,
        exchange="binance",
        pair=trade.pair,
        is_open=is_open,
        is_short=trade.side.is_short,
        leverage=trade.leverage,
        open_date=trade.opened_at.replace(tzinfo=None),
        open_rate=trade.open_rate,
        stake_amount=trade.stake_quote,
        amount=trade.stake_quote * trade.leverage / trade.open_rate,
        fee_open=trade.fee_open_ratio,
        fee_close=trade.fee_close_ratio,
        funding_fees=trade.funding_fees_quote,
        enter_tag=trade.enter_tag,
    )
    if not is_open:
        row.close_date = trade.closed_at.replace(tzinfo=None)
        row.close_rate = trade.close_rate
        row.close_profit = trade.margin_profit_ratio
        row.close_profit_abs = trade.profit_quote
        row.exit_reason = trade.exit_reason
    prefix = "dry_run_" if trade.mode is TradeMode.DRY_RUN else "8389765"
    for order_side in ("buy", "sell"):
        row.orders.append(
            Order(
                ft_order_side=order_side,
                ft_pair=trade.pair,
                ft_is_open=False,
                ft_amount=row.amount,
                ft_price=trade.open_rate,
                order_id=f"{prefix}{order_side}_{trade.trade_id}",
                status="closed",
            )
        )
    Trade.session.add(row)
    Trade.session.flush()
    if trade.parameter_version is not None:
        plan = ExitPlan(
            parameters=ExitParameters(stop_loss=-0.02, take_profit=0.045),
            source=ExitSource.OPTUNA,
            version=trade.parameter_version,
            atr_ratio=None,
        )
        Trade.commit()  # custom data has a session of its own
        row.set_custom_data("freqfleet_plan", plan.to_dict())
