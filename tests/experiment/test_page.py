"""The page of the learning experiment: what it says at the top follows from the numbers alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.decisions import Verdict
from freqfleet.errors import FreqfleetError
from freqfleet.testing.trades import closed_trade
from freqfleet.trades.reading import Reading

sys.path.insert(0, str(Path(__file__).parents[2]))  # the experiment lies beside the package, not in it

from experiment.backtests import Arm, Backtest
from experiment.markets import Market
from experiment.page import verdict, write_page
from experiment.study import Study, check_beginning
from experiment.walks import WalkStep

START = datetime(2025, 11, 1, tzinfo=UTC)
FIRST = START + timedelta(days=7)
BOTS = ("BOT1", "BOT2", "BOT3")


def trades_of(bot: str, gain_bps: float = 0.0) -> list[ClosedTrade]:
    """Return two trades a day for 60 days; `gain_bps` is what those after the first step earn more."""
    rng = np.random.default_rng(BOTS.index(bot))
    found = []
    for number in range(120):
        opened = START + timedelta(hours=12 * number)
        bps = rng.normal(5.0, 40.0) + (
            gain_bps + rng.normal(0.0, 2.0) if opened >= FIRST and gain_bps else 0.0
        )
        found.append(
            closed_trade(
                bot=bot,
                opened_at=opened,
                closed_at=opened + timedelta(hours=3),
                leverage=3.0,
                margin_profit_ratio=3.0 * bps / 1e4,
            )
        )
    return found


def backtest(bot: str, arm: Arm, trades: Sequence[ClosedTrade]) -> Backtest:
    reading = Reading(bot=bot, source="a list", trades=tuple(trades), dropped=())
    return Backtest(bot=bot, arm=arm, reading=reading)


def step(at: datetime, *, published: bool, bins: dict[str, int] | None = None) -> WalkStep:
    return WalkStep(
        as_of=at,
        trades=100,
        counts={verdict.value: 3 for verdict in Verdict},
        versions={"long": 1} if published else {},
        retracted=0,
        bin_records=dict(bins or {}),
        bin_exits=0,
        seconds=2.0,
    )


def study(tmp_path: Path, gain_bps: float, *, published: bool = True) -> Study:
    """Return a study in which learning through the gate earned so much more a trade."""
    runs = {}
    for bot in BOTS:
        for arm, gain in ((Arm.DEFAULTS, 0.0), (Arm.LEARNED, gain_bps), (Arm.HOLDOUT, 0.0)):
            runs[bot, arm] = backtest(bot, arm, trades_of(bot, gain))
    at = [FIRST + timedelta(days=7 * number) for number in range(5)]
    return Study(
        market=Market(
            name="bench",
            datadir=tmp_path,
            pairs=("BTC/USDT:USDT",),
            whole=frozenset({"BTC/USDT:USDT"}),
            starts_at=START,
            ends_at=START + timedelta(days=60),
            candles=17_280,
            skipped={},
        ),
        bots=BOTS,
        runs=runs,
        walks={
            Arm.LEARNED: tuple(step(one, published=published) for one in at),
            Arm.HOLDOUT: tuple(step(one, published=True) for one in at),
        },
        unchanged=frozenset(),
        not_served={},
        backtest_seconds=540.0,
        walk_seconds=20.0,
    )


@pytest.mark.parametrize(
    ("gain_bps", "published", "said"),
    [
        (30.0, True, "learning did better."),
        (-30.0, True, "learning did worse."),
        (0.0, True, "no difference shown."),
        (0.0, False, "nothing was published."),
    ],
)
def test_the_top_of_the_page_says_what_the_numbers_say(
    tmp_path: Path, gain_bps: float, published: bool, said: str
) -> None:
    one = study(tmp_path, gain_bps, published=published)
    page = tmp_path / "page.md"

    write_page(page, [one], every_days=7)

    assert verdict(one, Arm.LEARNED, one.effect(Arm.LEARNED)) == said
    text = page.read_text(encoding="utf-8")
    assert f"**bench, the gate: {said}**" in text
    assert "**bench, the seed's gate: no difference shown.**" in text
    assert text.index("## The result") < text.index("## How it was done") < text.index("### By bot")


def test_leverage_by_bins_is_told_in_money_and_is_no_verdict_on_exits(tmp_path: Path) -> None:
    one = study(tmp_path, 0.0, published=False)
    lower = [
        # a rounding of leverage, so small that only its sign could be seen
        replace(
            trade, leverage=1.0, margin_profit_ratio=trade.margin_profit_ratio / 3.0 - 1e-12, profit_quote=0.5
        )
        for trade in one.runs["BOT3", Arm.DEFAULTS].trades
    ]
    walked = tuple(step(at.as_of, published=False, bins={"long": 4}) for at in one.walks[Arm.LEARNED])
    one = replace(
        one,
        runs={**one.runs, ("BOT3", Arm.LEARNED): backtest("BOT3", Arm.LEARNED, lower)},
        walks={**one.walks, Arm.LEARNED: walked},
    )
    page = tmp_path / "page.md"

    write_page(page, [one], every_days=7)

    text, found = page.read_text(encoding="utf-8"), one.effect(Arm.LEARNED)
    assert "**bench, the gate: no exits were published.**" in text
    assert "By 20 bin records the mean leverage was 2.33x instead of 3.00x" in text
    assert -1e-7 < found.account.mean < 0.0
    after = [trade for trade in lower if trade.opened_at >= FIRST]
    lost = sum(
        trade.profit_quote for trade in one.runs["BOT3", Arm.DEFAULTS].trades if trade.opened_at >= FIRST
    )
    assert found.money.mean == pytest.approx((0.5 * len(after) - lost) / len(one.days))
    assert f"{found.money.mean:+,.2f} USDT (" in text
    assert "| BTC | 318 | as the defaults |" in text  # what leverage rounds is no difference on price
    assert "-0.0 bps" not in text


def test_the_page_says_how_many_trades_left_at_a_learned_level(tmp_path: Path) -> None:
    one, page = study(tmp_path, 30.0), tmp_path / "page.md"

    def written(reason: str, *, of_bins: bool) -> str:
        runs = {
            key: backtest(*key, [replace(trade, exit_reason=reason) for trade in run.trades])
            for key, run in one.runs.items()
            if key[1] is Arm.LEARNED
        }
        steps = [replace(at, bin_exits=at.recorded if of_bins else 0) for at in one.walks[Arm.LEARNED]]
        write_page(
            page,
            [replace(one, runs={**one.runs, **runs}, walks={**one.walks, Arm.LEARNED: steps})],
            every_days=7,
        )
        (said,) = [
            line for line in page.read_text(encoding="utf-8").splitlines() if ", the gate: learning" in line
        ]
        return said  # the other arm leaves elsewhere

    assert "; 0 trades left at a learned stop or target. The" in written("cutloss_fallback", of_bins=False)
    assert "; 0 trades left at a learned stop or target: every version is for a leverage bin" in written(
        "time_limit", of_bins=True
    )
    since = sum(trade.opened_at >= FIRST for trade in one.trades(Arm.LEARNED))
    assert f"; {since} trades left at a learned stop or target. The" in written("roi_bin", of_bins=True)


def test_the_plots_of_a_page_are_there_and_small(tmp_path: Path) -> None:
    page = tmp_path / "page.md"

    write_page(page, [study(tmp_path, 10.0)], every_days=7)

    plots = sorted((tmp_path / "experiment").glob("*.png"))
    assert [one.name for one in plots] == ["experiment-bench-difference.png", "experiment-bench-equity.png"]
    assert all(one.stat().st_size < 100_000 for one in plots)
    assert all(f"(experiment/{one.name})" in page.read_text(encoding="utf-8") for one in plots)


def test_every_row_of_a_table_has_the_cells_of_its_head(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    one = study(tmp_path, 10.0)

    write_page(page, [replace(one, unchanged=frozenset({("BOT1", Arm.HOLDOUT)}))], every_days=7)

    cells = 0
    for line in page.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            cells = 0
            continue
        cells = cells or line.count("|")
        assert line.count("|") == cells, line


def test_arms_that_differ_before_the_first_step_are_no_experiment() -> None:
    trades = trades_of("BOT1")
    other = [replace(trades[0], close_rate=49_000.0), *trades[1:]]
    later = [*trades[:-1], replace(trades[-1], close_rate=49_000.0)]
    defaults = backtest("BOT1", Arm.DEFAULTS, trades)

    check_beginning(defaults, backtest("BOT1", Arm.LEARNED, later), FIRST)
    with pytest.raises(
        FreqfleetError, match=r"BOT1, learned: trades differ .* before anything was published"
    ):
        check_beginning(defaults, backtest("BOT1", Arm.LEARNED, other), FIRST)
