"""Trades as plain tuples, from columns and from objects, so that a test can compare the two."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from freqfleet.clock import to_ms
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.market.trade_columns import SIDES, TradeColumns


def rows_of(columns: TradeColumns) -> list[tuple[Any, ...]]:
    """Return what columns hold, one tuple a trade, names in the place of codes."""
    return [
        (
            columns.bots[columns.bot[at]],
            columns.instances[columns.instance[at]],
            int(columns.trade_id[at]),
            columns.pairs[columns.pair[at]],
            SIDES[columns.side[at]],
            int(columns.opened_ms[at]),
            int(columns.closed_ms[at]),
            float(columns.leverage[at]),
            float(columns.open_rate[at]),
            float(columns.stake_quote[at]),
            float(columns.margin_profit_ratio[at]),
        )
        for at in range(len(columns))
    ]


def rows_of_trades(trades: Iterable[ClosedTrade]) -> list[tuple[Any, ...]]:
    """Return the same of trades, read from each of them."""
    return [
        (
            one.bot,
            one.instance,
            one.trade_id,
            one.pair,
            one.side,
            to_ms(one.opened_at),
            to_ms(one.closed_at),
            one.leverage,
            one.open_rate,
            one.stake_quote,
            one.margin_profit_ratio,
        )
        for one in trades
    ]
