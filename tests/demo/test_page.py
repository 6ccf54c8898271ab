"""From what happened in a demo to what its report shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from freqfleet.demo.backtests import STARTING_WALLET_QUOTE, Backtest, Job
from freqfleet.demo.feeders import FeedersTrained
from freqfleet.demo.loop import DemoRun
from freqfleet.demo.market import DemoMarket
from freqfleet.demo.page import demo_page
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.decisions import Decision, Evidence, Verdict
from freqfleet.domain.sides import Side
from freqfleet.learning.optimizer_run import OptimizerRun
from freqfleet.learning.pair_side import Finding
from freqfleet.learning.pair_work import PairOutcome
from freqfleet.market.sample_truth import PairTruth, SampleTruth
from freqfleet.market.synthetic import Kind
from freqfleet.report.demo_page import DemoPage, Phase, PlantedEdge, StepTiming, SyncLine, from_json, to_json
from freqfleet.settings import Settings
from freqfleet.testing.trades import closed_trade
from freqfleet.trades.reading import Reading
from freqfleet.trades.sync import SyncReport

FIRST = datetime(2025, 9, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SPLIT, LAST = FIRST + 20 * DAY, FIRST + 30 * DAY
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
BOTS = ("BOT1", "BOT2", "BOT3")


def truth_of(pair: str, kind: Kind, **fields: object) -> PairTruth:
    values: dict[str, object] = {
        "edge": "nothing",
        "parameters": {},
        "best_stop_loss": None,
        "best_take_profit": None,
        "improvement_bps": -1.7,
        "standard_error_bps": 1.0,
    }
    return PairTruth(pair=pair, kind=kind, **{**values, **fields})  # type: ignore[arg-type]


def market(**changes: object) -> DemoMarket:
    whole = DemoMarket(
        name="two pairs",
        datadir=Path("market"),
        pairs=(BTC, ETH),
        skipped={},
        candles_by_pair={BTC: 8_640, ETH: 8_000},
        first=FIRST,
        last=LAST,
        starts_at=FIRST + 3 * DAY,
        split_at=SPLIT,
        ends_at=LAST,
        truth=None,
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def backtest(
    bot: str, phase: Phase, trades: tuple[ClosedTrade, ...] = (), dropped: tuple[str, ...] = ()
) -> Backtest:
    starts_at, ends_at = (FIRST + 3 * DAY, SPLIT) if phase is Phase.LEARNING else (SPLIT, LAST)
    return Backtest(
        job=Job(bot=bot, phase=phase, starts_at=starts_at, ends_at=ends_at),
        strategy=f"{bot}Strategy",
        result_file=Path(f"{bot}.zip"),
        reading=Reading(bot=bot, source=f"{bot}.zip", trades=trades, dropped=dropped),
    )


def sync(bot: str, **counts: int) -> SyncReport:
    return SyncReport(
        **{"bot": bot, "source": "x", "read": 0, "accepted": 0, "amended": 0, "duplicate": 0, **counts}
    )  # type: ignore[arg-type]


def finding(pair: str, side: Side, verdict: Verdict) -> Finding:
    return Finding(
        decision=Decision(
            pair=pair, side=side, verdict=verdict, reason="because", parameters=None, evidence=Evidence()
        )
    )


def optimizer(*findings: Finding, notes: tuple[str, ...] = ()) -> OptimizerRun:
    pairs = dict.fromkeys(one.decision.pair for one in findings)
    return OptimizerRun(
        run_id="run-1",
        as_of=SPLIT,
        search="tpe",
        dry_run=False,
        outcomes=tuple(
            PairOutcome(pair=pair, findings=tuple(one for one in findings if one.decision.pair == pair))
            for pair in pairs
        ),
        elapsed_seconds=1.0,
        notes=notes,
    )


def demo_run(**changes: object) -> DemoRun:
    run = DemoRun(
        market=market(),
        settings=Settings(),
        backtests=(
            *(backtest(bot, Phase.LEARNING) for bot in BOTS),
            backtest("BOT3", Phase.DEFAULTS),
            backtest("BOT3", Phase.LEARNED),
        ),
        first_sync=tuple(sync(bot) for bot in BOTS),
        second_sync=tuple(sync(bot) for bot in BOTS),
        optimizer=optimizer(),
        feeders=FeedersTrained(trained=10, words="Ten feeders were trained."),
        steps=(StepTiming(name="candles", seconds=0.5),),
    )
    return replace(run, **changes)  # type: ignore[arg-type]


def page_of(**changes: object) -> DemoPage:
    return demo_page(demo_run(**changes), created_at=LAST, commands=("make demo",))


def page_with(*trades: ClosedTrade) -> DemoPage:
    """Return the page of a run in which BOT1 made these trades while the fleet learned."""
    rest = (
        *(backtest(bot, Phase.LEARNING) for bot in BOTS[1:]),
        backtest("BOT3", Phase.DEFAULTS),
        backtest("BOT3", Phase.LEARNED),
    )
    return page_of(backtests=(backtest("BOT1", Phase.LEARNING, trades), *rest))


def earning(*profits_quote: float) -> list[ClosedTrade]:
    return [
        closed_trade(
            trade_id=number,
            profit_quote=profit,
            margin_profit_ratio=profit / 100.0,
            opened_at=FIRST + number * DAY,
            closed_at=FIRST + (number + 1) * DAY,
        )
        for number, profit in enumerate(profits_quote, start=1)
    ]


# -- bots ---------------------------------------------------------------------------------------------


def test_the_account_starts_with_the_wallet_and_follows_the_closes() -> None:
    gain, loss, later = earning(50.0, -20.0, 5.0)

    run = page_with(later, loss, gain).bots[0]

    wallet = STARTING_WALLET_QUOTE
    assert run.equity == (
        (FIRST + 3 * DAY, wallet),
        (gain.closed_at, wallet + 50.0),
        (loss.closed_at, wallet + 30.0),
        (later.closed_at, wallet + 35.0),
    )
    assert run.profit_ratio_total == pytest.approx(35.0 / wallet)


@pytest.mark.parametrize(
    ("profits", "drawdown"),
    [
        ((), 0.0),
        ((10.0, 20.0), 0.0),
        ((-500.0,), 0.05),  # below the starting wallet at once
        ((1_000.0, -550.0, 100.0, -650.0, 2_000.0), 0.1),  # 11000 -> 9900 is deeper than the first fall
    ],
)
def test_the_drawdown_is_the_deepest_fall_from_a_peak(profits: tuple[float, ...], drawdown: float) -> None:
    assert page_with(*earning(*profits)).bots[0].max_drawdown_ratio == pytest.approx(drawdown)


def test_a_bot_is_counted_by_side_result_reason_and_feeder() -> None:
    trades = [
        closed_trade(trade_id=1, margin_profit_ratio=0.06, exit_reason="roi_fallback"),
        closed_trade(trade_id=2, margin_profit_ratio=-0.03, exit_reason="cutloss_fallback", side=Side.SHORT),
        closed_trade(trade_id=3, margin_profit_ratio=0.0, exit_reason="roi_fallback", feeder=None),
    ]

    run = page_with(*trades).bots[0]

    assert (run.trades, run.longs, run.shorts) == (3, 2, 1)
    assert run.win_ratio == pytest.approx(1 / 3)  # nothing gained is not won
    assert run.mean_position_profit_ratio == pytest.approx(0.01 / 3)  # 3x leverage
    assert run.exit_reasons == {"roi_fallback": 2, "cutloss_fallback": 1}
    assert run.entry_feeders == {"trend": 2, "unknown": 1}


def test_a_bot_without_trades_has_no_ratios() -> None:
    run = page_with().bots[0]

    assert (run.trades, run.win_ratio, run.mean_position_profit_ratio) == (0, None, None)
    assert (run.profit_ratio_total, run.max_drawdown_ratio) == (0.0, 0.0)


def test_every_run_of_every_bot_is_on_the_page_in_order() -> None:
    page = page_of()

    assert [(one.bot, one.phase) for one in page.bots] == [
        ("BOT1", Phase.LEARNING),
        ("BOT2", Phase.LEARNING),
        ("BOT3", Phase.LEARNING),
        ("BOT3", Phase.DEFAULTS),
        ("BOT3", Phase.LEARNED),
    ]


# -- sync and decisions -------------------------------------------------------------------------------


def test_sync_says_what_was_exported_stored_and_known_the_second_time() -> None:
    page = page_of(
        first_sync=(sync("BOT1", read=9, accepted=8),), second_sync=(sync("BOT1", read=9, duplicate=8),)
    )

    assert page.sync == (SyncLine(bot="BOT1", exported=9, stored=8, duplicate_second_run=8),)


def test_published_and_inherited_sides_are_those_that_were_in_force() -> None:
    run = optimizer(
        finding(BTC, Side.LONG, Verdict.PUBLISHED),
        finding(BTC, Side.SHORT, Verdict.KEPT),
        finding(ETH, Side.LONG, Verdict.SKIPPED),
        finding(ETH, Side.SHORT, Verdict.INHERITED),
    )

    page = page_of(optimizer=run)

    assert len(page.decisions) == 4
    assert page.comparison is not None
    assert [(one.pair, one.learned_sides) for one in page.comparison.pairs] == [
        (BTC, (Side.LONG,)),
        (ETH, (Side.SHORT,)),
    ]


def test_the_comparison_is_of_bot3_on_the_held_out_part() -> None:
    default, learned = earning(10.0), earning(20.0, 40.0)
    runs = (
        backtest("BOT1", Phase.LEARNING, tuple(earning(1.0, 2.0, 3.0))),
        backtest("BOT3", Phase.DEFAULTS, tuple(default)),
        backtest("BOT3", Phase.LEARNED, tuple(learned)),
    )

    comparison = page_of(backtests=runs).comparison

    assert comparison is not None
    assert (comparison.total.default_trades, comparison.total.learned_trades) == (1, 2)
    assert comparison.learned_profit_ratio_total == pytest.approx(60.0 / STARTING_WALLET_QUOTE)


# -- the market ---------------------------------------------------------------------------------------


def test_the_market_counts_the_candles_of_its_pairs() -> None:
    summary = page_of().market

    assert (summary.candles, summary.days, summary.pairs) == (16_640, 30.0, (BTC, ETH))
    assert (summary.synthetic, summary.truth) == (False, None)
    assert summary.split_at == SPLIT


def test_what_was_planted_is_shown_for_both_sides_of_the_pairs_that_took_part() -> None:
    planted = truth_of(
        BTC, Kind.MOMENTUM, edge="drifts", best_stop_loss=-0.0125, best_take_profit=0.2, improvement_bps=61.0
    )
    truth = SampleTruth(
        notice="SYNTHETIC",
        generator_version=1,
        seed=7,
        days=30,
        first="",
        last="",
        timeframe="5m",
        measured={},
        pairs=(planted, truth_of(ETH, Kind.EDGE_FREE), truth_of("SOL/USDT:USDT", Kind.MOMENTUM)),
    )

    summary = page_of(market=market(truth=truth)).market

    assert summary.synthetic
    assert summary.truth == (
        *(
            PlantedEdge(
                pair=BTC,
                side=side,
                planted=True,
                edge="drifts",
                stop_loss=-0.0125,
                take_profit=0.2,
                edge_bps=61.0,
            )
            for side in Side
        ),
        *(PlantedEdge(pair=ETH, side=side, planted=False, edge="nothing", edge_bps=0.0) for side in Side),
    )


# -- warnings -----------------------------------------------------------------------------------------


def test_nothing_skipped_is_no_warning() -> None:
    assert page_with(*earning(5.0)).warnings == ()


def test_whatever_was_skipped_dropped_rejected_or_noted_is_a_warning() -> None:
    runs = (
        backtest("BOT1", Phase.LEARNING, dropped=("a dropped trade of the learning part",)),
        backtest("BOT3", Phase.DEFAULTS, dropped=("a dropped trade of the test",)),
        backtest("BOT3", Phase.LEARNED),
    )
    first = replace(
        sync("BOT1"), dropped=("a dropped trade of the learning part",), rejected=("a rejected one",)
    )

    page = page_of(
        market=market(skipped={"SOL/USDT:USDT": "SOL/USDT:USDT: broken"}),
        backtests=runs,
        first_sync=(first,),
        second_sync=(first,),
        optimizer=optimizer(notes=("a note",)),
    )

    assert page.warnings == (
        "SOL/USDT:USDT: broken",
        "a dropped trade of the learning part",
        "a rejected one",
        "a dropped trade of the test",
        "a note",
    )


def test_leverage_that_the_exchange_cut_is_a_warning_by_bot_and_pair() -> None:
    trades = (
        closed_trade(trade_id=1, leverage=1.0, pair=ETH),
        closed_trade(trade_id=2, leverage=1.0, pair=ETH),
        closed_trade(trade_id=3, leverage=3.0),
    )

    (warning,) = page_with(*trades).warnings

    assert warning.startswith("BOT1 (learning): 2 trades of ETH/USDT:USDT at less than the wanted 3x")


def test_the_page_survives_json() -> None:
    page = page_with(*earning(5.0, -3.0))

    assert from_json(to_json(page)) == page
    assert page.commands == ("make demo",)
    assert page.steps == (StepTiming(name="candles", seconds=0.5),)


def test_the_page_says_what_the_trained_feeders_are_worth() -> None:
    assert page_of().feeders == "Ten feeders were trained."
