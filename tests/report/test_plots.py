from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from freqfleet.report.demo_page import BotRun, Phase
from freqfleet.report.plots import comparison_plot, equity_plot, exit_reasons_plot
from freqfleet.testing.pages import made_up_page

START = datetime(2025, 11, 1, tzinfo=UTC)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("text")]


def run(bot: str = "BOT3", phase: Phase = Phase.LEARNED, **changes: object) -> BotRun:
    made = BotRun(
        bot=bot,
        phase=phase,
        strategy="S",
        trades=4,
        longs=4,
        shorts=0,
        win_ratio=0.5,
        mean_position_profit_ratio=0.001,
        profit_ratio_total=0.021,
        max_drawdown_ratio=0.01,
        equity=tuple((START + timedelta(days=day), 1000.0 + day) for day in range(9)),
        exit_reasons={"stop_loss_optuna": 1, "roi_optuna": 3},
    )
    return replace(made, **changes)


def test_accounts_are_named_with_their_result() -> None:
    found = texts(
        equity_plot(
            [
                run("BOT1", Phase.LEARNING, profit_ratio_total=-0.041),
                run(phase=Phase.DEFAULTS),
                run(phase=Phase.LEARNED),
            ]
        )
    )

    assert {"BOT1 −4.1 %", "BOT3 defaults +2.1 %", "BOT3 learned +2.1 %"} <= set(found)
    assert "of the starting wallet" in found
    assert any(text.endswith("Nov") for text in found)


def test_account_of_less_than_three_days_is_labelled_with_hours() -> None:
    short = run(equity=tuple((START + timedelta(hours=hour), 1000.0 + hour) for hour in range(20)))

    assert any(":" in text for text in texts(equity_plot([short])))


def test_bot_without_trades_is_named_beside_the_others() -> None:
    found = texts(equity_plot([run("BOT1", trades=0, equity=()), run("BOT2", trades=7, equity=()), run()]))

    assert any("BOT1 learned: no trades" in text for text in found)
    assert any("BOT2 learned: not recorded" in text for text in found)


@pytest.mark.parametrize(
    ("runs", "sentence"),
    [
        ([], "No trades, so no account to draw."),
        ([run(trades=0, equity=())], "No trades, so no account to draw."),
        ([run(trades=9, equity=())], "The account was not recorded."),
    ],
)
def test_missing_account_is_said_not_drawn(runs: list[BotRun], sentence: str) -> None:
    assert texts(equity_plot(runs)) == [sentence]


@pytest.mark.parametrize("equity", [((START, 1000.0),), ((START, 0.0), (START, 5.0))])
def test_account_of_one_point_or_of_nothing_does_not_fail(equity: tuple[tuple[datetime, float], ...]) -> None:
    assert "<svg" in equity_plot([run(equity=equity)])


def test_exits_are_shares_of_each_run_with_counts() -> None:
    default = run(phase=Phase.DEFAULTS, exit_reasons={"cutloss_fallback": 1, "time_limit": 1})

    found = texts(exit_reasons_plot(default, run()))

    assert {"cutloss_fallback", "stop_loss_optuna", "roi_optuna", "time_limit"} <= set(found)
    assert {"75 %  (3)", "25 %  (1)", "50 %  (1)", "none"} <= set(found)
    assert {"defaults, 2 exits", "learned, 4 exits"} <= set(found)


def test_exits_list_stops_before_targets_before_the_rest() -> None:
    reasons = {"a_strategy_exit": 5, "roi_optuna": 3, "stop_loss_optuna": 1}

    found = texts(exit_reasons_plot(None, run(exit_reasons=reasons)))

    assert [text for text in found if text in reasons] == [
        "stop_loss_optuna",
        "roi_optuna",
        "a_strategy_exit",
    ]


@pytest.mark.parametrize(
    ("default", "learned", "sentence"),
    [
        (None, None, "No trades, so no exits to show."),
        (run(trades=0, exit_reasons={}), None, "No trades, so no exits to show."),
        (run(exit_reasons={}), None, "Exit reasons were not recorded."),
    ],
)
def test_missing_exits_are_said_not_drawn(
    default: BotRun | None, learned: BotRun | None, sentence: str
) -> None:
    assert texts(exit_reasons_plot(default, learned)) == [sentence]


def test_comparison_shows_every_pair_and_all_trades_best_first() -> None:
    page = made_up_page()
    assert page.comparison is not None

    found = texts(comparison_plot(page.comparison))

    names = [text for text in found if text in {"BTC", "SUI", "XRP", "MON", "all trades"}]
    assert names == ["BTC", "SUI", "MON", "XRP", "all trades"]
    assert "learned minus defaults, bps a trade" in found
    assert "+100" in found


def test_pairs_without_trades_in_both_runs_are_counted_under_the_comparison() -> None:
    page = made_up_page(pairs=3)
    assert page.comparison is not None
    first, *rest = page.comparison.pairs
    empty = replace(
        first, difference=replace(first.difference, learned_trades=0, learned_mean_profit_ratio=None)
    )

    found = texts(comparison_plot(replace(page.comparison, pairs=(empty, *rest))))

    assert "learned minus defaults, bps a trade; 1 pair without trades in both runs left out" in found
    assert "BTC" not in found
    assert texts(comparison_plot(replace(page.comparison, pairs=(empty,)))) == [
        "No pair has trades in both runs, so no difference can be drawn."
    ]


def test_comparison_of_one_pair_without_a_standard_error_is_drawn() -> None:
    page = made_up_page(pairs=1)
    assert page.comparison is not None
    line = page.comparison.pairs[0]
    bare = replace(line, difference=replace(line.difference, difference_se_bps=None))

    found = texts(comparison_plot(replace(page.comparison, pairs=(bare,), total=bare.difference)))

    assert {"BTC", "all trades"} <= set(found)


def test_comparison_that_did_not_run_says_so() -> None:
    assert texts(comparison_plot(None)) == ["The test on the held-out part did not run."]
