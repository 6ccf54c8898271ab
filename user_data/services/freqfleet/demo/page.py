"""From what happened to what is shown: fills the report's page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from freqfleet.demo.backtests import STARTING_WALLET_QUOTE, Backtest
from freqfleet.demo.comparison import compare
from freqfleet.demo.loop import DemoRun
from freqfleet.demo.market import DemoMarket
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.decisions import Verdict
from freqfleet.domain.sides import Side
from freqfleet.market.synthetic import Kind
from freqfleet.report.demo_page import BotRun, DemoPage, MarketSummary, Phase, PlantedEdge, SyncLine

_IN_FORCE = (Verdict.PUBLISHED, Verdict.INHERITED)


def demo_page(run: DemoRun, *, created_at: datetime, commands: Sequence[str]) -> DemoPage:
    """Return the page of a demo run."""
    decisions = tuple(finding.decision for finding in run.optimizer.findings)
    learned_sides = {
        pair: tuple(one.side for one in decisions if one.pair == pair and one.verdict in _IN_FORCE)
        for pair in run.market.pairs
    }
    return DemoPage(
        title="freqfleet demo",
        created_at=created_at,
        market=_market(run.market),
        defaults=run.settings.defaults.parameters(),
        bots=tuple(_bot_run(one) for one in run.backtests),
        sync=tuple(
            SyncLine(
                bot=first.bot,
                exported=first.read,
                stored=first.accepted,
                duplicate_second_run=second.duplicate,
            )
            for first, second in zip(run.first_sync, run.second_sync, strict=True)
        ),
        decisions=decisions,
        comparison=compare(
            run.of(Phase.DEFAULTS).trades,
            run.of(Phase.LEARNED).trades,
            pairs=run.market.pairs,
            learned_sides=learned_sides,
            starting_wallet_quote=STARTING_WALLET_QUOTE,
        ),
        steps=run.steps,
        warnings=tuple(_warnings(run)),
        commands=tuple(commands),
        feeders=run.feeders.words,
    )


def _market(market: DemoMarket) -> MarketSummary:
    truth = market.truth
    return MarketSummary(
        name=market.name,
        synthetic=truth is not None,
        pairs=market.pairs,
        timeframe="5m",
        candles=market.candles,
        days=market.days,
        first=market.first,
        last=market.last,
        split_at=market.split_at,
        truth=None
        if truth is None
        else tuple(
            PlantedEdge(
                pair=one.pair,
                side=side,
                planted=one.kind is not Kind.EDGE_FREE,
                edge=one.edge,
                stop_loss=one.best_stop_loss,
                take_profit=one.best_take_profit,
                edge_bps=one.improvement_bps if one.kind is not Kind.EDGE_FREE else 0.0,
            )
            for one in truth.pairs
            if one.pair in market.pairs
            for side in Side
        ),
    )


def _bot_run(backtest: Backtest) -> BotRun:
    trades = backtest.trades
    count = len(trades)
    equity = _equity(trades, backtest.job.starts_at)
    return BotRun(
        bot=backtest.job.bot,
        phase=backtest.job.phase,
        strategy=backtest.strategy,
        trades=count,
        longs=sum(one.side is Side.LONG for one in trades),
        shorts=sum(one.side is Side.SHORT for one in trades),
        win_ratio=sum(one.margin_profit_ratio > 0.0 for one in trades) / count if count else None,
        mean_position_profit_ratio=sum(one.position_profit_ratio for one in trades) / count
        if count
        else None,
        profit_ratio_total=equity[-1][1] / STARTING_WALLET_QUOTE - 1.0,
        max_drawdown_ratio=_max_drawdown([quote for _, quote in equity]),
        equity=equity,
        exit_reasons=dict(Counter(one.exit_reason for one in trades)),
        entry_feeders=dict(Counter(one.feeder or "unknown" for one in trades)),
    )


def _equity(trades: Sequence[ClosedTrade], starts_at: datetime) -> tuple[tuple[datetime, float], ...]:
    """Return the account after every closed trade, from the starting wallet on."""
    account = STARTING_WALLET_QUOTE
    points = [(starts_at, account)]
    for one in sorted(trades, key=lambda trade: (trade.closed_at, trade.trade_id)):
        account += one.profit_quote
        points.append((one.closed_at, account))
    return tuple(points)


def _max_drawdown(equity: Sequence[float]) -> float:
    peak, deepest = equity[0], 0.0
    for quote in equity:
        peak = max(peak, quote)
        deepest = max(deepest, 1.0 - quote / peak)
    return deepest


def _warnings(run: DemoRun) -> list[str]:
    warnings = list(run.market.skipped.values())
    warnings += [reason for report in run.first_sync for reason in (*report.dropped, *report.rejected)]
    tested = [one for one in run.backtests if one.job.phase is not Phase.LEARNING]  # never synced
    warnings += [reason for backtest in tested for reason in backtest.reading.dropped]
    warnings += run.optimizer.notes
    wanted = run.settings.runtime.leverage
    for backtest in run.backtests:
        cut = Counter(one.pair for one in backtest.trades if one.leverage < wanted)
        warnings += [
            f"{backtest.job.bot} ({backtest.job.phase}): {count} trades of {pair} at less than "
            f"the wanted {wanted:g}x: the exchange's tiers allow no more, or do not list the pair"
            for pair, count in sorted(cut.items())
        ]
    return warnings
