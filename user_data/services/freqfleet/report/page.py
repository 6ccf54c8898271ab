"""The report as one HTML file that needs no network: styles, figures and script are inside."""

from __future__ import annotations

import json
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from freqfleet.report import formats
from freqfleet.report.comparison import JUDGED_TRADES, Outcome, verdict
from freqfleet.report.decision_plots import decisions_plot, profit_plot
from freqfleet.report.demo_page import BotRun, DemoPage, Phase, to_json
from freqfleet.report.html import page_environment, write_whole
from freqfleet.report.inks import DARK_INKS, Ink
from freqfleet.report.plots import comparison_plot, equity_plot, exit_reasons_plot
from freqfleet.report.summaries import (
    inconsistencies,
    loop_steps,
    reasons_not_published,
    truth_rows,
    truth_sentence,
    verdict_counts,
)

_OUTCOME_TONES = {Outcome.BETTER: "good", Outcome.WORSE: "bad"}


def render(page: DemoPage) -> str:
    """Return the whole page as HTML. Every text of the page is escaped; only our figures are markup."""
    comparison = page.comparison
    rows = truth_rows(page)
    learning = [run for run in page.bots if run.phase is Phase.LEARNING]
    default, learned = page.run(Phase.DEFAULTS), page.run(Phase.LEARNED)
    tested = [run for run in (default, learned) if run is not None]
    figures = {
        "learning": equity_plot(learning),
        "tested": equity_plot(tested),
        "exits": exit_reasons_plot(default, learned),
        "comparison": comparison_plot(comparison),
        "decisions": decisions_plot(page.decisions, page.defaults),
        "profits": profit_plot(page.decisions),
    }
    return (
        _environment()
        .get_template("demo.html.j2")
        .render(
            page=page,
            labels=formats.pair_labels(page.market.pairs),
            headline="The test did not run" if comparison is None else comparison.outcome.headline,
            verdict=_verdict_text(page),
            tone="even" if comparison is None else _OUTCOME_TONES.get(comparison.outcome, "even"),
            warnings=(*inconsistencies(page), *page.warnings),
            steps=loop_steps(page),
            verdicts=verdict_counts(page.decisions),
            reasons=reasons_not_published(page.decisions),
            truth=rows,
            truth_sentence=truth_sentence(rows),
            judged_trades=JUDGED_TRADES,
            learning=learning,
            tested=tested,
            figures={name: Markup(svg) for name, svg in figures.items()},  # noqa: S704 - drawn by us, text escaped
            light={ink.name.lower(): ink.value for ink in Ink},
            dark={ink.name.lower(): value for ink, value in DARK_INKS.items()},
        )
    )


def _verdict_text(page: DemoPage) -> str:
    if page.comparison is None:
        return "BOT3 was not run on the held-out part, so nothing can be said about what was learned."
    return formats.typographic(verdict(page.comparison))


def _environment() -> Environment:
    environment = page_environment()
    environment.filters["feeders"] = _feeders
    return environment


def _feeders(run: BotRun) -> str:
    """Return who gave the entries, most frequent first: `trend 44 %, reversion 33 %`."""
    total = sum(run.entry_feeders.values())
    ordered = sorted(run.entry_feeders.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {formats.as_percent(count / total, 0)}" for name, count in ordered if count)


def write_page(page: DemoPage, path: Path) -> None:
    """Write the HTML page to `path`: readers see the old file or the whole new one."""
    write_whole(path, render(page))


def write_json(page: DemoPage, path: Path) -> None:
    """Write the page's JSON to `path`, as `write_page` does."""
    write_whole(path, json.dumps(to_json(page), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
