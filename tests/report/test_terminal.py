from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from freqfleet.report.demo_page import DemoPage
from freqfleet.report.terminal import print_report
from freqfleet.testing.pages import made_up_page


def printed(page: DemoPage, width: int = 100) -> str:
    screen = io.StringIO()
    print_report(page, Console(file=screen, width=width, color_system=None))
    return screen.getvalue()


def test_report_fits_the_screen() -> None:
    page = replace(made_up_page(), warnings=("a long warning " * 20,) * 9)

    lines = printed(page, width=140).splitlines()

    assert len(lines) <= 40
    assert max(len(line) for line in lines) <= 100


def test_report_says_verdict_loop_bots_learned_reasons_truth_and_time() -> None:
    text = printed(made_up_page())

    for expected in (
        "No difference shown",
        "+9.3 bps a trade (95 % interval -4.0 to +22.5 bps)",
        "Synthetic market",
        "276,480 candles > 3,605 trades > 3,605 stored > 32 decisions > 13 published > 430 BOT3 trades",
        "+2.14 %",
        "and 9 more",
        "4 skipped: GIGGLE/USDT:USDT long: 36 trades, 60 needed",
        "13 of 14 planted edges found",
        "warning: MON/USDT:USDT",
        "2 min 14 s",
    ):
        assert expected in text


def test_published_are_listed_by_claim() -> None:
    text = printed(made_up_page())

    assert text.index("XRP ") < text.index("LINK ") < text.index("BTC ")


def test_no_number_is_cut_in_a_narrow_terminal() -> None:
    lines = printed(made_up_page(), width=80).splitlines()

    start = next(index for index, line in enumerate(lines) if line.lstrip().startswith("learned"))
    assert [line for line in lines[start : start + 8] if "…" in line] == []


def test_warnings_beyond_the_screen_are_counted() -> None:
    page = replace(made_up_page(pairs=1), warnings=tuple(f"number {index}" for index in range(5)))

    text = printed(page)

    assert "number 2" in text
    assert "number 3" not in text
    assert "and 2 more warnings" in text


@pytest.mark.parametrize("width", [80, 100])
def test_what_became_of_feeders_is_said_to_its_end(width: int) -> None:
    feeders = (
        "10 feeders were trained on the candles before the split. Out of fold, 15 of 20 heads rank better"
    )

    said = " ".join(printed(replace(made_up_page(), feeders=feeders), width).split())

    assert feeders in said


def test_text_of_the_page_is_never_markup() -> None:
    page = made_up_page(pairs=1)
    page = replace(
        page,
        warnings=("[bold red]a strategy wrote this[/nonsense]",),
        bots=(replace(page.bots[0], bot="[blink]BOT1"),),
    )

    text = printed(page)

    assert "[bold red]a strategy wrote this[/nonsense]" in text
    assert "[blink]BOT1" in text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"comparison": None}, "The test did not run"),
        ({"decisions": ()}, "Nothing was published."),
        ({"bots": ()}, "No bot was run."),
        ({"sync": (), "steps": (), "warnings": ()}, "0 stored"),
    ],
)
def test_what_is_missing_is_said(change: dict[str, object], sentence: str) -> None:
    page = replace(made_up_page(pairs=1), **change)  # type: ignore[arg-type]

    assert sentence in printed(page)


def test_narrow_terminal_is_kept() -> None:
    assert max(len(line) for line in printed(made_up_page(), width=80).splitlines()) <= 80
