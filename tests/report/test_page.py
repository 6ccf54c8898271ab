from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from freqfleet.report.demo_page import DemoPage, Phase, from_json
from freqfleet.report.page import render, write_json, write_page
from freqfleet.testing.pages import made_up_page

HOSTILE = "<img src=x onerror=alert(1)> & </td><script>alert('\"1\"')</script>"
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Reader(HTMLParser):
    """Collects the visible words, the elements with their attributes, and tags that do not close."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"style", "script"}:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def text_of(page: DemoPage) -> str:
    return read(render(page)).text


def test_page_leads_with_the_verdict_and_its_interval() -> None:
    text = text_of(made_up_page())

    assert "No difference shown" in text
    assert "+9.3 bps a trade (95 % interval −4.0 to +22.5 bps)" in text
    assert text.index("No difference shown") < text.index("What was learned, pair by pair")


def test_page_shows_every_decision_with_its_values_and_reason() -> None:
    page = made_up_page()

    text = text_of(page)

    for one in page.decisions:
        assert one.reason in text
    first = page.decisions[0]
    assert first.parameters is not None
    assert (
        f"published −{-first.parameters.stop_loss * 100:.2f} % +{first.parameters.take_profit * 100:.2f} %"
        in text
    )
    assert "13 published · 2 inherited · 13 kept · 4 skipped" in text


def test_page_shows_the_counts_of_the_loop_the_bots_and_the_timings() -> None:
    text = text_of(made_up_page())

    for expected in (
        "candles 276,480 16 pairs, 60 days, 5m",
        "stored 3,605 exactly once, also when synced twice",
        "BOT2 learning BOT2ShortStrategy 1,389 0 1,389",
        "trend 44 %, reversion 33 %, breakout 23 %",
        "optimize 12 s",
        "together 2 min 14 s",
        "make demo",
        "13 kept p=…, … needed",
        "MON/USDT:USDT: 6 candles missing",
        "13 of 14 planted edges found",
        "all trades 428 430 −5.8 +3.5 +9.3 6.8",
    ):
        assert expected in text


def test_page_needs_nothing_from_outside() -> None:
    html = render(made_up_page())
    reader = read(html)

    assert not re.findall(r"(?i)\b(?:https?:)?//[a-z0-9]", html.replace("// Sort", ""))
    assert "@import" not in html
    for tag, attributes in reader.elements:
        assert tag not in {"link", "iframe", "object", "embed", "img", "base"}
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
        assert not [name for name in attributes if name.startswith("on")]
    assert "default-src 'none'" in html


def with_hostile_texts() -> DemoPage:
    page = made_up_page(pairs=2)
    decisions = tuple(replace(one, reason=HOSTILE) for one in page.decisions)
    run = replace(page.bots[4], exit_reasons={HOSTILE: 3}, entry_feeders={HOSTILE: 3}, strategy=HOSTILE)
    assert page.comparison is not None
    return replace(
        page,
        title=HOSTILE,
        market=replace(page.market, name=HOSTILE),
        decisions=decisions,
        bots=(*page.bots[:4], run),
        comparison=replace(page.comparison, method=HOSTILE),
        steps=(replace(page.steps[0], name=HOSTILE),),
        warnings=(HOSTILE,),
        commands=(HOSTILE,),
    )


def test_hostile_texts_are_shown_as_text() -> None:
    html = render(with_hostile_texts())
    reader = read(html)

    assert "<img" not in html
    assert [tag for tag, _ in reader.elements].count("script") == 1
    assert reader.text.count("<img src=x onerror=alert(1)>") >= 10


@pytest.mark.parametrize("synthetic", [True, False])
def test_synthetic_market_is_announced_and_a_real_one_is_not(synthetic: bool) -> None:
    page = made_up_page(pairs=2)
    page = replace(page, market=replace(page.market, synthetic=synthetic, truth=None))

    text = text_of(page)

    assert ("Synthetic market." in text) is synthetic
    assert ("does not say what was planted" in text) is synthetic


def test_figures_for_numbers_that_contradict_stand_among_the_warnings() -> None:
    page = made_up_page(pairs=2)
    page = replace(page, sync=(replace(page.sync[0], stored=1),), warnings=())

    text = text_of(page)

    assert "1 warning BOT1: 1,412 trades exported, 1 stored" in text


def empty_cases() -> list[Any]:
    page = made_up_page(pairs=1)
    assert page.comparison is not None
    idle = replace(
        page.bots[0],
        trades=0,
        longs=0,
        shorts=0,
        win_ratio=None,
        mean_position_profit_ratio=None,
        profit_ratio_total=0.0,
        max_drawdown_ratio=0.0,
        equity=(),
        exit_reasons={},
        entry_feeders={},
    )
    tested = [replace(idle, bot="BOT3", phase=phase) for phase in (Phase.DEFAULTS, Phase.LEARNED)]
    unpublished = tuple(one for one in made_up_page().decisions if one.parameters is None)
    return [
        pytest.param(page, "BTC/USDT:USDT", id="one pair"),
        pytest.param(replace(page, decisions=()), "No decision was asked for.", id="no decisions"),
        pytest.param(
            replace(page, decisions=unpublished), "Nothing was published: every pair", id="nothing published"
        ),
        pytest.param(replace(page, comparison=None), "The test did not run", id="no test"),
        pytest.param(replace(page, bots=(idle, *tested)), "no trades", id="no trades"),
        pytest.param(replace(page, bots=()), "No bot was run.", id="no bots"),
        pytest.param(replace(page, sync=()), "Nothing was synced.", id="no sync"),
        pytest.param(replace(page, steps=(), commands=()), "No timings were recorded.", id="no timings"),
        pytest.param(
            replace(page, market=replace(page.market, truth=())),
            "does not say what was planted",
            id="no truth",
        ),
    ]


@pytest.mark.parametrize(("page", "sentence"), empty_cases())
def test_what_is_missing_is_said(page: DemoPage, sentence: str) -> None:
    assert sentence in text_of(page)


def test_same_page_gives_the_same_bytes() -> None:
    assert render(made_up_page(pairs=2)) == render(made_up_page(pairs=2))


def test_files_are_written_whole_and_leave_nothing_else(tmp_path: Path) -> None:
    page = made_up_page(pairs=1)
    folder = tmp_path / "new" / "out"

    write_page(page, folder / "report.html")
    write_json(page, folder / "report.json")
    write_page(page, folder / "report.html")

    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json"]
    assert (folder / "report.html").read_text(encoding="utf-8") == render(page)
    assert (folder / "report.html").stat().st_mode & 0o444 == 0o444


def test_json_file_holds_the_page(tmp_path: Path) -> None:
    page = made_up_page(pairs=1)

    write_json(page, tmp_path / "report.json")

    assert from_json(json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))) == page


def test_old_file_stays_where_the_new_one_cannot_be_finished(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("the old report", encoding="utf-8")
    page = replace(made_up_page(pairs=1), title="a lone surrogate \ud800 has no UTF-8")

    with pytest.raises(UnicodeEncodeError):
        write_page(page, path)

    assert path.read_text(encoding="utf-8") == "the old report"
    assert list(tmp_path.iterdir()) == [path]
