"""Replays what our strategies did in a backtest, and compares every exit."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from freqfleet.clock import from_ms, to_ms
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.exits import (
    BREAK_EVEN_REASON,
    GIVEBACK_REASON,
    REGIME_REASON,
    STOP_REASONS,
    TIME_LIMIT_REASON,
    TRAILING_REASON,
    ExitParameters,
    effective_barriers,
)
from freqfleet.domain.managed_exits import ManagedExits, managed_barriers
from freqfleet.domain.sides import Side
from freqfleet.market.candles import CandleFiles
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.replay.booking import Booking
from freqfleet.replay.exit_rule import first_exit
from freqfleet.replay.fills import Fills, Levels, freqtrade_fills, levels
from freqfleet.replay.managed_rule import managed_exit
from freqfleet.replay.paths import TradePaths, gather_paths
from parity.backtests import Backtest
from parity.candles import PairCandles
from parity.comparison import Comparison, Difference, at_rate, same_exit, same_rate

LIQUIDATION_REASON = "liquidation"
_SAME_NAME = {
    TIME_LIMIT_REASON,
    GIVEBACK_REASON,
    REGIME_REASON,
    TRAILING_REASON,
    BREAK_EVEN_REASON,
    LIQUIDATION_REASON,
}


def compare(backtest: Backtest, datadir: Path, title: str) -> Comparison:
    """Return how the replay of each trade compares; on the candles of the detail timeframe, if any."""
    found = Comparison(title=title)
    groups: dict[tuple[str, Side], list[ClosedTrade]] = defaultdict(list)
    for trade in backtest.trades:
        groups[trade.pair, trade.side].append(trade)
    for (pair, side), trades in sorted(groups.items()):
        _compare_group(backtest, datadir, pair, side, trades, found)
    return found


def _compare_group(
    backtest: Backtest, datadir: Path, pair: str, side: Side, trades: list[ClosedTrade], found: Comparison
) -> None:
    job = backtest.job
    market = PairCandles(datadir, pair, job.starts_at, job.ends_at)
    candles = market.main if job.detail is None else CandleFiles(datadir, job.detail).load(pair)
    gathered = gather_paths(
        candles,
        TradeColumns.of(trades),
        side=side,
        horizon_minutes=job.parameters.time_limit_minutes,
        with_trend=isinstance(job.parameters, ManagedExits),
        as_of=from_ms(int(candles.time_ms[-1]) + candles.timeframe_ms),
        funding=None,
    )
    for reason, count in gathered.dropped.items():
        found.left_out[reason.value] += count
    for row, position in enumerate(gathered.kept.tolist()):
        _compare_trade(backtest, trades[position], gathered.paths, row, market, found)


def _compare_trade(
    backtest: Backtest,
    trade: ClosedTrade,
    paths: TradePaths,
    row: int,
    market: PairCandles,
    found: Comparison,
) -> None:
    kind = kind_of(trade)
    if kind is None:
        found.left_out[trade.exit_reason] += 1
        return
    parameters = backtest.job.parameters
    fills = freqtrade_fills(market.tick_at(trade.opened_at))
    placed = levels(
        effective_barriers(
            parameters, open_rate=trade.open_rate, side=trade.side, atr_ratio=market.atr_at(trade.opened_at)
        ),
        trade.side,
        fills,
        # Where the exchange liquidates is another test's matter: here it is taken from the trade.
        liquidation_rate=trade.close_rate if kind == LIQUIDATION_REASON else None,
        booking=booking_of(trade),
    )
    ours = _replayed(parameters, trade, paths, row, placed, fills, market.atr_at(trade.opened_at))
    closed_ms = int(paths.first_open_ms[row]) + ours.candle_index * paths.timeframe_ms
    label = f"{backtest.job.label}: {trade.pair} {trade.side} of {trade.opened_at:%Y-%m-%d %H:%M}"
    difference = Difference(
        trade=label,
        kind=kind,
        theirs=f"{trade.exit_reason} {at_rate(to_ms(trade.closed_at), trade.close_rate)}",
        ours=f"{ours.kind} {at_rate(closed_ms, ours.rate)}",
    )
    found.add(kind, same=same_exit(trade, closed_ms, ours.rate), difference=difference)
    moves = isinstance(parameters, ManagedExits) and parameters.moves_stop
    if kind != LIQUIDATION_REASON and not moves:  # one that moves is compared where it ends a position
        theirs = backtest.stop_rate(trade)
        found.add(
            "price of the stop",
            same=same_rate(placed.stop_rate, theirs),
            difference=Difference(
                trade=label, kind="stop", theirs=f"stop placed at {theirs}", ours=f"at {placed.stop_rate}"
            ),
        )


def _replayed(
    parameters: ExitParameters,
    trade: ClosedTrade,
    paths: TradePaths,
    row: int,
    placed: Levels,
    fills: Fills,
    atr: float,
) -> Replayed:
    """Return how the rule leaves: the plain one, or the managed one where something follows the path."""
    asked = {
        "entered_ms": to_ms(trade.opened_at),
        "levels": placed,
        "side": trade.side,
        "time_limit_minutes": parameters.time_limit_minutes,
        "fills": fills,
    }
    if not isinstance(parameters, ManagedExits):
        plain = first_exit(paths.candles(row), **asked)
        return Replayed(plain.candle_index, plain.rate, plain.kind.name.lower())
    assert paths.trend_z is not None
    found = managed_exit(
        paths.candles(row),
        open_rate=trade.open_rate,
        managed=managed_barriers(
            parameters,
            open_rate=trade.open_rate,
            side=trade.side,
            atr_ratio=atr,
            fee_ratio=trade.fee_open_ratio,
        ),
        trend_z=paths.trend_z[row].tolist(),
        **asked,
    )
    (fill,) = found.fills
    return Replayed(fill.candle_index, fill.rate, fill.kind.name.lower())


class Replayed(NamedTuple):
    """Where a replay left: the candle, its rate, and why."""

    candle_index: int
    rate: float
    kind: str


def kind_of(trade: ClosedTrade) -> str | None:
    """Return the row of the table for a trade's exit, None for one that no replay can know."""
    if trade.exit_reason in STOP_REASONS:
        return "stop"
    if trade.exit_reason.startswith("roi_"):
        return "target"
    return trade.exit_reason if trade.exit_reason in _SAME_NAME else None


def booking_of(trade: ClosedTrade) -> Booking:
    """Return what the position cost, with the funding it had received when it ended."""
    value = trade.stake_quote * trade.leverage
    return Booking(
        side=trade.side,
        open_rate=trade.open_rate,
        leverage=trade.leverage,
        fee_ratio=trade.fee_open_ratio,
        funding_ratio=trade.funding_fees_quote / value,
    )
