"""A made-up DemoPage with the shape of a real one, for tests of reports and for looking at them."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from freqfleet.domain.decisions import Decision, Evidence, Verdict
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.report.comparison import Comparison, Difference, PairComparison
from freqfleet.report.demo_page import (
    BotRun,
    DemoPage,
    MarketSummary,
    Phase,
    PlantedEdge,
    StepTiming,
    SyncLine,
)

_BASES = (
    "BTC", "ETH", "SOL", "XRP", "ADA", "AVAX", "LINK", "DOGE",
    "ARB", "SUI", "TRX", "WLD", "ENA", "1000SHIB", "GIGGLE", "MON",
)  # fmt: skip
PAIRS = tuple(f"{base}/USDT:USDT" for base in _BASES)
FIRST = datetime(2025, 9, 15, tzinfo=UTC)
SPLIT = datetime(2025, 10, 25, tzinfo=UTC)
LAST = datetime(2025, 11, 13, 23, 55, tzinfo=UTC)
_RUNS_FAR = {0, 3, 6, 9, 12}
_TURNS_BACK = {1, 5}


def made_up_page(*, pairs: int = len(PAIRS), seed: int = 7) -> DemoPage:
    """Return a page of `pairs` pairs and two sides, the same for the same seed. Nothing in it is real."""
    rng = np.random.default_rng(seed)
    names = PAIRS[:pairs]
    decisions = tuple(_decision(rng, pair, side, index) for index, pair in enumerate(names) for side in Side)
    comparison = _comparison(rng, names, decisions)
    bots = _bots(rng, comparison)
    return DemoPage(
        title="freqfleet demo",
        created_at=datetime(2025, 11, 14, 9, 30, tzinfo=UTC),
        market=MarketSummary(
            name=f"sample (seed {seed})",
            synthetic=True,
            pairs=names,
            timeframe="5m",
            candles=60 * 288 * pairs,
            days=60.0,
            first=FIRST,
            last=LAST,
            split_at=SPLIT,
            truth=tuple(_planted(pair, side, index) for index, pair in enumerate(names) for side in Side),
        ),
        defaults=ExitParameters(stop_loss=-0.03, take_profit=0.03),
        bots=bots,
        sync=tuple(
            SyncLine(bot=run.bot, exported=run.trades, stored=run.trades, duplicate_second_run=run.trades)
            for run in bots
            if run.phase is Phase.LEARNING
        ),
        decisions=decisions,
        comparison=comparison,
        steps=tuple(
            StepTiming(name=name, seconds=seconds)
            for name, seconds in (
                ("make the sample market", 3.4),
                ("start the exchange", 1.1),
                ("backtest BOT1, BOT2, BOT3", 74.8),
                ("sync", 0.9),
                ("sync again", 0.4),
                ("optimize", 11.6),
                ("backtest BOT3 twice", 41.3),
            )
        ),
        warnings=(
            "MON/USDT:USDT: 6 candles missing between 2025-10-10 and 2025-10-11; trades there left out",
        ),
        commands=("make demo", "freqfleet demo --out demo-out"),
    )


def _planted(pair: str, side: Side, index: int) -> PlantedEdge:
    if index in _RUNS_FAR:
        return PlantedEdge(
            pair=pair, side=side, planted=True, edge="runs to 5 %", take_profit=0.05, edge_bps=48.0
        )
    if index in _TURNS_BACK:
        return PlantedEdge(
            pair=pair,
            side=side,
            planted=True,
            edge="turns back after 1.5 %",
            stop_loss=-0.03,
            take_profit=0.015,
            edge_bps=31.0,
        )
    return PlantedEdge(pair=pair, side=side, planted=False, edge="nothing", edge_bps=0.0)


def _decision(rng: np.random.Generator, pair: str, side: Side, index: int) -> Decision:
    trades = 22 + index if index >= 14 else int(rng.integers(80, 260))
    evidence = Evidence(
        trades=trades, effective_trades=trades * 0.71, search="exact", candidates=4200, seed=42
    )
    if index >= 14:
        return Decision(
            pair=pair,
            side=side,
            verdict=Verdict.SKIPPED,
            reason=f"{trades} trades, 60 needed",
            parameters=None,
            evidence=evidence,
        )
    far, back = index in _RUNS_FAR, index in _TURNS_BACK
    published = (far or back) and not (index == 12 and side is Side.SHORT)
    claim = float(rng.normal(40.0, 9.0)) if published else float(rng.normal(2.0, 6.0))
    p_value = float(10 ** rng.uniform(-6.0, -2.8)) if published else float(rng.uniform(0.03, 0.9))
    incumbent = float(rng.normal(-0.0006, 0.0012))
    verdict = Verdict.PUBLISHED if published else Verdict.INHERITED if index == 2 else Verdict.KEPT
    parameters = ExitParameters(stop_loss=-0.03, take_profit=0.03)
    if verdict is not Verdict.KEPT:
        target = 0.015 if back else float(rng.choice([0.045, 0.05, 0.055]))
        parameters = ExitParameters(
            stop_loss=float(rng.choice([-0.015, -0.02, -0.025, -0.03])),
            take_profit=target,
            volatility_scaling=0.5,
            atr_reference_ratio=0.004,
            time_limit_minutes=int(rng.choice([240, 720, 1440])),
        )
    reasons = {
        Verdict.PUBLISHED: f"p={p_value:.2g}, claim {claim:+.0f} bps over the incumbent, {trades} trades",
        Verdict.INHERITED: f"p={p_value:.2g} alone; the fleet's set holds for this side",
        Verdict.KEPT: f"p={p_value:.2g}, 0.016 needed; chance explains {claim:+.0f} bps",
    }
    return Decision(
        pair=pair,
        side=side,
        verdict=verdict,
        reason=reasons[verdict],
        parameters=parameters,
        evidence=Evidence(
            trades=trades,
            effective_trades=trades * 0.71,
            train_profit=incumbent + claim / 1e4 + abs(float(rng.normal(0.0010, 0.0006))),
            test_profit=incumbent + claim / 1e4 + float(rng.normal(0.0, 0.0012)),
            incumbent_test_profit=incumbent,
            win_rate=float(rng.uniform(0.36, 0.61)),
            claim_bps=claim,
            p_value=p_value,
            search="exact",
            candidates=4200,
            seed=42,
        ),
        version=f"{pair[:3].lower()}{side.value}".ljust(12, "0") if published else None,
    )


def _comparison(
    rng: np.random.Generator, pairs: tuple[str, ...], decisions: tuple[Decision, ...]
) -> Comparison:
    lines = []
    for pair in pairs:
        sides = tuple(
            one.side
            for one in decisions
            if one.pair == pair and one.verdict in (Verdict.PUBLISHED, Verdict.INHERITED)
        )
        default_trades = int(rng.integers(14, 40))
        learned_trades = max(default_trades + int(rng.integers(-5, 4)), 3)
        default_mean = float(rng.normal(-0.0007, 0.0018))
        error = 230.0 / learned_trades**0.5
        gain = float(rng.normal(34.0, 24.0)) if sides else float(rng.normal(0.0, 7.0))
        lines.append(
            PairComparison(
                pair=pair,
                learned_sides=sides,
                difference=Difference(
                    default_trades=default_trades,
                    default_mean_profit_ratio=default_mean,
                    learned_trades=learned_trades,
                    learned_mean_profit_ratio=default_mean + gain / 1e4,
                    difference_se_bps=error,
                ),
            )
        )
    return Comparison(
        pairs=tuple(lines),
        total=_total([line.difference for line in lines]),
        method="unpaired, days as clusters",
        default_profit_ratio_total=-0.0121,
        learned_profit_ratio_total=0.0214,
    )


def _total(lines: list[Difference]) -> Difference:
    default_trades = sum(line.default_trades for line in lines)
    learned_trades = sum(line.learned_trades for line in lines)
    default_sum = sum(line.default_trades * (line.default_mean_profit_ratio or 0.0) for line in lines)
    learned_sum = sum(line.learned_trades * (line.learned_mean_profit_ratio or 0.0) for line in lines)
    return Difference(
        default_trades=default_trades,
        default_mean_profit_ratio=default_sum / default_trades,
        learned_trades=learned_trades,
        learned_mean_profit_ratio=learned_sum / learned_trades,
        difference_se_bps=140.0 / learned_trades**0.5,
    )


def _bots(rng: np.random.Generator, comparison: Comparison) -> tuple[BotRun, ...]:
    total = comparison.total
    plans = (
        ("BOT1", Phase.LEARNING, "BOT1LongStrategy", 1.0, 1412, -0.00021, -0.041),
        ("BOT2", Phase.LEARNING, "BOT2ShortStrategy", 0.0, 1389, 0.00034, 0.023),
        ("BOT3", Phase.LEARNING, "BOT3MetaStrategyAdaptive", 0.52, 804, -0.00008, -0.006),
        (
            "BOT3",
            Phase.DEFAULTS,
            "BOT3MetaStrategyAdaptive",
            0.5,
            total.default_trades,
            total.default_mean_profit_ratio,
            comparison.default_profit_ratio_total,
        ),
        (
            "BOT3",
            Phase.LEARNED,
            "BOT3MetaStrategyAdaptive",
            0.5,
            total.learned_trades,
            total.learned_mean_profit_ratio,
            comparison.learned_profit_ratio_total,
        ),
    )
    return tuple(_bot(rng, *plan) for plan in plans)


def _bot(
    rng: np.random.Generator,
    bot: str,
    phase: Phase,
    strategy: str,
    long_share: float,
    trades: int,
    mean_profit: float | None,
    profit_total: float,
) -> BotRun:
    longs = round(trades * long_share)
    start, end = (FIRST, SPLIT) if phase is Phase.LEARNING else (SPLIT, LAST)
    points = min(trades, 300)
    steps = rng.normal(0.0, 0.0035, points)
    path = 10_000.0 * (1.0 + np.cumsum(steps - steps.mean() + profit_total / points))
    peaks = np.maximum.accumulate(np.concatenate([[10_000.0], path]))[1:]
    moments = [start + (end - start) * (index + 1) / points for index in range(points)]
    stop, target = (
        ("stop_loss_optuna", "roi_optuna") if phase is Phase.LEARNED else ("cutloss_fallback", "roi_fallback")
    )
    shares = (
        {stop: 0.38, target: 0.31, "time_limit": 0.27}
        if phase is Phase.LEARNED
        else {
            stop: 0.33,
            target: 0.36,
            "time_limit": 0.27,
        }
    )
    reasons = {name: round(trades * share) for name, share in shares.items()}
    reasons["force_exit"] = trades - sum(reasons.values())
    trend, reversion = round(trades * 0.44), round(trades * 0.33)
    return BotRun(
        bot=bot,
        phase=phase,
        strategy=strategy,
        trades=trades,
        longs=longs,
        shorts=trades - longs,
        win_ratio=float(rng.uniform(0.43, 0.55)),
        mean_position_profit_ratio=mean_profit,
        profit_ratio_total=profit_total,
        max_drawdown_ratio=float(np.max(1.0 - path / peaks)),
        equity=(
            (start, 10_000.0),
            *((moment, float(value)) for moment, value in zip(moments, path, strict=True)),
        ),
        exit_reasons=reasons,
        entry_feeders={"trend": trend, "reversion": reversion, "breakout": trades - trend - reversion},
    )
